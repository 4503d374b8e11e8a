"""A gap that is allowed in an evaluation: what is not proven says so in tables, frames, JSON, files and assumptions."""

import json

import pytest
from typer.testing import CliRunner

import crisp_hw
from crisp_hw.cli import output
from crisp_hw.cli.commands import whole_app
from crisp_hw.errors import InputError
from crisp_hw.results import read_result
from crisp_hw.searches import pool
from crisp_hw.spec.layer import Layer, Workload
from crisp_hw.spec.options import EvaluateOptions, SearchOptions

pytestmark = pytest.mark.slow

NETWORK = crisp_hw.WorkloadPattern(
    Workload("tiny", (Layer("one", "linear", 64, 256, tokens=64), Layer("two", "linear", 32, 64, tokens=64)))
)
TABLE = """\
schema: crisp-hw/workload/1
name: tiny
source: "made up for this test"
totals: {layers: 1, weights: 16384, macs: 1048576}
layers:
  - {name: one, kind: linear, in_channels: 256, out_channels: 64, tokens: 64}
"""
OPEN = """\
schema: crisp-hw/arch/2
name: open
extends: fabric
does: "exploits no sparsity"
runs:
  - name: dense
    across: {K: 4}
constraints:
  LRF: {keep: [A], temporal: [G, M, N, K], order: free}
  RF: {keep: [Z], temporal: [G, M, N, K], order: free, x: [K, N], y: [G, M], spatial: share}
  SMEM: {keep: [A, B], temporal: [G, M, N, K], order: free, y: [G, M, N], spatial: share}
  DRAM: {keep: [A, B, Z], temporal: [G, M, N, K], order: free}
baseline:
  name: dense
  problem: gemm
  across: {K: 4}
"""
DOUBT = "is not proven to be the best: best of "


@pytest.fixture
def free(tmp_path, monkeypatch):
    """An accelerator whose levels leave nearly everything open, of which nothing is kept yet."""
    monkeypatch.setenv("CRISP_HW_CACHE", str(tmp_path / "kept"))
    path = tmp_path / "open.yaml"
    path.write_text(OPEN)
    return path


def evaluated(free, **options):
    return crisp_hw.evaluate(NETWORK, free, objective="edp", **options)


def product(row):
    return row.result.cycles * row.result.energy_pj


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_search_that_ended_early_says_so_everywhere(free, tmp_path, jobs):
    near, best = evaluated(free, gap=0.5, cache=False, jobs=jobs), evaluated(free, cache=False)
    assert near.network.rows == evaluated(free, gap=0.5, cache=False).network.rows
    for row, proven in zip(near.network.rows, best.network.rows, strict=True):
        assert 0 < row.gap <= 0.5
        assert product(proven) <= product(row) <= (1 + row.gap) * product(proven)
        doubt = next(text for text in row.result.assumptions if DOUBT in text)
        assert doubt.endswith(" % above it")
        assert proven.gap == 0
        assert not any(DOUBT in text for text in proven.result.assumptions)
    assert near.to_frame()["gap"].tolist() == [row.gap for row in near.network.rows]
    near.save(tmp_path / "result.json")
    assert read_result(tmp_path / "result.json").rows == near.network.rows


def test_a_proven_mapping_is_reused_and_what_ended_early_is_not(free):
    near = evaluated(free, gap=0.5)
    assert all(row.gap > 0 for row in near.network.rows)
    best = evaluated(free)
    assert all(row.gap == 0 for row in best.network.rows)
    again = evaluated(free, gap=0.5)
    assert again.network.rows == best.network.rows
    assert "option gap has no effect: every mapping is proven to be the best" in again.network.assumptions


def test_a_gap_that_ends_nothing_is_named(free):
    found = crisp_hw.evaluate("resnet50", "dense", nm="2:4", layers="fc", gap=0.1)
    assert "option gap has no effect: every mapping is proven to be the best" in found.network.assumptions


@pytest.mark.parametrize("gap", [-0.1, float("inf"), float("nan")])
@pytest.mark.parametrize("kind", [EvaluateOptions, SearchOptions])
def test_a_gap_is_a_share_from_0_on(kind, gap):
    with pytest.raises(InputError, match=r"gap is .*; give a share from 0 on, such as 0.05 for 5 %"):
        kind(gap=gap)


def run(free, tmp_path, *words):
    table = tmp_path / "tiny.yaml"
    table.write_text(TABLE)
    words = ["evaluate", "--workload", str(table), "--arch", str(free), "--objective", "edp", "-j", "1", *words]
    return CliRunner().invoke(whole_app(), words, prog_name="crisp-hw")


def test_the_command_takes_it_as_map_does(free, tmp_path):
    shown = run(free, tmp_path, "--gap", "50%", "--format", "json")
    assert shown.exit_code == 0, shown.stderr
    row = json.loads(shown.stdout)["layers"][0]
    assert 0 < row["gap"] <= 0.5
    assert run(free, tmp_path, "--gap", "0.5", "--format", "json").stdout == shown.stdout
    assert "is not proven to be the best: best of" in run(free, tmp_path, "--gap", "50%").stdout
    refused = run(free, tmp_path, "--gap", "half")
    assert (refused.exit_code, refused.stderr) == (
        2,
        "crisp-hw: error: --gap half: is no share; write 5% or 0.05\n",
    )


def test_where_nobody_watches_lines_say_how_far_a_search_is(free, tmp_path, monkeypatch):
    monkeypatch.setattr(output, "LINES_S", 0.0)
    monkeypatch.setattr(pool, "EVERY_S", 0.0)
    said = run(free, tmp_path, "--no-cache").stderr.splitlines()
    assert any(
        line.startswith("crisp-hw: 0 of 1 done, now open one: best: ") and "% above the least bound of" in line
        for line in said
    )
    assert run(free, tmp_path, "--no-cache", "-q").stderr == ""
