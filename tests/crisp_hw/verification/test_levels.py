"""Loop nests walked on data: words, offsets, cycles and energies of every level are the model's."""

import numpy as np
import pytest

from crisp_hw.accelerators import load_arch
from crisp_hw.descriptors import describe
from crisp_hw.pipeline import evaluate_layers
from crisp_hw.spec.descriptors import PrunedLayer
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.patterns import NM
from crisp_hw.verification import levels, steps
from crisp_hw.walk import nested

WALKED = ("crisp-stc", "stc", "dense", "stc-flexible", "vegeta", "systolic", "highlight")


def layer(nm, block=None, kept=3, rows=32, columns=128):
    """Weights at random places; every block row keeps so many blocks, and where `kept` < 0 the last one less."""
    drawn = np.random.default_rng(nm.n)
    mask = np.argsort(drawn.random((rows, columns // nm.m, nm.m)), axis=2).reshape(rows, columns) < nm.n
    if block is None:
        return PrunedLayer(Layer("fc", "linear", rows, columns), "nm", mask, nm)
    blocks = np.argsort(drawn.random((rows // block, columns // block)), axis=1) < abs(kept)
    if kept < 0:
        blocks[-1, blocks[-1].nonzero()[0][0]] = False
    mask &= np.kron(blocks, np.ones((block, block), bool))
    return PrunedLayer(Layer("fc", "linear", rows, columns), "hybrid", mask, nm, block)


def checked(name, pruned, positions=4):
    return steps.check_layer(steps.operands(pruned, positions, None, 1), load_arch(name), cache=False)


@pytest.mark.parametrize("name", WALKED)
@pytest.mark.parametrize(("nm", "block", "kept"), [(NM(2, 4), None, 0), (NM(1, 4), 16, 3), (NM(2, 4), 16, -3)])
def test_every_level_counts_what_is_walked(name, nm, block, kept):
    found = checked(name, layer(nm, block, kept))
    assert found.exact and [each for each in found.levels if not each.agrees] == []
    compared = {each.name for each in found.levels if each.compared}
    assert {"cycles", "MAC products", "DRAM A reads", "DRAM A offsets read", "DRAM Z updates"} <= compared
    assert len(compared) >= 50
    if name != "highlight":  # whose activations are gated: energies are expectations
        assert {"MAC energy pJ", "DRAM A energy pJ", "DRAM B energy pJ", "DRAM Z energy pJ"} <= compared


def test_every_kept_weight_has_an_offset_however_blocks_lie():
    """Gathered or not: a fiber that a pruned block leaves empty has none, and the others have no fewer for it."""
    pruned = layer(NM(2, 4), 16, rows=64)
    for name in ("crisp-stc", "stc"):
        offsets = {each.name: each.model for each in checked(name, pruned).levels}["DRAM A offsets read"]
        assert offsets == pruned.mask.sum() == 1536


@pytest.mark.parametrize("name", ["dstc", "eyeriss-v1", "eyeriss-v2-pe", "s2ta"])
def test_where_activations_are_scattered_weights_and_sums_are_compared(name):
    """And what the model knows an expectation of stands beside it, with the reason."""
    found = checked(name, layer(NM(2, 4)), positions=32)
    assert found.exact and [each for each in (*found.counts, *found.levels) if not each.agrees] == []
    figures = {each.name: each for each in found.levels}
    outside = next(each for each in figures if each.endswith(" A reads") and each.startswith(("DRAM", "Backing")))
    assert figures[outside].compared and figures[outside].walked > 0
    assert sum(each.compared for each in found.levels) >= 12
    assert all(each.why for each in found.levels if not each.compared)


def test_blocks_are_not_gathered_where_the_layer_runs_as_a_convolution():
    found = checked("eyeriss-v1", layer(NM(2, 4), 16))
    assert found.agrees and found.steps == "every weight is multiplied, zeros included"


def test_nonzeros_are_packed_into_lanes_pass_by_pass():
    figures = {each.name: each for each in checked("dstc", layer(NM(2, 4)), positions=32).levels}
    assert figures["MACs at work"].walked == pytest.approx(figures["MACs at work"].model, rel=0.02)
    by_pass = figures["MAC cycles, pass by pass"]
    assert by_pass.walked == pytest.approx(by_pass.model, rel=0.02) and "divides products" in by_pass.why


def test_tiles_that_are_skipped_between_levels_are_not_walked():
    given = steps.operands(layer(NM(2, 4)), 4, None, 1)
    options = EvaluateOptions(density="actual", packing="skipping", cache=False)
    masks = {"fc": given.pruned}
    (row,) = evaluate_layers([describe(given.pruned)], [load_arch("dstc")], options, masks=masks)
    assert "between two levels" in levels.refusal(row)


@pytest.mark.parametrize("lost", ["reads", "fills", "updates", "offsets_read"])
def test_a_walk_that_loses_words_is_found(lost, monkeypatch):
    walk = nested.walk

    def lossy(*given):
        done = walk(*given)
        for moved in done.moved.values():
            setattr(moved, lost, getattr(moved, lost) * 3 // 4)
        return done

    monkeypatch.setattr(nested, "walk", lossy)
    assert not checked("crisp-stc", layer(NM(2, 4), 16)).agrees
