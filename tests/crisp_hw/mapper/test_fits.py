"""Necessary conditions: never stricter than the engine, and as sharp as it where nothing is compressed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.density import largest_occupancy
from crisp_hw.engine.evaluate import evaluate_batch
from crisp_hw.mapper.fits import fits, limits, shrinking_levels, tile_words
from crisp_hw.mapper.orders import nests, visible
from crisp_hw.mapper.space import enumerate_space
from crisp_hw.mapper.stream import factorizations
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.constraints import Constraints, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.spec.mapping import LoopNest
from crisp_hw.spec.patterns import FixedStructured, Hypergeometric
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.spec.rules import Rule
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

DIMS = ("M", "K")
densities = st.one_of(
    st.builds(FixedStructured, st.sampled_from([0.1, 0.25, 0.5, 0.7, 1.0])),
    st.builds(Hypergeometric, st.sampled_from([0.1, 0.3, 0.5, 1.0])),
)


def space_of(bounds, words, density, sparse, buffering=1.0):
    """Z[m] += A[m, k] * B[k] on four lanes under a small register file."""
    tensors = (
        Tensor("A", ((Term("M"),), (Term("K"),)), density=density),
        Tensor("B", ((Term("K"),),)),
        Tensor("Z", ((Term("M"),),), is_output=True),
    )
    rf = StorageLevel(
        "RF", instances=4, mesh_x=2, mesh_y=2, size_words=words, multiple_buffering=buffering,
        metadata_width_bits=64, metadata_depth=10**6,
    )  # fmt: skip
    dram = StorageLevel("DRAM", "DRAM", metadata_width_bits=64)
    chain = Architecture((rf, dram), ComputeLevel(instances=4, mesh_x=2, mesh_y=2))
    ranks = tuple(Rank("CP", 4, 4) for _ in range(5))
    form = tuple(TensorFormat(level, "A", ranks, inner_to_outer=True) for level in ("RF", "DRAM"))
    spec = SparseSpec(form, (), ()) if sparse else SparseSpec()
    constraints = Constraints((LevelConstraint("DRAM", "spatial", split=1),))
    return enumerate_space(Design(chain, Problem("mv", DIMS, bounds, tensors), spec), constraints)


def all_rows(space):
    return next(factorizations(space, 10**6, lambda rows, dims: np.ones(len(rows), dtype=bool))).rows


def engine_verdict(space, rows):
    """Valid in some order and split of the space, by the engine alone."""
    valid = np.zeros(len(rows), dtype=bool)
    for index, row in enumerate(rows):
        for arrangement in nests(space, visible(space), row > 1):
            nest = LoopNest(tuple(loop for block in arrangement for loop in block), space.keeps)
            columns = [i * 2 + DIMS.index(loop.dim) for i, block in enumerate(arrangement) for loop in block]
            valid[index] |= evaluate_batch(space.design, nest, row.reshape(1, -1)[:, columns]).valid[0]
    return valid


@pytest.mark.slow
@settings(max_examples=25)
@given(st.tuples(st.integers(1, 8), st.integers(1, 8)), st.integers(2, 40), densities, st.booleans())
def test_no_mapping_that_the_engine_accepts_is_dropped(bounds, words, density, sparse):
    space = space_of(bounds, words, density, sparse)
    rows = all_rows(space)
    valid = engine_verdict(space, rows)
    assert not (valid & ~fits(space, rows, DIMS)).any()
    words_alone = np.all(
        [one.need <= one.have for one in limits(space, rows, DIMS) if one.rule is Rule.CAPACITY], axis=0
    )
    lanes = (rows[:, 1, 0] <= 2) & (rows[:, 1, 1] <= 2)  # split 1: M along x, K along y, two lanes each
    if not sparse:
        assert (valid == words_alone & lanes).all()


@given(st.integers(1, 400), densities)
def test_compressed_tiles_count_what_the_engine_reserves(tile, density):
    space = space_of((tile, 1), 10**6, density, sparse=True)
    row = np.ones((1, 3, 2), dtype=np.int64)
    row[0, 0, 0] = tile
    need = next(one.need[0] for one in limits(space, row, DIMS) if one.rule is Rule.CAPACITY)
    assert need == int(largest_occupancy(density, tile, np.array([tile]))[0]) + 1 + tile


@given(st.lists(st.integers(1, 6), min_size=6, max_size=6), st.integers(0, 5))
def test_every_need_grows_with_every_factor(values, place):
    space = space_of((1, 1), 100, FixedStructured(0.3), sparse=True)
    row = np.array(values, dtype=np.int64).reshape(1, 3, 2)
    larger = row.copy()
    larger.reshape(-1)[place] += 1
    pairs = zip(limits(space, row, DIMS), limits(space, larger, DIMS), strict=True)
    assert all((small.need <= large.need).all() for small, large in pairs)
    partial = {(one.level, one.rule): one.need[0] for one in limits(space, row[:, :, :1], DIMS[:1])}
    assert all(partial[one.level, one.rule] <= one.need[0] for one in limits(space, row, DIMS))


def test_multiple_buffering_leaves_a_share_of_the_words():
    space = space_of((4, 4), 21, FixedStructured(1.0), sparse=False, buffering=2.0)
    assert [one.have for one in limits(space, all_rows(space), DIMS) if one.rule is Rule.CAPACITY] == [10]


def test_lanes_that_shrink_are_left_to_the_engine():
    space = space_of((8, 8), 1000, FixedStructured(0.5), sparse=True)
    assert shrinking_levels(space) == frozenset()
    skip = ActionOptimization("DRAM", "skipping_spatial", (Condition("B", ("A",)),))
    spec = SparseSpec(space.design.sparse.formats, (skip,))
    design = Design(space.design.architecture, space.design.problem, spec)
    skipping = enumerate_space(design, space.constraints)
    assert shrinking_levels(skipping) == frozenset({1})
    assert [one.rule for one in limits(skipping, all_rows(skipping), DIMS)] == [Rule.CAPACITY]


@pytest.mark.parametrize(("p", "r"), [(1, 1), (1, 3), (4, 1), (5, 3)])
def test_tile_words_count_the_box_of_a_sliding_window(p, r):
    window = Tensor("I", ((Term("P", 2), Term("R")), (Term("C"),)))
    touched = {2 * i + j for i in range(p) for j in range(r)}
    box = (max(touched) - min(touched) + 1) * 3
    assert tile_words(window, {"P": np.array([p]), "R": np.array([r]), "C": np.array([3])}).tolist() == [box]
