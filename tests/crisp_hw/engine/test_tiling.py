"""Tiles, instances and deliveries of a mapping, by hand and by going through the loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.instances import expansion, instances
from crisp_hw.engine.tiling import (
    COMPUTE,
    Counts,
    deliveries,
    keeper_above,
    keeper_below,
    projected_size,
)
from crisp_hw.spec.problem import Problem, Tensor, Term

PLAN = [
    [("x", "K", 2), ("y", "M", 3), ("t", "N", 4)],
    [("t", "K", 5), ("t", "M", 2)],
    [("x", "N", 2), ("t", "M", 7), ("t", "K", 3)],
]
FANOUTS = [(2, 3), (1, 1), (2, 1)]


def test_a_place_without_counts_has_none_and_what_is_no_place_is_a_mistake():
    counts = Counts(np.zeros(2, dtype=np.int64))
    counts[1, 0] = np.array([3, 4])
    assert (counts[1, 0].tolist(), counts[0, 0].tolist()) == ([3, 4], [0, 0])
    assert list(counts) == [(1, 0)]  # asking leaves nothing behind
    with pytest.raises(ValueError, match="too many values"):
        counts[1, 0, 0]


def test_tiles_grow_with_the_loops_inside(build):
    tiling = build.tiling(build.point(PLAN, FANOUTS))
    a, b, z = tiling.problem.tensors
    assert [int(tiling.tile(level, a)[0]) for level in (COMPUTE, 0, 1, 2)] == [1, 3 * 2, 6 * 10, 42 * 30]
    assert [int(tiling.tile(level, b)[0]) for level in (0, 1, 2)] == [4 * 2, 4 * 10, 8 * 30]
    assert [int(tiling.tile(level, z)[0]) for level in (0, 1, 2)] == [3 * 4, 6 * 4, 42 * 8]
    assert tiling.box(tiling.ends[1])[:, 0].tolist() == [6, 4, 10]


def test_lanes_multiply_instances_inwards(build):
    tiling = build.tiling(build.point(PLAN, FANOUTS))
    assert [int(instances(tiling, level)[0]) for level in (COMPUTE, 0, 1, 2)] == [12, 2, 2, 1]
    assert [[int(side[0]) for side in expansion(tiling, level)] for level in (COMPUTE, 0, 1, 2)] == [
        [4, 3],
        [2, 1],
        [2, 1],
        [1, 1],
    ]


def test_a_tile_is_delivered_again_once_a_relevant_loop_has_moved(build):
    tiling = build.tiling(build.point(PLAN, FANOUTS))
    a, b, z = tiling.problem.tensors
    assert [int(deliveries(tiling, COMPUTE, tensor)[0]) for tensor in (a, b, z)] == [840, 840, 840]  # all time steps
    assert int(deliveries(tiling, 0, a)[0]) == 5 * 2 * 7 * 3
    assert int(deliveries(tiling, 0, z)[0]) == 2 * 7 * 3  # K inside of M is free: partial sums stay
    assert int(deliveries(tiling, 1, b)[0]) == 3  # and so is M for B
    assert int(deliveries(tiling, 2, a)[0]) == 1


def test_keepers_skip_levels_that_bypass(build):
    nest = build.point(PLAN, FANOUTS, keeps=[{"A"}, {"B"}, set("ABZ")]).mapping.nest
    assert [keeper_below(nest, level, "A") for level in (0, 1, 2)] == [COMPUTE, 0, 0]
    assert keeper_below(nest, 2, "Z") == COMPUTE
    assert [keeper_above(nest, level, "A") for level in (0, 1, 2)] == [2, 2, None]


@settings(max_examples=50)
@given(data=st.data())
def test_a_projection_is_the_bounding_box_of_all_indices(data):
    """Ranks with several terms and strides: 1 + sum of coefficient x (size - 1)."""
    sizes = [data.draw(st.integers(1, 4)) for _ in "PR"]
    stride, dilation = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    tensor = Tensor("I", ((Term("P", stride), Term("R", dilation)), (Term("P"),)))
    problem = Problem("conv", ("P", "R"), (4, 4), (tensor,))
    reached = [stride * p + dilation * r for p in range(sizes[0]) for r in range(sizes[1])]
    box = (max(reached) - min(reached) + 1) * sizes[0]
    assert projected_size(problem, tensor, np.array(sizes)[:, None]).tolist() == [box]


@pytest.mark.parametrize("name", "ABZ")
def test_the_whole_problem_is_the_whole_tensor(build, name):
    point = build.point(PLAN, FANOUTS)
    tiling = build.tiling(point)
    m, n, k = point.design.problem.bounds
    whole = {"A": m * k, "B": n * k, "Z": m * n}[name]
    assert tiling.size_below(len(tiling.nest.loops), tiling.problem.tensor(name)).tolist() == [whole]
