"""Sides of spatial blocks against all orders and splits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.mapper.exact.sides import Side, sides, spatial_order
from crisp_hw.mapper.orders import arrangements
from crisp_hw.mapper.space import LoopBlock

DIMS = ("K", "M", "N")


def blocks():
    cut = st.tuples(st.permutations(DIMS), st.integers(0, 3), st.integers(0, 3), st.none() | st.integers(0, 3))
    return cut.map(
        lambda c: LoopBlock(1, "spatial", tuple(c[0][: min(c[1:3])]), tuple(c[0][min(c[1:3]) : max(c[1:3])]), c[3],
                            tuple(c[0][max(c[1:3]) :]))
    )  # fmt: skip


def along(loops, axis, active):
    return frozenset(loop.dim for loop in loops if loop.kind == axis and loop.dim in active)


@given(blocks(), st.sets(st.sampled_from(DIMS)))
def test_sides_are_those_of_all_orders_and_splits(block, active):
    active = frozenset(active)
    expected = {(along(loops, "x", active), along(loops, "y", active)) for loops in arrangements(block, active)}
    found = sides(block, active)
    if found == (Side(active, active),):
        split = {(x, active - x) for x, _ in expected}
        assert expected == split
        assert len(expected) == 2 ** len(active)
    else:
        assert {(side.along_x, side.along_y) for side in found} == expected
    for x, y in expected:
        order, count = spatial_order(block, x, y)
        allowed = {
            (tuple(loop.dim for loop in loops), sum(loop.kind == "x" for loop in loops))
            for loops in arrangements(block, active)
        }
        assert (order, count) in allowed or sorted(order) == sorted(DIMS)
        assert x <= frozenset(order[:count])
        assert y <= frozenset(order[count:])
        assert order[: len(block.fixed)] == block.fixed
        assert order[len(order) - len(block.last) :] == block.last
        assert block.split is None or count == block.split


def test_sides_that_are_not_there_have_no_order():
    with pytest.raises(AssertionError, match="sides that its block does not have"):
        spatial_order(LoopBlock(1, "spatial", DIMS, ()), frozenset("N"), frozenset("K"))
