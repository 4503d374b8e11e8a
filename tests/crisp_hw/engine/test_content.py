"""Tiles by size or by shape: the same questions, whatever the density model."""

from dataclasses import replace

import numpy as np
import pytest

from crisp_hw.engine import content, density
from crisp_hw.engine.evaluate import evaluate
from crisp_hw.engine.tiling import Tile
from crisp_hw.errors import InputError
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.mapping import Loop, LoopMapping, LoopNest
from crisp_hw.spec.patterns import (
    NM,
    Actual,
    FixedStructured,
    Hybrid,
    HybridBlocks,
    Hypergeometric,
    PatternedLines,
    TwoRank,
)
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

ARCH = Architecture(
    (
        StorageLevel("RF", size_words=64),
        StorageLevel("SMEM", size_words=4096, metadata_width_bits=64, metadata_depth=4096),
        StorageLevel("DRAM", "DRAM", metadata_width_bits=64),
    ),
    ComputeLevel("MAC", 4, 4, 1),
)
OFFSETS = tuple(
    TensorFormat(level, "A", (Rank("CP", 2), *(Rank("UOP", 0, 0),) * outer), inner_to_outer=True)
    for level, outer in (("SMEM", 3), ("DRAM", 5))
)
SELECT = tuple(ActionOptimization("RF", "skipping_spatial", (Condition(t, ("A",)),)) for t in "BZ")
LOOPS = (
    *(Loop(0, "K", "x"), Loop(0, "N", "temporal"), Loop(0, "K", "temporal")),
    *(Loop(1, "N", "temporal"), Loop(1, "M", "temporal"), Loop(2, "K", "temporal"), Loop(2, "M", "temporal")),
)
NEST = LoopNest(LOOPS, (frozenset("Z"), frozenset("AB"), frozenset("ABZ")), (frozenset("Z"), frozenset(), frozenset()))


def tile(*extents):
    """A batch of tiles from their extents."""
    columns = np.array(extents, dtype=np.int64).T
    return Tile(columns.prod(axis=0), columns)


def point(weights, sparse=None):
    """Z[m,n] += A[m,k] B[k,n], 8 x 4 x 64, eight columns at a time on four lanes."""
    a, b = Tensor("A", ((Term("M"),), (Term("K"),)), density=weights), Tensor("B", ((Term("K"),), (Term("N"),)))
    z = Tensor("Z", ((Term("M"),), (Term("N"),)), is_output=True)
    problem = Problem("gemm", ("M", "N", "K"), (8, 4, 64), (a, b, z))
    design = Design(ARCH, problem, sparse or SparseSpec(OFFSETS, SELECT))
    return DesignPoint(design, LoopMapping(NEST, (8, 2, 4, 2, 4, 2, 2)))


