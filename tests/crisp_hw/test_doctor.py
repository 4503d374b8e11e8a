"""What is installed: found, missing, broken."""

import sys

import pytest

from crisp_hw.doctor import Tool, doctor_document, examine


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """A PATH with nothing but what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def put(name, code):
        program = tmp_path / name
        program.write_text(f"#!{sys.executable} -S\n{code}\n")
        program.chmod(0o755)
        return program

    return put


def part(name, *arguments):
    return next(each for each in examine(*arguments) if each.name == name)


def test_nothing_of_timeloop(alone):
    found = part("timeloop-model")
    assert (found.status, found.version, found.place) == ("missing", None, None)
    assert "github.com/NVlabs/timeloop" in found.advice


def test_a_program_that_works(alone):
    program = alone("timeloop-model", "")
    found = part("timeloop-model", lambda runner: None)
    assert (found.status, found.place) == ("found", str(program))
    assert found.version.startswith("sha256 ")


def test_a_program_that_does_not_work_says_why(alone):
    alone("timeloop-model", "print('ERROR: nothing works')\nraise SystemExit(1)")
    found = part("timeloop-model")
    assert found.status == "broken"
    assert "nothing works" in found.problem


def test_packages_have_versions():
    torch = pytest.importorskip("torch")

    found = part("torch", lambda runner: None)
    assert (found.status, found.version) == ("found", torch.__version__)


def test_a_package_that_is_missing_says_how_to_get_it(monkeypatch, alone):
    monkeypatch.setattr("crisp_hw.doctor.find_spec", lambda name: None)
    found = part("torch", lambda runner: None)
    assert found.status == "missing"
    assert "pip install" in found.advice


def test_cacti_is_found_in_another_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("CRISP_HW_CACTI", str(tmp_path))
    assert part("hwcomponents-cacti", lambda runner: None).status == "missing"
    (tmp_path / "cacti" / "tech_params").mkdir(parents=True)
    (tmp_path / "cacti" / "cacti").touch()
    (tmp_path / "default_cfg.cfg").touch()
    found = part("hwcomponents-cacti", lambda runner: None)
    assert (found.status, found.place) == ("found", str(tmp_path))


def test_the_document_says_whether_the_backend_can_be_used():
    ready = Tool("timeloop-model", "verify", True, "")
    broken = Tool("timeloop-mapper", "verify", True, "", problem="died of SIGABRT")
    document = doctor_document((broken, ready))
    assert document.remarks["verdict"] == ("--backend timeloop runs timeloop-model",)
    assert [record["status"] for record in document.records] == ["broken", "found"]
    assert document.records[0]["advice"] == "died of SIGABRT"
    assert doctor_document((broken,)).remarks["verdict"] == ("--backend timeloop finds no Timeloop that works",)
