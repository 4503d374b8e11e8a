"""Layers with their own masks, through the API and the command line."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from crisp_hw import api
from crisp_hw.cli import app
from crisp_hw.errors import InputError
from crisp_hw.pruned_file import save_pruned
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM, Actual, HybridBlocks

torch.set_num_threads(1)
DEFAULTS = api.EvaluateOptions()
ACTUAL, HYBRID = (api.EvaluateOptions(density=name) for name in ("actual", "hybrid"))


def layer(name, rows, columns):
    return Layer(name, "linear", rows, columns, tokens=16)


def nm_mask(rows, columns, seed=0):
    groups = np.random.default_rng(seed).random((rows, columns // 4, 4)).argsort(axis=2) < 2
    return groups.reshape(rows, columns)


def block_mask(rows, columns, kept):
    """Blocks of 16, `kept` in every block row, 2:4 inside."""
    live = np.random.default_rng(1).random((rows // 16, columns // 16)).argsort(axis=1) < kept
    return nm_mask(rows, columns) & live.repeat(16, axis=0).repeat(16, axis=1)


BLOCKS = PrunedLayer(layer("blocks", 64, 64), "hybrid", block_mask(64, 64, 1), NM(2, 4), 16)
ONLY_NM = PrunedLayer(layer("nm", 64, 128), "nm", nm_mask(64, 128), NM(2, 4))


def row(pruned, arch, options=DEFAULTS):
    return api.evaluate(PrunedModel("net", (pruned,)), [arch], options=options).network.rows[0]


def bare(result):
    return replace(result, assumptions=())


@pytest.mark.parametrize(("pruned", "arch"), [(ONLY_NM, "stc"), (ONLY_NM, "crisp-stc"), (BLOCKS, "crisp-stc")])
@pytest.mark.parametrize("options", [ACTUAL, HYBRID])
def test_where_n_of_m_holds_exactly_masks_are_the_model(pruned, arch, options):
    """The encoded problem holds nothing but full groups: every count is that of fixed_structured."""
    model, found = row(pruned, arch), row(pruned, arch, options)
    assert bare(found.result) == bare(model.result)
    assert found.point.mapping == model.point.mapping
    assert bare(found.check.model) == bare(model.result)
    assert all(tile.found.mean == pytest.approx(tile.model.mean) for tile in found.check.tiles)
    assert isinstance(found.point.design.problem.tensor("A").density, Actual if options is ACTUAL else HybridBlocks)


def test_every_weight_of_n_of_m_of_n_of_m_has_a_coordinate():
    """Groups that an outer rank leaves out empty whole fibers, and the others have no fewer coordinates for it."""
    drawn = np.random.default_rng(2)
    groups = drawn.random((64, 8, 8)).argsort(axis=2) < 4
    mask = nm_mask(64, 256) & groups.reshape(64, 64).repeat(4, axis=1)
    pruned = PrunedLayer(layer("ranks", 64, 256), "nm", mask, NM(2, 4))
    ranks = [row(pruned, "stc", each).result.levels[-1].tensors["A"].format_accesses for each in (ACTUAL, HYBRID)]
    assert [each["random_reads"][0][0] for each in ranks] == [mask.sum()] * 2 == [4096] * 2


def test_scattered_weights_are_nearly_hypergeometric():
    """DSTC on a mask that was drawn uniformly: the model's own assumption, so that it is off by its noise alone."""
    keep = np.random.default_rng(3).permutation(128 * 256) < 128 * 256 // 4
    found = row(PrunedLayer(layer("free", 128, 256), "nm", keep.reshape(128, 256)), "dstc", ACTUAL)
    assert found.check.model.cycles == pytest.approx(found.result.cycles, rel=5e-3)
    assert found.check.model.energy_pj == pytest.approx(found.result.energy_pj, rel=5e-3)
    assert found.check.model.energy_pj != found.result.energy_pj
    for tile in found.check.tiles:
        assert tile.found.mean == pytest.approx(tile.model.mean)
        assert tile.found.largest <= tile.model.largest


def test_blocks_leave_more_empty_tiles_than_scattered_weights():
    """What the uniform model cannot see: DSTC skips whole column tiles of pruned blocks."""
    found, closed = (row(BLOCKS, "dstc", options) for options in (ACTUAL, HYBRID))
    inner, model = found.check.tiles[0].found, found.check.tiles[0].model
    assert found.check.tiles[0].extents == (1, 16, 1)
    assert inner.empty == pytest.approx(0.75, abs=1e-3)  # one of four blocks is kept
    assert model.empty < 0.2
    assert closed.check.tiles[0].found.empty == pytest.approx(inner.empty, abs=1e-3)
    # one mask of 4 x 4 blocks is that much off the mean of all
    assert closed.result.cycles == pytest.approx(found.result.cycles, rel=0.1)
    assert found.check.model.cycles > 1.1 * found.result.cycles