def two_of_four(rows, columns, seed=0):
    draw = np.random.default_rng(seed).random((rows, columns // 4, 4)).argsort(axis=2)
    return (draw < 2).reshape(rows, columns)


@pytest.mark.parametrize("model", [FixedStructured(0.3), Hypergeometric(0.3)])
def test_statistical_models_look_at_words_alone(model):
    shapes, words = tile((2, 3), (6, 1), (4, 4)), np.array([6, 6, 16])
    assert content.prob_empty(model, 64, shapes).tolist() == density.prob_empty(model, 64, words).tolist()
    assert content.largest_occupancy(model, 64, shapes).tolist() == density.largest_occupancy(model, 64, words).tolist()
    assert content.shape_of(model) is None


def test_a_mask_looks_at_the_shape():
    mask = Actual(np.repeat([[True, True, False, False]], 4, axis=0))
    across, along = tile((1, 2), (1, 4)), tile((2, 1), (4, 1))
    assert content.prob_empty(mask, 16, across).tolist() == [0.5, 0.0]
    assert content.prob_empty(mask, 16, along).tolist() == [0.5, 0.5]
    assert content.expected_occupancy(mask, 16, along).tolist() == [1.0, 2.0]
    assert content.largest_occupancy(mask, 16, along).tolist() == [2, 4]
    assert content.smallest_occupancy(mask, 16, across).tolist() == [0.0, 2.0]
    occupancy, probability = content.support(mask, 16, across)
    assert occupancy.T.tolist() == [[0, 2], [2, 0]]
    assert probability.T.tolist() == [[0.5, 0.5], [1.0, 0.0]]


def test_fibers_of_a_mask_are_counted_and_those_of_a_pattern_bounded():
    staggered = Actual(np.array([[True, False, False, False], [False, True, False, False]]))
    fiber, element = tile((2, 4)), tile((1, 4))
    assert content.largest_in_fiber(staggered, 8, fiber, element).tolist() == [2]
    assert content.largest_in_fiber(staggered, 8, fiber, tile((2, 2))).tolist() == [1]
    blocks = HybridBlocks(Hybrid(NM(1, 4), 4, 1, 1), (2, 4), (0, 0), 4)
    assert content.largest_in_fiber(blocks, 8, fiber, tile((2, 1))).tolist() == [2]


def test_what_a_saf_looks_at_beyond_the_tensor_is_empty():
    mask = Actual(np.array([[True, False]]))
    assert content.prob_empty(mask, 2, tile((3, 1))).tolist() == [0.5]


def test_known_occupancies_come_one_by_one_or_many_at_once():
    mask = Actual(np.array([[True, True, True, False]]))
    inner, outer = tile((1, 1)), tile((1, 2))
    many = content.prob_empty_given(mask, inner, outer, np.array([[1], [2]]))
    assert many[:, 0] == pytest.approx([0.5, 0.0], abs=1e-11)
    assert content.prob_empty_given(mask, inner, outer, np.array([1])) == pytest.approx([0.5])


@pytest.mark.parametrize("seed", range(4))
def test_exact_n_of_m_in_aligned_tiles_is_fixed_structured(seed):
    """The skipped lanes, every count, cycles and energy: to the last bit, whatever the mask."""
    expected = evaluate(point(FixedStructured(0.5)))
    found = evaluate(point(Actual(two_of_four(8, 64, seed))))
    assert expected.valid
    assert found == expected
    assert found.compute.cycles == 8 * 4 * 64 // 2 // 4


def test_a_mask_that_breaks_n_of_m_needs_more_lanes():
    mask = two_of_four(8, 64)
    mask[3, :8] = True
    assert "instances along x needed" in " ".join(evaluate(point(Actual(mask))).reasons)


def test_one_pattern_in_closed_form_and_as_a_mask():
    """Full blocks with 2:4 inside: the closed form is what each of its masks is."""
    blocks = HybridBlocks(Hybrid(NM(2, 4), 16, 4, 4), (8, 64), tuple(row // 16 for row in range(8)), 64)
    assert evaluate(point(blocks)) == evaluate(point(Actual(two_of_four(8, 64))))


@pytest.mark.parametrize("outer", [NM(1, 1), NM(1, 2)])
def test_lines_of_one_pattern_are_what_each_of_their_masks_is(outer):
    """Tiles of whole groups: 2:4, and N:M of 2:4, along the columns of 8 rows."""
    rows = PatternedLines((TwoRank(outer, NM(2, 4)),), (0,) * 8, (8, 64), 1, 64)
    mask = two_of_four(8, 64) & (np.arange(64) // 4 % outer.m < outer.n)
    assert evaluate(point(rows)) == evaluate(point(Actual(mask)))


def test_a_fiber_holds_no_more_than_its_lines_do():
    rows = PatternedLines((TwoRank(NM(1, 2), NM(1, 2)),), (0, -1), (2, 4), 1, 4)
    assert content.largest_in_fiber(rows, 8, tile((2, 4)), tile((1, 1))).tolist() == [1]
    assert content.fullest_at_least(rows, 8, np.array([8])).tolist() == [1]


def test_empty_tiles_of_a_mask_are_never_sent():
    """Half of the rows are empty: DRAM sends SMEM only those tiles of four rows that hold something."""
    mask = np.zeros((8, 64), dtype=bool)
    mask[:4] = two_of_four(4, 64)
    result = evaluate(point(Actual(mask), SparseSpec(OFFSETS)))
    (smem,) = [level for level in result.levels if level.name == "SMEM"]
    assert smem.tensors["A"].utilized_instances == pytest.approx(0.5)
    assert smem.tensors["A"].density == pytest.approx(0.5)


def test_the_mask_must_fit_the_tensor():
    with pytest.raises(InputError, match="A: it is 8 x 64 words in gemm, but its density is for 4 x 64; give the mask"):
        evaluate(point(Actual(two_of_four(4, 64))))


def test_sliding_windows_have_no_aligned_tiles():
    wide = point(Actual(two_of_four(8, 64)))
    rank = ((Term("M"), Term("N")), (Term("K"),))
    tensors = (replace(wide.design.problem.tensors[0], ranks=rank), *wide.design.problem.tensors[1:])
    design = replace(wide.design, problem=replace(wide.design.problem, tensors=tensors))
    with pytest.raises(InputError, match="tiles overlap"):
        evaluate(replace(wide, design=design))
