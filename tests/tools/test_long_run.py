"""What `make long` keeps of a run: every stage with its counts, and a failure wherever one failed."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "long_run.py"
spec = importlib.util.spec_from_file_location("long_run", SCRIPT)
long_run = importlib.util.module_from_spec(spec)
sys.modules["long_run"] = long_run  # dataclasses look their module up
spec.loader.exec_module(long_run)

REPORT = '<testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="40"/></testsuites>'


def stage(name, code):
    return long_run.Stage(name, (sys.executable, "-c", f"raise SystemExit({code})"))


@pytest.mark.parametrize(("codes", "ending"), [((0, 0), 0), ((0, 3), 1), ((), 1)])
def test_a_stage_that_fails_is_kept_and_fails_the_run(tmp_path, monkeypatch, codes, ending):
    monkeypatch.setattr(long_run, "stages", lambda coverage: [stage(f"number {code}", code) for code in codes])
    assert long_run.main(["--out", str(tmp_path / "long.json")]) == ending
    found = json.loads((tmp_path / "long.json").read_text())
    assert [each["passed"] for each in found["stages"]] == [code == 0 for code in codes]
    assert found["versions"]["crisp-hw"] and found["hypothesis seeds"] == []


def test_only_seeds_that_were_drawn_with_are_listed(tmp_path, monkeypatch):
    made = [long_run.Stage(long_run.seeded(seed), (sys.executable, "-c", "")) for seed in (3, 7)]
    monkeypatch.setattr(long_run, "stages", lambda coverage: made)
    assert long_run.main(["--out", str(tmp_path / "long.json"), "seed 7"]) == 0
    assert json.loads((tmp_path / "long.json").read_text())["hypothesis seeds"] == [7]


def test_words_choose_stages(tmp_path, monkeypatch):
    monkeypatch.setattr(long_run, "stages", lambda coverage: [stage("good", 0), stage("bad", 1)])
    assert long_run.main(["--out", str(tmp_path / "long.json"), "goo"]) == 0


def test_counts_are_those_of_the_report(tmp_path):
    path = tmp_path / "report.xml"
    assert long_run.counts(path) == {}
    path.write_text(REPORT)
    assert long_run.counts(path) == {"tests": 40, "failures": 2, "errors": 1, "skipped": 3}


def test_every_part_of_the_long_run_is_there(tmp_path):
    names = [each.name for each in long_run.stages(tmp_path / "coverage.json")]
    assert sum(name.startswith("hypothesis seed") for name in names) == 10
    assert {"6000 fuzzed inputs", "large spaces, many models", "container image"} < set(names)


def test_the_committed_result_is_one_of_this_script():
    kept = json.loads((SCRIPT.parents[1] / "tests" / "long.json").read_text())
    assert kept["stages"] and all({"stage", "passed", "seconds"} <= set(each) for each in kept["stages"])