def test_a_dense_accelerator_has_nothing_to_compare():
    found = row(BLOCKS, "dense", ACTUAL)
    assert found.check is None
    assert found == row(BLOCKS, "dense")


def test_a_layer_without_a_pattern_keeps_the_model_and_says_so():
    keep = np.random.default_rng(4).random((64, 64)) < 0.3
    found = row(PrunedLayer(layer("free", 64, 64), "nm", keep), "dstc", HYBRID)
    assert found.check is None
    assert any("no balanced blocks with N:M inside were found" in text for text in found.result.assumptions)


@pytest.mark.parametrize("weights", [1, 2, 6, 40])
@pytest.mark.parametrize("arch", ["stc", "crisp-stc"])
@pytest.mark.parametrize("options", [ACTUAL, HYBRID, DEFAULTS], ids=["actual", "hybrid", "model"])
def test_very_few_weights_run_at_least_as_fast_as_dense(weights, arch, options):
    """Where lanes for N:M are idle so often that Timeloop counts no cycles, dense lanes still run the layer."""
    mask = np.zeros((64, 64), dtype=bool)
    for each in range(weights):
        mask[(each * 7) % 64, (each * 12) % 64] = True
    found = row(PrunedLayer(layer("few", 64, 64), "nm", mask, NM(2, 4)), arch, options)
    assert 0 < found.result.cycles <= found.dense.cycles


def test_a_form_that_cannot_be_run_is_named():
    mask = np.zeros((64, 64), dtype=bool)
    mask[[3, 7, 19, 27, 31, 55], [51, 31, 59, 0, 57, 37]] = True
    few = Layer("few", "linear", 64, 64)
    found = row(PrunedLayer(few, "nm", mask, NM(2, 4)), "stc", ACTUAL)
    (note,) = (note for note in found.point.assumptions if "another way to run it is left out" in note)
    assert "less than one MAC is at work on average" in note


def test_a_workload_has_no_masks():
    source = api.WorkloadPattern("resnet50", NM(2, 4))
    with pytest.raises(InputError, match=r"density actual needs masks and layer4\.2\.conv3 has none; give a pruned-"):
        api.evaluate(source, layers="layer4.2.conv3", options=ACTUAL)


def test_densities_by_name():
    with pytest.raises(InputError, match="unknown density 'mask'; there are model, actual, hybrid"):
        row(BLOCKS, "stc", api.EvaluateOptions(density="mask"))


@pytest.mark.parametrize("options", [ACTUAL, HYBRID])
def test_public_timeloop_cannot_be_told(options):
    with pytest.raises(InputError, match=r'no density model by mask, by blocks or by line.*density="model"'):
        api.rendered(row(ONLY_NM, "stc", options))


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="crisp-hw")


def test_the_command_prints_how_far_the_model_is(tmp_path):
    save_pruned(tmp_path / "run.pt", PrunedModel("net", (BLOCKS,)))
    common = ("evaluate", "--masks", tmp_path / "run.pt", "-a", "dstc", "-a", "crisp-stc")
    content = json.loads(run(*common, "--density", "actual", "-f", "json").stdout)
    dstc, crisp = content["density"]["layers"]
    assert dstc["cycles_error"] == dstc["statistical_cycles"] / dstc["cycles"] - 1
    assert dstc["cycles"] == content["layers"][0]["cycles"]
    assert (crisp["cycles_error"], crisp["energy_error"], crisp["statistical_invalid"]) == (0.0, 0.0, None)
    assert [tile["level"] for tile in content["density"]["tiles"] if tile["arch"] == "dstc"] == ["LRF", "SMEM", "DRAM"]


def test_the_command_without_the_option_compares_nothing(tmp_path):
    save_pruned(tmp_path / "run.pt", PrunedModel("net", (ONLY_NM,)))
    common = ("evaluate", "--masks", tmp_path / "run.pt", "-a", "stc")
    assert "the statistical model against" not in run(*common, "--per-layer").stdout
    table = run(*common, "--per-layer", "--density", "actual").stdout
    assert "the statistical model against density actual on stc" in table
    assert "weights in a tile" in table


def test_the_command_says_where_masks_are_missing():
    result = run("evaluate", "--workload", "resnet50", "--nm", "2:4", "--density", "actual")
    assert result.exit_code != 0
    assert "density actual needs masks and conv1 has none" in result.stderr
