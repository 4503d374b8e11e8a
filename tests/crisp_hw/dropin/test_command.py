"""The command: exit codes, what is written, and what it may import."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crisp_hw.cli import app

DOCUMENTS = Path(__file__).parent / "documents"
WRITTEN = ["stats.json", "timeloop-model.map.txt", "timeloop-model.stats.txt"]
FLAT = DOCUMENTS / "dense-flat.yaml"


def run(*arguments):
    return CliRunner().invoke(app, ["model", *map(str, arguments)])


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_valid_mapping_is_shown_and_written(tmp_path):
    done = run(FLAT, "-o", tmp_path / "out")
    assert done.exit_code == 0
    assert "there is no ERT, so all energies are Timeloop's built-in estimates" in done.stdout
    assert "144" in done.stdout
    assert names(tmp_path / "out") == WRITTEN
    assert "Cycles: 144\n" in (tmp_path / "out" / "timeloop-model.stats.txt").read_text()


def test_json_on_stdout_is_the_file(tmp_path):
    done = run(FLAT, "-o", tmp_path, "--format", "json")
    assert json.loads(done.stdout) == json.loads((tmp_path / "stats.json").read_text())


def test_csv_has_a_row_per_level_and_tensor(tmp_path):
    rows = list(csv.DictReader(run(FLAT, "-o", tmp_path, "-f", "csv").stdout.splitlines()))
    by_place = {(row["level"], row["tensor"]): row for row in rows}
    assert set(by_place) >= {("DRAM", "Z"), ("SMEM", "A"), ("RF", "B"), ("RF", "all")}
    assert ("SMEM", "Z") not in by_place
    assert int(by_place["SMEM", "all"]["cycles"]) == 144


def test_markdown_has_both_tables(tmp_path):
    assert run(FLAT, "-o", tmp_path, "-f", "md").stdout.count("\n## gemm: ") == 2


def test_an_invalid_mapping_writes_nothing(tmp_path):
    small = tmp_path / "small.yaml"
    small.write_text(FLAT.read_text().replace("depth: 2048", "depth: 4"))
    done = run(small, "-o", tmp_path / "out")
    assert done.exit_code == 3
    assert "level SMEM: 96 words of capacity needed, 16 there" in done.stderr
    assert names(tmp_path / "out") == []


@pytest.mark.parametrize("text", ["", "- a list", "problem: {", "architecture: 3\nproblem: {}\nmapping: []"])
def test_bad_input_is_one_sentence(text, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text(text)
    done = run(bad, "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert done.stderr.startswith("crisp-hw: error: ")
    assert "bad.yaml" in done.stderr
    assert done.stderr.count("\n") == 1
    assert names(tmp_path / "out") == []


def test_no_files_is_bad_usage():
    assert run().exit_code == 2


def test_heavy_packages_stay_out(tmp_path):
    """Start-up is most of the time of a call."""
    script = (
        "import sys\nfrom crisp_hw.cli import app\n"
        f"sys.argv = ['crisp-hw', 'model', {str(FLAT)!r}, '-o', {str(tmp_path)!r}]\n"
        "try:\n    app()\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = {'pandas', 'matplotlib', 'torch', 'scipy', 'jinja2'} & set(sys.modules)\nassert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["dense-flat.yaml", "dense-nodes.yaml"])
def test_without_a_mapping_the_next_step_is_to_look_for_one(tmp_path, name):
    alone = tmp_path / "alone.yaml"
    alone.write_text(re.sub(r"(?ms)^mapping:.*?(?=^\S|\Z)", "", (DOCUMENTS / name).read_text()))
    done = run(alone, "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert "no mapping is among the files, crisp-hw map looks for the best one" in done.stderr
