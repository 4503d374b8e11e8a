"""`crisp-hw explore`: what it reads, writes and says, and what a kill leaves."""

import json
from collections import Counter

import pytest
import yaml
from typer.testing import CliRunner

from crisp_hw.cli import app

FILE = {
    "schema": "crisp-hw/space/1",
    "source": "net.yaml",
    "nm": "2:4",
    "space": {"smem_bandwidth": [8, 16, 32], "rf_kb": {"low": 1, "high": 3, "step": 1}, "cores": [2, 4]},
    "conditions": ["rf_kb * cores <= 8"],
}
LAYERS = [
    {"name": name, "kind": "linear", "in_channels": 64, "out_channels": out} for name, out in (("a", 32), ("b", 16))
]
TABLE = {"schema": "crisp-hw/workload/1", "name": "two", "source": "made up", "layers": LAYERS}


@pytest.fixture
def file(tmp_path):
    def write(**changes):
        (tmp_path / "net.yaml").write_text(yaml.safe_dump(TABLE))
        path = tmp_path / "space.yaml"
        path.write_text(yaml.safe_dump({**FILE, **changes}))
        return path

    return write


def run(*words):
    return CliRunner().invoke(app, ["explore", *map(str, words)])


@pytest.mark.slow
def test_everything_is_written_and_kept(file, tmp_path):
    out = tmp_path / "out"
    shown = run(file(), "-o", out, "-f", "json")
    assert shown.exit_code == 0, shown.output
    assert {path.name for path in out.iterdir()} >= {"study.json", "points.csv", "front.csv", "points.log"}
    content = json.loads((out / "study.json").read_text())
    assert content == json.loads(shown.stdout)
    states = Counter(each["state"] for each in content["points"])
    assert states == {"feasible": 15, "infeasible": 3}
    assert all(
        each["reason"] == "the condition rf_kb * cores <= 8 does not hold"
        for each in content["points"]
        if not each["cycles"]
    )
    before = (out / "points.log").read_bytes()
    assert run(file(), "-o", out, "-f", "json").stdout == shown.stdout
    assert (out / "points.log").read_bytes() == before


def test_the_command_line_has_priority_over_the_file(file):
    found = json.loads(run(file(method="tpe", trials=50), "--method", "random", "--trials", "5", "-f", "json").stdout)
    assert len(found["points"]) == 5


def test_verbose_says_the_best_so_far(file):
    said = run(file(), "-v").stderr
    assert "16 of 18 points; best so far: cycles 64, energy_uj 0.151392" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"spaec": {}}, "did you mean space?"),
        ({"space": {"smem_ports": [1]}, "conditions": []}, "axis smem_ports is no number of crisp-stc"),
        ({"space": {"cores": {"lwo": 1}}}, "lwo"),
        ({"options": {"objektive": "edp"}}, "did you mean objective?"),
        ({"method": "bayes"}, "no method 'bayes'"),
        ({"source": "nothing.yaml"}, "nothing.yaml"),
        ({"accuracy": [{"sparsity": 0.5}]}, "accuracy"),
    ],
)
def test_mistakes_are_told_with_their_place(file, changes, said):
    shown = run(file(**changes))
    assert shown.exit_code == 2 and said in shown.stderr


def test_workers_and_a_scheduler_exclude_each_other(file):
    shown = run(file(), "--workers", "2", "--scheduler", "tcp://127.0.0.1:1")
    assert shown.exit_code == 2 and "give one" in shown.stderr


@pytest.mark.slow
def test_a_scheduler_that_does_not_answer_is_told(file):
    shown = run(file(), "--scheduler", "tcp://127.0.0.1:1")
    assert shown.exit_code == 2 and "no scheduler of Dask answers there" in shown.stderr
