"""Masks in encoded coordinates: every nonzero in its place, none lost, none made."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.accelerators import load_arch
from crisp_hw.descriptors import describe
from crisp_hw.encode import actual_weights, encode, hybrid_weights, with_density
from crisp_hw.encode.masks import matrix_rows
from crisp_hw.errors import InputError
from crisp_hw.spec.descriptors import PrunedLayer
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.patterns import NM, FixedStructured, Hybrid, Hypergeometric


def hybrid_mask(rows, columns, block, kept, nm, seed=0):
    """A mask of the pattern: blocks and groups at the borders are cut off."""
    draw = np.random.default_rng(seed)
    grid = -(-rows // block), -(-columns // block)
    live = draw.random(grid).argsort(axis=1) < kept
    groups = draw.random((rows, -(-columns // nm.m), nm.m)).argsort(axis=2) < nm.n
    blocks = live.repeat(block, axis=0).repeat(block, axis=1)[:rows, :columns]
    return groups.reshape(rows, -1)[:, :columns] & blocks


def problem_of(pruned, arch):
    return encode(describe(pruned), load_arch(arch), EvaluateOptions(density="actual")).design.problem


sizes = st.tuples(
    st.integers(1, 90), st.integers(1, 22), st.sampled_from([8, 12, 16, 24]), st.integers(1, 4), st.integers(0, 9)
)


@settings(max_examples=60)
@given(sizes, st.sampled_from(["stc", "dstc", "crisp-stc"]))
def test_nonzeros_are_conserved(size, arch):
    rows, groups, block, kept, seed = size
    columns = 4 * groups
    mask = hybrid_mask(rows, columns, block, kept, NM(2, 4), seed)
    pruned = PrunedLayer(Layer("fc", "linear", rows, columns, tokens=16), "hybrid", mask, NM(2, 4), block)
    problem = problem_of(pruned, arch)
    weights = actual_weights(pruned, problem)
    assert weights.shape == tuple(problem.bound(dim) for dim in "GMK")
    assert weights.nonzeros == mask.sum()
    rows_of = matrix_rows(pruned.layer, block, problem)
    assert sorted(rows_of[rows_of >= 0].tolist()) == list(range(rows))
    row_sums = weights.mask.sum(axis=2)
    assert row_sums[rows_of >= 0].tolist() == mask.sum(axis=1)[rows_of[rows_of >= 0]].tolist()
    assert not row_sums[rows_of < 0].any()


def test_kept_blocks_of_a_block_row_move_together():
    """Four blocks of 16, two of them kept in each block row, in their order."""
    mask = np.zeros((32, 64), dtype=bool)
    mask[:16, 16:32], mask[:16, 48:] = True, np.eye(16, dtype=bool)
    mask[16:, :16], mask[16:, 32:48] = np.eye(16, dtype=bool)[::-1], True
    pruned = PrunedLayer(Layer("fc", "linear", 32, 64, tokens=16), "hybrid", mask, None, 16)
    found = actual_weights(pruned, problem_of(pruned, "crisp-stc")).mask
    np.testing.assert_array_equal(found[0], np.hstack([mask[:16, 16:32], mask[:16, 48:]]))
    np.testing.assert_array_equal(found[1], np.hstack([mask[16:, :16], mask[16:, 32:48]]))


def test_groups_of_a_convolution_keep_their_own_rows():
    mask = np.random.default_rng(1).random((40, 36)) < 0.4
    layer = Layer("g", "conv2d", 40, 8, (3, 3), groups=2, padding=(1, 1), input_size=(4, 4))
    pruned = PrunedLayer(layer, "nm", mask)
    problem = problem_of(pruned, "dstc")
    found = actual_weights(pruned, problem).mask
    assert problem.bound("G") >= 2 and problem.bound("M") >= 20
    np.testing.assert_array_equal(found[1, :20, :36], mask[20:])
    assert found.sum() == mask.sum()


def test_a_layer_without_a_mask_is_full_except_for_padding():
    pruned = PrunedLayer(Layer("fc", "linear", 10, 6, tokens=16), "dense")
    assert actual_weights(pruned, problem_of(pruned, "dstc")).nonzeros == 60


def test_uneven_block_rows_get_the_blocks_of_the_fullest():
    """Two full blocks in one block row, four thin ones in the other: thin blocks are gathered whole, too."""
    mask = np.zeros((32, 64), dtype=bool)
    mask[:16, :32] = True
    mask[16:, ::16] = True
    pruned = PrunedLayer(Layer("fc", "linear", 32, 64, tokens=16), "hybrid", mask, None, 16)
    problem = problem_of(pruned, "crisp-stc")
    assert problem.bound("K") == 64
    assert actual_weights(pruned, problem).nonzeros == mask.sum()


def test_a_block_row_with_too_many_blocks_is_refused():
    """The problem of another mask, whose fullest block row keeps fewer blocks."""
    mask = np.zeros((32, 64), dtype=bool)
    mask[:, :32] = True
    even = PrunedLayer(Layer("fc", "linear", 32, 64, tokens=16), "hybrid", mask, None, 16)
    thin = mask.copy()
    thin[16:] = False
    thin[16:, ::16] = True
    with pytest.raises(InputError, match="block row 1 keeps 4 blocks of 16 columns, more than the 2"):
        actual_weights(replace(even, mask=thin), problem_of(even, "crisp-stc"))


@pytest.mark.parametrize("arch", ["stc", "dstc", "crisp-stc"])
@pytest.mark.parametrize(("rows", "columns"), [(64, 64), (50, 70), (48, 60)])
def test_a_pattern_has_as_many_nonzeros_as_its_masks(arch, rows, columns):
    mask = hybrid_mask(rows, columns, 16, 2, NM(2, 4))
    pruned = PrunedLayer(Layer("fc", "linear", rows, columns, tokens=16), "hybrid", mask, NM(2, 4), 16)
    problem = problem_of(pruned, arch)
    blocks = hybrid_weights(describe(pruned), problem)
    assert blocks is not None
    assert blocks.shape == actual_weights(pruned, problem).shape
    if columns % 16 == 0:
        assert blocks.density == pytest.approx(actual_weights(pruned, problem).density)
    assert sum(row >= 0 for row in blocks.block_rows) == rows


def test_patterns_that_are_found():
    layer = Layer("fc", "linear", 32, 64, tokens=16)
    draw = np.random.default_rng(2)
    scattered = describe(PrunedLayer(layer, "nm", draw.random((32, 64)) < 0.4))
    uneven = hybrid_mask(32, 64, 16, 2, NM(2, 4))
    uneven[:16, :16] = uneven[:16, 16:32] = uneven[:16, 32:48] = np.tile([True, True, False, False], (16, 4))
    problem = problem_of(PrunedLayer(layer, "dense"), "dstc")
    assert hybrid_weights(scattered, problem) is None
    assert hybrid_weights(describe(PrunedLayer(layer, "hybrid", uneven, NM(2, 4), 16)), problem) is None
    only_nm = describe(PrunedLayer(layer, "nm", hybrid_mask(32, 64, 64, 1, NM(1, 4)), NM(1, 4)))
    assert hybrid_weights(only_nm, problem).pattern == Hybrid(NM(1, 4), 64, 1, 1)
    whole_blocks = hybrid_mask(32, 64, 16, 1, NM(1, 1))
    found = hybrid_weights(describe(PrunedLayer(layer, "hybrid", whole_blocks, None, 16)), problem)
    assert found.pattern == Hybrid(NM(1, 1), 16, 1, 4)


def test_other_weights_change_nothing_else():
    pruned = PrunedLayer(
        Layer("fc", "linear", 64, 64, tokens=16), "hybrid", hybrid_mask(64, 64, 16, 2, NM(2, 4)), NM(2, 4), 16
    )
    encoded = encode(describe(pruned), load_arch("dstc"))
    assert isinstance(encoded.design.problem.tensor("A").density, Hypergeometric)
    weights = actual_weights(pruned, encoded.design.problem)
    changed = with_density(encoded, "A", weights, "said so")
    assert changed.design.problem.tensor("A").density == weights
    assert changed.assumptions == (*encoded.assumptions, "said so")
    a = replace(changed.design.problem.tensor("A"), density=FixedStructured(1.0))
    assert a == replace(encoded.design.problem.tensor("A"), density=FixedStructured(1.0))
    assert changed.design.problem.tensors[1:] == encoded.design.problem.tensors[1:]
    assert changed.constraints == encoded.constraints
