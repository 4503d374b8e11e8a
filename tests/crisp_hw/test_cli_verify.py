"""`verify`, `doctor`, `bundle` and `replay` on the command line: what they print, and their exit codes."""

import gzip
import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crisp_hw.cli import app

STATS = Path(__file__).parents[1] / "golden" / "stats"
NETWORK = ["--workload", "vgg16", "--nm", "2:4", "--layers", "features.2[68]"]


def run(*arguments, code=0):
    result = CliRunner().invoke(app, [str(a) for a in arguments], prog_name="crisp-hw")
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """A folder of documents, and timeloop-model played by what was recorded of them."""

    def put(name, old="", new=""):
        case = json.loads(gzip.decompress((STATS / f"{name}.json.gz").read_bytes()))
        case["files"] = {file: text.replace(old, new) if old else text for file, text in case["files"].items()}
        folder = tmp_path / name
        folder.mkdir()
        for file, text in case["documents"].items():
            (folder / file).write_text(text)
        (tmp_path / "case.json").write_text(json.dumps(case))
        program = tmp_path / "timeloop-model"
        program.write_text(
            f"#!{sys.executable} -S\nimport json\ncase = json.load(open({str(tmp_path / 'case.json')!r}))\n"
            "print(case['log'])\n[open(name, 'w').write(text) for name, text in case['files'].items()]\n"
            "raise SystemExit(case['status'])\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        return folder

    return put


def test_documents_that_agree(recorded):
    result = run("verify", recorded("crisp-stc"))
    assert "1 of 1 sets of documents agree in every figure" in result.stdout


def test_documents_that_differ_end_with_1_and_are_named(recorded):
    result = run("verify", recorded("stc", "4608", "4609"), "--format", "csv", code=1)
    assert "MAC cycles computes" in result.stdout


def test_files_are_one_set(recorded):
    files = sorted(recorded("dense").iterdir())
    content = json.loads(run("verify", *files, "--format", "json").stdout)
    assert [each["verdict"] for each in content["documents"]] == ["equal"]


def test_a_tolerance_can_be_given(recorded):
    folder = recorded("stc", "4608", "4609")
    run("verify", folder, code=1)
    run("verify", folder, "--counts", "1")


def test_documents_or_a_network_but_not_both(recorded):
    assert "not both" in run("verify", recorded("dense"), "--workload", "vgg16", code=2).stderr


def test_neither_is_an_error(recorded):
    recorded("dense")
    assert "give exactly one of" in run("verify", code=2).stderr


def test_without_timeloop_it_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    error = run("verify", *NETWORK, code=4).stderr
    assert "is not installed" in error
    assert "crisp-hw doctor" in error


def test_a_runner_that_is_not_there(recorded):
    result = run("verify", recorded("dense"), "--runner", "timeloop-mapper", code=4)
    assert "timeloop-mapper is not installed" in result.stderr


def test_evaluate_with_a_backend_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "is not installed" in run("evaluate", *NETWORK, "--backend", "timeloop", code=4).stderr


def test_doctor_lists_what_there_is(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    content = json.loads(run("doctor", "--format", "json").stdout)
    parts = {part["name"]: part["status"] for part in content["parts"]}
    assert parts["python"] == "found"
    assert parts["timeloop-model"] == "missing"
    assert "finds no Timeloop that works" in run("doctor").stdout


def test_bundle_and_replay(tmp_path):
    run("bundle", *NETWORK, "-a", "crisp-stc", "-a", "dense", "-o", tmp_path / "b.zip")
    run("bundle", *NETWORK, "-a", "crisp-stc", "-a", "dense", "-o", tmp_path / "c.zip")
    assert (tmp_path / "b.zip").read_bytes() == (tmp_path / "c.zip").read_bytes()
    assert "4 of 4 designs as recorded" in run("replay", tmp_path / "b.zip").stdout
    content = json.loads(run("replay", tmp_path / "b.zip", "--format", "json").stdout)
    assert content["bundle"]["source"] == {"workload": "vgg16", "nm": "2:4", "block": None, "sparsity": None}


def test_a_replay_that_differs_ends_with_1(tmp_path, monkeypatch):
    run("bundle", *NETWORK, "-o", tmp_path / "b.zip")
    from crisp_hw.backends import BACKENDS
    from crisp_hw.engine.evaluate import evaluate

    def slower(point):
        from dataclasses import replace

        found = evaluate(point)
        return replace(found, cycles=found.cycles + 1)

    monkeypatch.setitem(BACKENDS, "embedded", slower)
    result = run("replay", tmp_path / "b.zip", code=1)
    assert "0 of 2 designs as recorded" in result.stdout
    assert "cycles" in result.stdout


def test_a_bundle_is_a_file(tmp_path):
    assert "is a folder" in run("bundle", *NETWORK, "-o", tmp_path, code=2).stderr


def test_replay_of_something_else(tmp_path):
    (tmp_path / "b.zip").write_text("no")
    assert "is no whole zip file" in run("replay", tmp_path / "b.zip", code=2).stderr
