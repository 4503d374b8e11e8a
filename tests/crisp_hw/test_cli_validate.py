"""`crisp-hw validate`: exit codes, the page, and files that are no cases."""

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crisp_hw.cli import app

COMMITTED = Path(__file__).parents[1] / "golden" / "cases"


def run(*words: object):
    return CliRunner().invoke(app, ["validate", *map(str, words)])


def recorded(family: str) -> list[dict]:
    with gzip.open(COMMITTED / f"{family}.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def written(path: Path, cases: list[dict]) -> Path:
    path.write_text("".join(json.dumps(case) + "\n" for case in cases))
    return path


def test_cases_that_agree_exit_0_and_write_the_page(tmp_path):
    done = run(COMMITTED / "dense.jsonl.gz", "--strict", "--format", "json", "--page", tmp_path / "page.md")
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)["families"]
    assert row["equal"] == row["cases"] == len(recorded("dense"))
    assert "| dense |" in (tmp_path / "page.md").read_text()


@pytest.mark.slow
def test_one_count_more_is_close_and_too_much_for_strict(tmp_path):
    cases = [case for case in recorded("dense") if case["output"]["valid"]] * 40
    cases[0] = json.loads(json.dumps(cases[0]))
    cases[0]["output"]["cycles"] += 1
    path = written(tmp_path / "dense.jsonl", cases)
    assert run(path).exit_code == 0
    strict = run(path, "--strict")
    assert strict.exit_code == 1
    assert cases[0]["id"] in strict.output


def test_a_wrong_count_exits_1_and_names_the_case(tmp_path):
    cases = [case for case in recorded("dense") if case["output"]["valid"]]
    cases[0]["output"]["cycles"] += 1000
    done = run(written(tmp_path / "dense.jsonl", cases))
    assert done.exit_code == 1
    assert cases[0]["id"] in done.output


def test_what_is_no_file_of_cases_is_bad_input(tmp_path):
    (tmp_path / "text.jsonl.gz").write_text("hello")
    for path in (tmp_path / "text.jsonl.gz", written(tmp_path / "other.jsonl", [{"id": 1}]), tmp_path / "none"):
        done = run(path)
        assert done.exit_code == 2
        assert str(path) in done.output.replace("\n", "")


@pytest.mark.parametrize("name", ["nothing.jsonl", "nothing.jsonl.gz"])
def test_a_file_without_cases_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    done = run(tmp_path / name)
    assert done.exit_code == 2
    assert "holds no recorded case" in done.stderr
