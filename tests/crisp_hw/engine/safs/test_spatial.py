"""Spatial skipping: lanes that N:M weights do not need."""

import numpy as np
import pytest

from crisp_hw.engine.evaluate import evaluate
from crisp_hw.engine.safs.spatial import shrink, spatial_extent
from crisp_hw.errors import InputError
from crisp_hw.spec.patterns import FixedStructured, Hypergeometric
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

RANKS = (Rank("CP", 2, 0, (frozenset("MK"),)),)
STORED = tuple(TensorFormat(f"L{level}", "A", RANKS + RANKS * level) for level in (0, 1))


def skip(level, *targets):
    """Lanes below a level are skipped for each target where A is empty."""
    return tuple(ActionOptimization(level, "skipping_spatial", (Condition(target, ("A",)),)) for target in targets)


def columns(build, density, lanes=("x", "K", 32), actions=skip("L0", "B", "Z"), formats=STORED):  # noqa: B008
    """K across 16 columns (or rows) of MACs, to which the mapping gives twice as many lanes as there are."""
    plan = [[lanes, ("t", "N", 3)], [("t", "M", 2)]]
    fanout = (16, 1) if lanes[0] == "x" else (1, 16)
    return build.point(plan, [fanout, (1, 1)], densities={"A": density}, sparse=SparseSpec(formats, actions))


def lanes_of(point, build):
    """Per tensor, the lanes (x, y) of the MACs that are reserved."""
    shrunk, _ = shrink(build.tiling(point), point.design.sparse)
    return [[int(along[0]) for along in shrunk.mesh[t][0]] for t in range(3)]


@pytest.mark.parametrize("axis", ["x", "y"])
def test_two_of_four_fold_32_lanes_onto_16(build, axis):
    point = columns(build, FixedStructured(0.5), (axis, "K", 32))
    tiling = build.tiling(point)
    before, after = ([32, 1], [16, 1]) if axis == "x" else ([1, 32], [1, 16])
    assert [along.tolist() for along in spatial_extent(tiling)[0]] == [[each] for each in before]
    assert lanes_of(point, build) == [after] * 3
    shrunk, probabilities = shrink(tiling, point.design.sparse)
    assert [share[0].tolist() for share in shrunk.share] == [[0.5], [0.5], [0.5]]
    assert {key: p.tolist() for key, p in probabilities.items()} == {(0, "B"): [0.5], (0, "Z"): [0.5]}


@pytest.mark.parametrize(
    ("density", "lanes"),
    [
        (FixedStructured(0.25), 8),
        (FixedStructured(0.3), 10),  # at most ceil(9.6) nonzeros in a fiber of 32
        (FixedStructured(1.0), 32),
        (Hypergeometric(0.5), 32),  # 32 of 64 are nonzero, and all of them may fall into one row
        (Hypergeometric(0.25), 16),
    ],
)
def test_lanes_are_reserved_for_the_fullest_fiber(build, density, lanes):
    assert lanes_of(columns(build, density), build) == [[lanes, 1]] * 3


def test_tensors_that_are_no_target_keep_their_lanes(build):
    assert lanes_of(columns(build, FixedStructured(0.5), actions=skip("L0", "B")), build) == [[16, 1], [16, 1], [32, 1]]


def test_only_nonzero_weights_are_computed_on_the_lanes_left(build):
    result = evaluate(columns(build, FixedStructured(0.5)))
    assert result.valid
    assert result.compute.utilized_instances == 16
    assert (result.compute.algorithmic, result.compute.random) == (192, 96)  # 32 x 3 x 2, half of the weights zero
    assert result.compute.cycles == 6  # N 3 x M 2 in time, as if all 32 lanes were there


def test_lanes_that_are_still_too_many_make_the_mapping_invalid(build):
    result = evaluate(columns(build, FixedStructured(0.75)))
    assert not result.valid
    assert "level MAC: 24 lanes along x per parent needed, 16 there" in result.reasons


def test_without_metadata_nothing_is_known_and_nothing_skipped(build):
    point = columns(build, FixedStructured(0.5), formats=())
    assert lanes_of(point, build) == [[32, 1]] * 3
    _, probabilities = shrink(build.tiling(point), point.design.sparse)
    assert [p.tolist() for p in probabilities.values()] == [[0.0], [0.0]]


def test_fewer_parents_mean_fewer_children(build):
    """Lanes skipped below level 1 take the two MACs below each of them along."""
    plan = [[("x", "N", 2)], [("x", "K", 8), ("t", "N", 2)]]
    sparse = SparseSpec(STORED, skip("L1", "B", "Z"))
    point = build.point(plan, [(2, 1), (8, 1)], densities={"A": FixedStructured(0.5)}, sparse=sparse)
    shrunk, _ = shrink(build.tiling(point), sparse)
    for t in range(3):
        # without skipping 16 MACs and 8 level-0 instances
        assert [x.tolist() for x, _ in shrunk.mesh[t]] == [[8], [4], [1]]
        np.testing.assert_allclose([share[0] for share in shrunk.share[t]], [0.5, 0.5, 1.0])


def test_a_lane_over_whole_tiles_is_idle_only_when_its_tile_is_empty(build):
    """Each lane holds two words of A below it: with one nonzero in four, half of the lanes are idle on average."""
    plan = [[("t", "K", 2)], [("x", "K", 8), ("t", "N", 2)]]
    sparse = SparseSpec(STORED, skip("L1", "B"))
    point = build.point(plan, [(1, 1), (8, 1)], densities={"A": FixedStructured(0.25)}, sparse=sparse)
    shrunk, probabilities = shrink(build.tiling(point), sparse)
    assert probabilities[1, "B"].tolist() == [0.5]
    assert shrunk.mesh[1][1][0].tolist() == [4]  # a fiber of 16 words holds 4 nonzeros: 4 of the 8 lanes


def test_a_target_that_stays_sees_all_weights_that_pass_by(build):
    """B stays in its lane while M runs through 2 rows of A: the lane is idle only if both weights are zero."""
    plan = [[], [("x", "K", 8), ("t", "M", 2), ("t", "N", 2)]]
    sparse = SparseSpec(STORED, skip("L1", "B"))
    point = build.point(plan, [(1, 1), (8, 1)], densities={"A": FixedStructured(0.25)}, sparse=sparse)
    _, probabilities = shrink(build.tiling(point), sparse)
    assert probabilities[1, "B"].tolist() == [0.5]


def test_the_same_tensor_is_not_skipped_in_space_and_time_at_once(build):
    both = (*skip("L0", "B"), ActionOptimization("L0", "skipping", (Condition("B", ("A",)),)))
    with pytest.raises(
        InputError, match="sparse_optimizations of L0: B is skipped spatially and also gated or skipped in time"
    ):
        evaluate(columns(build, FixedStructured(0.5), actions=both))
