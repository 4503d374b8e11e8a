"""`--explain` on the command line: one layer on one accelerator, or one set of Timeloop documents."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from crisp_hw.cli import app

WORKLOAD = """\
schema: crisp-hw/workload/1
name: tiny
source: made up for a test
layers:
  - {name: mid, kind: linear, in_channels: 64, out_channels: 64, tokens: 16}
  - {name: fc, kind: linear, in_channels: 64, out_channels: 10}
"""
PATTERN = ["--nm", "2:4", "--block", "16", "--sparsity", "0.8"]
CASES = Path(__file__).parents[2] / "golden" / "crisp-small.jsonl"


def run(*arguments, code=0):
    result = CliRunner().invoke(app, [str(a) for a in arguments], prog_name="crisp-hw")
    assert result.exit_code == code, result.stderr
    return result


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(WORKLOAD)
    return ["evaluate", "--workload", path, *PATTERN]


def test_a_figure_of_one_layer_is_explained_instead_of_the_table(tiny):
    text = run(*tiny, "--layers", "mid", "--explain", "SMEM.A").stdout
    assert text.startswith("SMEM.A: layer mid on crisp-stc\n")
    assert "docs/model.md, section 3.2" in text
    assert "totals" not in text
    assert max(map(len, text.splitlines())) <= 120


def test_what_tables_add_beside_the_model_is_said(tiny):
    text = " ".join(run(*tiny, "--layers", "mid", "--explain", "energy").stdout.split())
    added = re.search(r"also charge what this model leaves out: (.*)$", text)
    found = json.loads(run(*tiny, "--layers", "mid", "--explain", "energy", "--format", "json").stdout)
    (row,) = json.loads(run(*tiny, "--layers", "mid", "--format", "json").stdout)["layers"]
    beside = sum(float(pj.replace(",", "")) for pj in re.findall(r"([\d,]+) pJ for", added[1]))
    total = row["on_chip_uj"] * 1e6 + row["dram_uj"] * 1e6
    assert beside > 0
    assert found["figures"]["energy_pj"] + beside == pytest.approx(total, abs=3)


def test_json_holds_the_figures_of_the_table(tiny):
    found = json.loads(run(*tiny, "--layers", "mid", "--explain", "cycles", "--format", "json").stdout)
    table = json.loads(run(*tiny, "--layers", "mid", "--format", "json").stdout)
    assert found["schema"] == "crisp-hw/explanation/1"
    assert found["figures"]["cycles"] == table["layers"][0]["cycles"]


def test_csv_has_a_row_per_step_and_markdown_the_text(tiny):
    rows = list(csv.DictReader(io.StringIO(run(*tiny, "--layers", "mid", "--explain", "MAC", "-f", "csv").stdout)))
    assert {"random", "cycles", "energy_pj"} <= {row["figure"] for row in rows}
    assert run(*tiny, "--layers", "mid", "--explain", "MAC", "-f", "md").stdout.startswith("```text\nMAC: layer mid")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--explain", "MAC"], "--explain looks at one layer; choose one of 2 with --layers: mid, fc"),
        (
            ["--layers", "mid", "-a", "stc", "-a", "dense", "--explain", "MAC"],
            "one accelerator; choose one with --arch",
        ),
        (["--layers", "mid", "--explain", "L2.A"], "no figure L2.A to explain; there are cycles, energy"),
        (["--layers", "mid", "--explain", "MAC", "--backend", "timeloop"], "leave out --backend timeloop"),
    ],
)
def test_what_cannot_be_explained_is_one_sentence(tiny, arguments, message):
    assert message in run(*tiny, *arguments, code=2).stderr


def test_timeloop_documents_are_explained_too(tmp_path):
    case = json.loads(CASES.read_text().splitlines()[0])
    documents = tmp_path / "all.yaml"
    documents.write_text(yaml.safe_dump(case["input"]))
    text = run("model", documents, "--out", tmp_path / "out", "--explain", "cycles").stdout
    assert text.startswith("cycles\n")
    assert f"{case['output']['cycles']:,} cycles" in text
