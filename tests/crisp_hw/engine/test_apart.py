"""Mappings side by side, and the groups in which a question about the order of some loops finds them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.apart import groups, joined, tensor_groups
from crisp_hw.engine.structures import alike, side_by_side
from crisp_hw.engine.tiling import Tiling

FANOUTS = [(2, 2), (1, 1)]


def tiled(build, plans):
    """Mappings of several plans side by side."""
    points = [build.point(plan, FANOUTS) for plan in plans]
    problem, architecture = points[0].design.problem, points[0].design.architecture
    parts = [(point.mapping.nest, np.array(point.mapping.bounds)[:, None]) for point in points]
    assert len({alike(nest) for nest, _ in parts}) == 1
    found = side_by_side(problem, parts)
    return Tiling(problem, architecture, found.nest, found.bounds, orders=found.orders)


PLANS = [
    [[("x", "M", 2), ("t", "K", 3), ("t", "N", 2)], [("t", "M", 2)]],
    [[("x", "M", 2), ("t", "N", 2), ("t", "K", 3)], [("t", "M", 2)]],  # other order in time
    [[("y", "M", 2), ("t", "K", 3), ("t", "N", 2)], [("t", "M", 2)]],  # other axis
    [[("x", "M", 2), ("t", "K", 3)], [("t", "N", 2), ("t", "M", 2)]],  # N outside
]


def places(found):
    return sorted(group.rows.tolist() for group in found)


def test_mappings_are_apart_only_where_what_is_asked_for_differs(build):
    tiling = tiled(build, PLANS)
    a, b, _ = tiling.problem.tensors
    assert places(groups(tiling, lambda level, temporal: False)) == [[0, 1, 2, 3]]
    assert places(groups(tiling, lambda level, temporal: not temporal)) == [[0, 1, 3], [2]]
    assert places(groups(tiling, lambda level, temporal: True)) == [[0], [1], [2], [3]]
    assert places(groups(tiling, lambda level, temporal: True, axes=False)) == [[0, 2], [1], [3]]
    assert places(tensor_groups(tiling, range(2), a)) == [[0, 1, 2, 3]]  # M and K are alike in all
    assert places(tensor_groups(tiling, range(2), b)) == [[0, 2], [1], [3]]
    assert places(tensor_groups(tiling, range(1, 2), b)) == [[0, 1, 2], [3]]  # in which N does nothing inside
    assert places(tensor_groups(tiling, range(1, 2), a)) == [[0, 1, 2, 3]]


def test_boxes_between_blocks_are_the_same_whatever_is_asked(build):
    tiling = tiled(build, PLANS)
    for asked in (lambda level, temporal: False, lambda level, temporal: temporal, lambda level, temporal: True):
        parts = groups(tiling, asked)
        for level in range(2):
            boxes = [group.tiling.box(group.tiling.ends[level]) for group in parts]
            together = [joined(parts, sides).tolist() for sides in zip(*boxes, strict=True)]
            assert together == tiling.box(tiling.ends[level]).tolist()


@settings(max_examples=40)
@given(data=st.data())
def test_a_group_of_one_is_the_mapping(build, data):
    """Every block asked for: the loops as they stand, those that do nothing included."""
    plan, fanouts, keeps = data.draw(build.plans(levels=2))
    point = build.point(plan, fanouts, keeps)
    bounds = np.array(point.mapping.bounds)[:, None]
    found = side_by_side(point.design.problem, [(point.mapping.nest, bounds)])
    tiling = Tiling(point.design.problem, point.design.architecture, found.nest, found.bounds, orders=found.orders)
    (group,) = groups(tiling, lambda level, temporal: True)
    assert group.tiling.nest.loops == point.mapping.nest.loops
    assert group.tiling.bounds.tolist() == bounds.tolist()


def test_a_tiling_of_several_structures_does_not_say_which_loop_is_relevant(build):
    tiling = tiled(build, PLANS)
    with pytest.raises(AssertionError):
        tiling.relevant(0, tiling.problem.tensors[0])
