"""What is installed: found, missing, broken."""

import json
import re
import sys
from pathlib import Path

import pytest

from crisp_hw.doctor import Tool, doctor_document, examine
from crisp_hw.dropin.model import evaluate_files, texts_of

DOT = """
architecture:
  version: "0.4"
  subtree:
    - name: system
      local:
        - {name: DRAM, class: DRAM, attributes: {datawidth: 16, width: 16}}
        - {name: MAC, class: intmac, attributes: {datawidth: 16}}
problem:
  shape:
    name: dot
    dimensions: [K]
    data_spaces: [{name: A, projection: [[[K]]]}, {name: B, projection: [[[K]]]},
                  {name: Z, projection: [[[K]]], read_write: true}]
  instance: {K: 4}
mapping: [{target: DRAM, type: temporal, factors: K=4, permutation: K}]
"""


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


def figures(tmp_path):
    """What a Timeloop writes of four multiplications, as a file of a text by name."""
    (tmp_path / "dot.yaml").write_text(DOT)
    texts = texts_of(evaluate_files([tmp_path / "dot.yaml"]))
    (tmp_path / "dot.yaml").unlink()
    return texts["timeloop-model.stats.txt"]


def wanting(needed, name, text):
    """A program that ends without a result when its documents lack one that is needed, as with Accelergy built in."""
    written = json.dumps({f"{name}.stats.txt": text})
    return (
        "import sys\n"
        "given = ''.join(open(path).read() for path in sys.argv[1:])\n"
        f"if any(f'\\n{{key}}:' not in '\\n' + given for key in {needed!r}): raise SystemExit(0)\n"
        f"for name, text in {written}.items(): open(name, 'w').write(text)"
    )


@pytest.mark.process
@pytest.mark.parametrize("name", ["timeloop-model", "timeloop-mapper"])
@pytest.mark.parametrize("needed", [("ERT",), ("ART",), ("ERT", "ART", "architecture", "problem")])
def test_a_program_that_wants_every_table_works(name, needed, alone, tmp_path):
    alone(name, wanting(needed, name, figures(tmp_path)))
    assert part(name).status == "found"
    assert {path.name for path in tmp_path.iterdir()} == {name}


@pytest.mark.process
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("", "wrote no timeloop-model.stats.txt"),
        ("raise SystemExit(7)", "ended with status 7"),
        ("import os; os.abort()", "died of SIGABRT"),
        ("print('ERROR: key not found: x, at line: 0'); raise SystemExit(1)", "the key 'x' is missing"),
        ("open('timeloop-model.stats.txt', 'w').write('')", "holds no level"),
    ],
)
def test_a_trial_that_fails_leaves_no_folder(code, words, alone, tmp_path):
    program = alone("timeloop-model", code)
    found = part("timeloop-model")
    assert found.status == "broken"
    assert words in found.problem
    assert "kept in" not in found.problem
    assert list(tmp_path.iterdir()) == [program]


@pytest.mark.process
def test_a_program_that_counts_otherwise_is_broken(alone, tmp_path):
    text = re.sub(r"\bCycles( *): 4\b", r"Cycles\1: 5", figures(tmp_path))
    alone("timeloop-model", wanting((), "timeloop-model", text))
    assert "takes 5 cycles" in part("timeloop-model").problem


def test_the_full_image_tries_what_is_installed():
    lines = (Path(__file__).parents[2] / "docker" / "Dockerfile.full").read_text().splitlines()
    assert lines[-1] == 'CMD ["doctor"]'


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
