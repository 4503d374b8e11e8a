"""`crisp-hw report` prints what evaluate printed; `crisp-hw compare` ends with 1 where something differs."""

import json

import pytest
from typer.testing import CliRunner

from crisp_hw.cli import app

pytestmark = pytest.mark.slow
ASKED = ["resnet50", "--nm", "2:4", "--layers", "fc"]


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder of evaluate, and a bundle of the same with another bandwidth."""
    place = tmp_path_factory.mktemp("saved")
    assert run("evaluate", *ASKED, "-a", "stc", "-a", "dense", "--out", place / "a", "--no-plot").exit_code == 0
    assert run("bundle", *ASKED, "-a", "stc", "--set", "dram_bandwidth=4", "--out", place / "b.zip").exit_code == 0
    return place


@pytest.mark.parametrize("form", ["table", "csv", "json", "md"])
def test_report_prints_what_evaluate_printed(saved, form):
    printed = run("evaluate", *ASKED, "-a", "stc", "-a", "dense", "-f", form).stdout
    for source in (saved / "a", saved / "a" / "result.json"):
        assert run("report", source, "-f", form).stdout == printed


def test_report_of_a_bundle_is_that_of_its_evaluation(saved):
    printed = run("evaluate", *ASKED, "-a", "stc", "--set", "dram_bandwidth=4", "--wide").stdout
    assert run("report", saved / "b.zip", "--wide").stdout == printed


def test_report_writes_the_same_files(saved, tmp_path):
    assert run("report", saved / "a", "--out", tmp_path / "again", "--no-plot").exit_code == 0
    for path in (saved / "a").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("form", ["table", "csv", "json", "md"])
def test_results_that_are_equal_end_with_0(saved, form):
    done = run("compare", saved / "a", saved / "a" / "result.json", "-f", form)
    assert done.exit_code == 0 and done.stdout


def test_results_that_differ_end_with_1(saved):
    done = run("compare", saved / "a", saved / "a", "--arch", "stc", "--arch", "dense", "-f", "json")
    assert done.exit_code == 1
    content = json.loads(done.stdout)
    assert content["schema"] == "crisp-hw/comparison/1" and not content["equal"] and content["beyond"]
    only = run("compare", saved / "a", "-a", "stc", "-a", "dense", "-f", "json")
    assert json.loads(only.stdout)["figures"] == content["figures"]


@pytest.mark.parametrize("name", ["run.pt", "run.safetensors"])
def test_a_pruned_network_is_no_result_yet(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK")
    refused = run("report", tmp_path / name)
    assert refused.exit_code == 2 and "is a pruned network, and no result yet; `crisp-hw evaluate" in refused.stderr


def test_the_tolerance_decides(saved):
    asked = ("compare", saved / "a", "--arch", "stc")
    both = (*asked[:2], saved / "b.zip", *asked[2:])
    found = json.loads(run(*both, "-f", "json").stdout)
    assert not found["equal"]
    largest = max(abs(each["ratio"] - 1) for each in found["beyond"] if each["ratio"])
    unmeasured = [each for each in found["beyond"] if each["ratio"] is None]
    assert run(*both, "--tolerance", f"{100 * largest + 1}%").exit_code == bool(unmeasured)
    assert run(*both, "--tolerance", f"{largest / 2}").exit_code == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compare", "{a}"], "one result has nothing to be compared with; give a second, or two --arch of this one"),
        (["compare", "{a}", "{a}", "--tolerance", "zwei"], "--tolerance zwei: is no share; write 1% or 0.01"),
        (["compare", "{a}", "nowhere"], "nowhere: cannot be read (no such file or directory); give result.json of"),
        (["report", "{a}/totals.csv"], "totals.csv:1: is not JSON"),
        (["report", "{a}", "--plot"], "--plot writes pictures into a folder; give one with --out"),
    ],
)
def test_refusals(saved, words, said):
    done = run(*(word.format(a=saved / "a") for word in words))
    assert done.exit_code == 2 and said in done.stderr and done.stderr.count("\n") == 1
