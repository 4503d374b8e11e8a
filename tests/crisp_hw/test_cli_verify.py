"""`verify`, `doctor`, `bundle` and `replay` on the command line: what they print, and their exit codes."""

import json
import re

import pytest
from timeloop_stand_in import computed, install
from timeloop_stand_in import recorded as stand_in_run
from typer.testing import CliRunner

from crisp_hw.cli import app

NETWORK = ["--workload", "vgg16", "--nm", "2:4", "--layers", "features.2[68]"]


def run(*arguments, code=0):
    result = CliRunner().invoke(app, [str(a) for a in arguments], prog_name="crisp-hw")
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def recorded(played):
    """A folder of documents, and timeloop-model played by what was recorded of them."""

    def put(name, old="", new=""):
        case = stand_in_run(name)
        case["files"] = {file: text.replace(old, new) if old else text for file, text in case["files"].items()}
        return played(case, name)

    return put


@pytest.fixture
def played(tmp_path, monkeypatch):
    """The same of any run."""

    def put(case, name="documents"):
        folder = tmp_path / name
        folder.mkdir()
        for file, text in case["documents"].items():
            (folder / file).write_text(text)
        install(tmp_path, case)
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


SCATTERED = """
architecture:
  version: "0.4"
  subtree:
    - name: system
      local:
        - {name: DRAM, class: DRAM, attributes: {datawidth: 16, width: 16}}
        - {name: MAC, class: intmac, attributes: {datawidth: 16, width: 16}}
problem:
  shape:
    name: product
    dimensions: [M, K]
    data_spaces: [{name: A, projection: [[[M]], [[K]]]}, {name: B, projection: [[[K]]]},
                  {name: Z, projection: [[[M]]], read_write: true}]
  instance: {M: 32768, K: 8, densities: {A: {distribution: hypergeometric, density: 0.5}}}
mapping: [{target: DRAM, type: temporal, factors: M=32768 K=8, permutation: KM}]
"""


def test_the_rounding_of_timeloops_library_ends_with_0(played):
    case = computed({"a.yaml": SCATTERED})
    text = case["files"]["timeloop-model.stats.txt"]
    for apart, code in ((1, 0), (2, 1)):
        edited = re.sub(r"(Cycles *: )(\d+)", lambda found, by=apart: f"{found[1]}{int(found[2]) + by}", text)
        case["files"]["timeloop-model.stats.txt"] = edited
        said = run("verify", played(case, f"apart-{apart}"), code=code).stdout
        assert ("cycles off by 1" in " ".join(said.split())) == (code == 0)


def test_documents_or_a_network_but_not_both(recorded):
    assert "not both" in run("verify", recorded("dense"), "--workload", "vgg16", code=2).stderr


def test_neither_is_an_error(recorded):
    recorded("dense")
    assert "give exactly one network" in run("verify", code=2).stderr


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
