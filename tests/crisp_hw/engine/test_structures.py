"""Mappings of several nests as one batch: what a loop runs over, and that products are those of each mapping."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.structures import alike, side_by_side
from crisp_hw.engine.tiling import COMPUTE, Tiling, deliveries


def test_nests_are_alike_but_for_the_order_of_their_loops(build):
    nest = build.point([[("t", "K", 3)], [("t", "M", 2)]]).mapping.nest
    turned = replace(nest, loops=(*nest.loops[2::-1], *nest.loops[3:]))
    assert alike(nest) == alike(turned)
    assert alike(nest) != alike(replace(nest, keeps=(frozenset(), nest.keeps[1])))
    assert alike(nest) != alike(replace(nest, no_link_transfer=(frozenset("A"), frozenset())))
    lanes = build.point([[("x", "K", 3)], [("t", "M", 2)]], [(3, 1), (1, 1)]).mapping.nest
    assert alike(nest) != alike(lanes)


def test_loops_that_do_something_come_first_in_their_order(build):
    nest = build.point([[("t", "M", 1), ("t", "K", 3), ("t", "N", 2)], [("t", "M", 2)]]).mapping.nest
    problem = build.gemm(2, 2, 3)
    bounds = np.array([[1, 3, 2, 2, 1, 1], [2, 3, 1, 1, 1, 2]]).T
    assert [loop.dim for loop in nest.loops] == ["M", "K", "N", "M", "N", "K"]
    found = side_by_side(problem, [(nest, bounds)])
    assert [loop.level for loop in found.nest.loops] == [0, 0, 1]
    assert found.bounds.tolist() == [[3, 2], [2, 3], [2, 2]]
    names = [[problem.dims[dim] for dim in row] for row in found.orders.dims]
    assert names == [["K", "M"], ["N", "K"], ["M", "K"]]


@settings(max_examples=60)
@given(data=st.data())
def test_deliveries_tiles_and_products_are_those_of_each_mapping(build, data):
    plan, fanouts, _ = data.draw(build.plans(levels=3))
    points = [
        build.point([data.draw(st.permutations(entries)) for entries in plan], fanouts)
        for _ in range(data.draw(st.integers(1, 4)))
    ]
    problem, architecture = points[0].design.problem, points[0].design.architecture
    parts = [(point.mapping.nest, np.array(point.mapping.bounds)[:, None]) for point in points]
    found = side_by_side(problem, parts)
    together = Tiling(problem, architecture, found.nest, found.bounds, orders=found.orders)
    for tensor in problem.tensors:
        for level in (COMPUTE, 0, 1, 2):
            alone = [build.tiling(point) for point in points]
            assert deliveries(together, level, tensor).tolist() == [int(deliveries(t, level, tensor)[0]) for t in alone]
            assert together.tile(level, tensor).tolist() == [int(t.tile(level, tensor)[0]) for t in alone]
