"""The command line on a tiny network: stdout holds the result, files hold the same."""

import csv
import io
import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import crisp_hw
from crisp_hw import api
from crisp_hw.cli import app
from crisp_hw.pruned_file import save_pruned
from crisp_hw.report.records import layer_records
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer, Skipped
from crisp_hw.spec.patterns import NM

torch.set_num_threads(1)

WORKLOAD = """\
schema: crisp-hw/workload/1
name: tiny
source: made up for a test
layers:
  - {name: stem, kind: conv2d, in_channels: 4, out_channels: 16, kernel: [3, 3], padding: [1, 1], input_size: [8, 8]}
  - {name: mid, kind: linear, in_channels: 64, out_channels: 64, tokens: 16}
  - {name: fc, kind: linear, in_channels: 64, out_channels: 10}
skipped:
  - {name: relu, reason: elementwise}
"""
PATTERN = ["--nm", "2:4", "--block", "16", "--sparsity", "0.8"]


def run(*arguments, code=0):
    result = CliRunner().invoke(app, [str(a) for a in arguments], prog_name="crisp-hw")
    assert result.exit_code == code, result.stderr
    return result


@pytest.fixture
def workload(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(WORKLOAD)
    return path


def hybrid_mask():
    """64 x 64 in blocks of 16 with 2:4, two of four blocks in every block row."""
    mask = np.zeros((64, 64), dtype=bool)
    for row in range(4):
        for block in (row, (row + 1) % 4):
            mask[16 * row : 16 * row + 16, 16 * block : 16 * block + 16] = np.tile([True, False, False, True], (16, 4))
    return mask


@pytest.fixture
def masks(tmp_path):
    layers = (
        PrunedLayer(Layer("stem", "linear", 16, 8), "dense"),
        PrunedLayer(Layer("mid", "linear", 64, 64, tokens=16), "hybrid", hybrid_mask(), NM(2, 4), 16),
    )
    model = PrunedModel("net", layers, skipped=(Skipped("relu", "elementwise"),), provenance={"accuracy": 0.9})
    save_pruned(tmp_path / "run.pt", model)
    return tmp_path / "run.pt"


def test_the_table_shows_layers_totals_assumptions_and_skipped(workload):
    words = ("evaluate", "--workload", workload, *PATTERN, "--arch", "crisp-stc", "-a", "stc")
    result = run(*words, "--per-layer", "--notes")
    said = ("totals", "rests on:", "on crisp-stc", "on stc", "mid", "assumptions:", "skipped:\n  - relu: elementwise")
    places = [result.stdout.find(text) for text in said if text != "mid"]
    assert places == sorted(places) and min(places) >= 0 and "mid" in result.stdout
    assert result.stderr == ""
    brief = run(*words).stdout
    assert "1 skipped: relu; at no cost here" in brief and "more: --per-layer, --notes, --wide" in brief
    assert not any(text in brief for text in ("mid", "assumptions:", "elementwise"))
    assert max(map(len, result.stdout.splitlines())) <= 120


def test_dstc_packs_nonzeros_on_request(workload):
    cycles = {}
    for model in ("skipping", "position-skipping"):
        options = ("--arch", "dstc", "--layers", "mid", "--packing", model, "--format", "json")
        found = json.loads(run("evaluate", "--workload", workload, *PATTERN, *options).stdout)
        cycles[model] = found["layers"][0]["cycles"]
        inferred = [note for note in found["assumptions"] if "inferred from the reference outputs" in note["text"]]
        assert bool(inferred) == (model == "position-skipping")
    assert cycles["skipping"] < cycles["position-skipping"]
    refused = run("evaluate", "--workload", workload, *PATTERN, "--arch", "dstc", "--packing", "packing", code=2)
    assert "position-skipping" in refused.stderr


def test_csv_is_what_the_api_says(workload):
    result = run("evaluate", "--workload", workload, *PATTERN, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    expected = api.evaluate(api.WorkloadPattern(workload, NM(2, 4), 16, 0.8)).network
    for row, record in zip(rows, layer_records(expected), strict=True):
        assert row == {key: "" if value is None else str(value) for key, value in record.items()}
    assert "rests on:" in result.stderr and "relu" in result.stderr and "assumptions:" not in result.stderr
    told = run("evaluate", "--workload", workload, *PATTERN, "--format", "csv", "--notes", "--wide", "--per-layer")
    assert told.stdout == result.stdout and "assumptions:" in told.stderr
    for name in ("--wide", "--per-layer"):
        assert f"crisp-hw: {name} has no effect with --format csv, which has everything\n" in told.stderr


def test_json_from_masks_carries_provenance(masks):
    content = json.loads(run("evaluate", "--masks", masks, "-f", "json").stdout)
    assert content["provenance"] == {"accuracy": 0.9}
    assert content["skipped"][0] == {"name": "relu", "reason": "elementwise"}
    assert [(row["arch"], row["layer"], row["nm"]) for row in content["layers"]] == [
        ("crisp-stc", "stem", None),
        ("crisp-stc", "mid", "2:4"),
    ]
    assert content["layers"][1]["kept_ratio"] == 0.5
    assert content["totals"][0]["cycles"] == sum(row["cycles"] for row in content["layers"])


def test_markdown(masks):
    assert "| mid | 2:4 B16 | 50.0 % |" in run("evaluate", "--masks", masks, "-f", "md", "--per-layer").stdout


def test_layers_chooses_and_wide_widens(masks):
    chosen = run("evaluate", "--masks", masks, "--layers", "m*", "--wide", "--per-layer").stdout
    assert "mid" in chosen and "stem" not in chosen
    assert "dense_on_chip_uj" in run("evaluate", "--masks", masks, "--wide", "-f", "md").stdout


@pytest.mark.slow
def test_out_holds_the_same_as_stdout(masks, tmp_path):
    result = run("evaluate", "--masks", masks, "-f", "csv", "--out", tmp_path / "out", "-a", "stc", "-a", "crisp-stc")
    names = ["totals.csv", "layers.csv", "levels.csv", "result.json", "report.md", "report.html"]
    names += ["totals.png", "speedup.png", "energy.png", "roofline.png"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(names)
    assert (tmp_path / "out" / "layers.csv").read_text() == result.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"run.pt", "out"}
    assert f"wrote {', '.join(names)} to {tmp_path / 'out'}" in result.stderr


def test_figures_take_the_form_that_is_asked_for(masks, tmp_path):
    run("evaluate", "--masks", masks, "--out", tmp_path / "out", "--figures", "svg")
    pictures = {path.name for path in (tmp_path / "out").iterdir() if path.suffix in (".png", ".svg", ".pdf")}
    assert pictures == {"totals.svg", "speedup.svg", "energy.svg", "roofline.svg"}
    assert "![totals](totals.svg)" in (tmp_path / "out" / "report.md").read_text()


@pytest.mark.parametrize("more", [[], ["--out", "out", "--no-plot"]])
def test_a_form_without_figures_is_refused(masks, more, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused = run("evaluate", "--masks", masks, "--figures", "pdf", *more, code=2)
    assert "--figures pdf is the form of the pictures in a folder; give --out, and no --no-plot" in refused.stderr
    assert not (tmp_path / "out").exists()


def test_without_matplotlib_pictures_are_left_out_unless_they_are_asked_for(masks, tmp_path, monkeypatch):
    from crisp_hw.report.figures import style

    monkeypatch.setattr(style, "has_matplotlib", lambda: False)
    asked = ("evaluate", "--masks", masks, "--out", tmp_path / "out")
    done = run(*asked)
    assert done.exit_code == 0 and done.stderr.startswith(
        "crisp-hw: no pictures are written: matplotlib is missing; pip"
    )
    assert (tmp_path / "out" / "totals.csv").exists() and not list((tmp_path / "out").glob("*.png"))
    for more, named in ((["--plot"], "--plot"), (["--figures", "pdf"], "--figures pdf")):
        assert f"{named} needs matplotlib; pip install" in run(*asked, *more, code=2).stderr


def test_no_plot_writes_no_pictures(masks, tmp_path):
    run("evaluate", "--masks", masks, "--out", tmp_path / "out", "--no-plot")
    assert not list((tmp_path / "out").glob("*.png"))


def test_objective_energy_and_settings_reach_the_evaluation(workload):
    common = ["evaluate", "--workload", workload, *PATTERN, "--layers", "mid", "-f", "json", "--objective"]
    cycles, energy = (json.loads(run(*common, name).stdout)["layers"][0] for name in ("cycles", "energy"))
    assert energy["energy_uj"] <= cycles["energy_uj"] and cycles["cycles"] <= energy["cycles"]
    slow = json.loads(run(*common, "cycles", "--set", "smem_bandwidth=1").stdout)
    assert slow["layers"][0]["cycles"] > cycles["cycles"]
    assert any("smem_bandwidth=1 set by the caller" in note["text"] for note in slow["assumptions"])
    other = json.loads(run(*common, "cycles", "--energy", "reference").stdout)["layers"][0]
    assert other["cycles"] == cycles["cycles"] and other["mac_uj"] != cycles["mac_uj"]
    unlimited = run(*common, "cycles", "--set", "smem_bandwidth=none", "--set", "dram_bandwidth=none")
    assert json.loads(unlimited.stdout)["layers"][0]["bound_by"] == "MAC"


def test_describe_says_what_the_mask_is(masks, tmp_path):
    (stem, mid) = json.loads(run("describe", masks, "-f", "json").stdout)["layers"]
    assert (mid["nm"], mid["kept_blocks"], mid["total_blocks"], mid["balanced"], mid["notes"]) == (
        "2:4",
        2,
        4,
        True,
        [],
    )
    assert mid["nonzeros"] == int(hybrid_mask().sum()) and stem["density"] == 1.0
    table = run("describe", masks, "--picture", tmp_path / "mid.png", "--layer", "mid")
    assert "2/4 B16" in table.stdout and "wrote mid.png" in table.stderr
    assert (tmp_path / "mid.png").read_bytes().startswith(b"\x89PNG")


def test_render_writes_documents_with_the_best_mapping(masks, tmp_path):
    run("render", "--masks", masks, "-a", "stc", "-a", "crisp-stc", "--out", tmp_path / "docs")
    folders = {path.parent.relative_to(tmp_path / "docs") for path in (tmp_path / "docs").rglob("mapping.yaml")}
    assert {str(folder) for folder in folders} == {f"{a}/{x}" for a in ("stc", "crisp-stc") for x in ("stem", "mid")}
    expected = api.rendered(api.evaluate(masks, "stc", layers="mid").network.rows[0])
    written = {path.name: path.read_text() for path in (tmp_path / "docs" / "stc" / "mid").iterdir()}
    assert written == expected


def test_arch_list_and_show():
    assert [row["name"] for row in json.loads(run("arch", "list", "-f", "json").stdout)["accelerators"]] == list(
        api.list_arch()
    )
    shown = run("arch", "show", "crisp-stc").stdout
    for text in (
        "262,144",
        "CRISP paper, evaluation setup at edge scale",
        "G<=4 M<=4",
        "pruned blocks are never loaded",
    ):
        assert text in shown
    assert "set by the caller" in run("arch", "show", "dense", "--set", "cores=8", "-f", "csv").stdout


def test_workload_list_and_show(workload):
    listed = json.loads(run("workload", "list", "-f", "json").stdout)["workloads"]
    assert [row["name"] for row in listed] == list(api.list_workloads())
    assert "| mid | linear | 64 | 64 | 16 |" in run("workload", "show", workload, "-f", "md").stdout


def test_version_and_help():
    assert run("--version").stdout == f"crisp-hw {crisp_hw.__version__}\n"
    for command in ([], ["evaluate"], ["describe"], ["render"], ["arch"], ["workload"]):
        assert "Usage: crisp-hw" in run(*command, "--help").stdout
