"""Patterns of rows and of activations in the coordinates of an encoded problem."""

import numpy as np
import pytest

from crisp_hw.accelerators import load_arch
from crisp_hw.descriptors import describe, pattern_descriptor
from crisp_hw.encode import encode
from crisp_hw.encode.described import described
from crisp_hw.encode.line_patterns import line_activations, line_weights
from crisp_hw.spec.descriptors import PrunedLayer
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.patterns import NM, Hybrid, HybridBlocks, PatternedLines, TwoRank

ROWS, COLUMNS = 24, 64


def two_rank_mask(outer, inner, seed=0):
    draw = np.random.default_rng(seed)
    groups = draw.random((ROWS, COLUMNS // (outer.m * inner.m), outer.m, 1)).argsort(axis=2) < outer.n
    words = draw.random((ROWS, COLUMNS // (outer.m * inner.m), outer.m, inner.m)).argsort(axis=3) < inner.n
    return (groups & words).reshape(ROWS, COLUMNS)


def by_row_mask(counts, seed=0):
    """Rows of n:4, `counts[n]` of each, in any order."""
    draw = np.random.default_rng(seed)
    each = draw.permutation(np.repeat(np.arange(5), counts))
    return (draw.random((ROWS, COLUMNS // 4, 4)).argsort(axis=2) < each[:, None, None]).reshape(ROWS, COLUMNS)


def pruned(mask, nm):
    return PrunedLayer(Layer("fc", "linear", ROWS, COLUMNS, tokens=5), "nm", mask, nm)


def encoded(layer, arch="dstc", **options):
    found, asked = describe(layer), EvaluateOptions(**options)
    return described(encode(found, load_arch(arch), asked), found, asked, {layer.layer.name: layer})


def test_rows_of_two_ranks_have_the_nonzeros_of_the_mask():
    layer = pruned(two_rank_mask(NM(1, 2), NM(2, 4)), NM(2, 4))
    density = encoded(layer, density="hybrid").design.problem.tensor("A").density
    assert isinstance(density, PatternedLines) and density.patterns == (TwoRank(NM(1, 2), NM(2, 4)),)
    assert density.density * np.prod(density.shape) == pytest.approx(layer.mask.sum())


def test_rows_of_their_own_patterns_stand_together():
    layer = pruned(by_row_mask([0, 12, 8, 0, 4]), NM(4, 4))
    found = encoded(layer, density="hybrid")
    density = found.design.problem.tensor("A").density
    assert density.patterns == tuple(TwoRank(NM(1, 1), NM(n, 4)) for n in (1, 2, 4))
    assert density.lines[:ROWS] == (0,) * 12 + (1,) * 8 + (2,) * 4
    assert density.density * np.prod(density.shape) == pytest.approx(layer.mask.sum())
    assert any("stand together" in said for said in found.assumptions)


def test_rows_that_keep_fewer_than_their_pattern_keep_the_density_of_the_case():
    mask = by_row_mask([0, 12, 12, 0, 0])
    mask[np.flatnonzero(mask.sum(axis=1) == 32)[0], :4] = False
    found = encoded(pruned(mask, NM(2, 4)), density="hybrid")
    assert not isinstance(found.design.problem.tensor("A").density, PatternedLines | HybridBlocks)
    assert any("nor N:M of N:M or N:M by row" in said for said in found.assumptions)


def test_blocks_come_before_what_else_a_mask_may_obey():
    pattern = Hybrid(NM(2, 4), 16, 2, 4)
    layer = pattern_descriptor(Layer("fc", "linear", 32, 64, tokens=5), pattern, "hybrid")
    asked = EvaluateOptions(density="hybrid")
    found = described(encode(layer, load_arch("dstc"), asked), layer, asked, {})
    assert isinstance(found.design.problem.tensor("A").density, HybridBlocks)


@pytest.mark.parametrize("density", ["hybrid", "actual"])
def test_activations_obey_their_pattern_along_channels(density):
    layer = pruned(two_rank_mask(NM(1, 2), NM(2, 4)), NM(2, 4))
    problem = encoded(layer, density=density, activation_nm="4:8").design.problem
    found = problem.tensor("B").density
    assert isinstance(found, PatternedLines)
    assert (found.patterns, found.axis) == ((TwoRank(NM(1, 1), NM(4, 8)),), 0)
    assert found.shape == (problem.bound("K"), problem.bound("N"))
    assert sum(line >= 0 for line in found.lines) == 5


def test_activations_that_are_sparser_than_their_pattern_keep_their_share():
    layer = pruned(two_rank_mask(NM(1, 2), NM(2, 4)), NM(2, 4))
    found = encoded(layer, density="hybrid", activation_nm="4:8", activation_density=0.25)
    assert found.design.problem.tensor("B").density.density < 0.25
    assert any("sparser than 4:8" in said for said in found.assumptions)


def test_dense_activations_are_left_alone():
    layer = pruned(two_rank_mask(NM(1, 2), NM(2, 4)), NM(2, 4))
    plain, asked = encoded(layer, "stc", density="hybrid"), encoded(layer, "stc", density="hybrid", activation_nm="4:8")
    assert plain == asked


@pytest.mark.parametrize(("channels", "block"), [(12, None), (64, 4)])
def test_groups_of_channels_that_columns_cut_are_no_lines(channels, block):
    layer = Layer("c", "linear", 64, channels, tokens=4)
    pattern = Hybrid(NM(2, 4), block, 8, 16) if block else NM(2, 4)
    found = pattern_descriptor(layer, pattern, "hybrid" if block else "nm")
    assert line_activations(found, NM(4, 8), encode(found, load_arch("crisp-stc")).design.problem) is None


def test_gathered_blocks_are_no_rows():
    layer = pattern_descriptor(Layer("fc", "linear", 64, 64), Hybrid(NM(2, 4), 16, 2, 4), "hybrid")
    assert line_weights(layer, encode(layer, load_arch("crisp-stc")).design.problem) is None
