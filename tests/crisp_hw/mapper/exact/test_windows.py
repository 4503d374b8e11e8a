"""Words along a rank that slides, against the engine's own steps."""

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.engine.tiling import Tiling
from crisp_hw.engine.windows import arrivals
from crisp_hw.mapper.exact.layout import Group, Layout, Slot
from crisp_hw.mapper.exact.windows import (
    Lanes,
    Link,
    Window,
    extent_of,
    lanes_along,
    plain_dims,
    sliding_ranks,
    uncertain,
    words_along,
)
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.mapping import Loop, LoopNest
from crisp_hw.spec.problem import Problem, Tensor, Term

SLOTS = tuple(Slot(level, "temporal", level) for level in range(3))
LAYOUT = Layout(("P", "R"), SLOTS, (None,) * 3)
LEVELS = tuple(StorageLevel(name) for name in ("RF", "GLB", "DRAM"))
factors = st.lists(st.integers(1, 4), min_size=6, max_size=6)
orders = st.lists(st.permutations("PR"), min_size=3, max_size=3)
BOX = LAYOUT.bits((0, 1), "all", 0, 0)


@given(factors, orders, st.integers(1, 3), st.integers(1, 3))
def test_words_of_a_chain_are_those_of_the_engine(bounds, order, stride, dilation):
    """A tile of level 0 that loops of the levels outside it move, in any order."""
    rank = (Term("P", stride), Term("R", dilation))
    whole = Tensor("I", (rank,))
    loops = [Loop(level, dim, "temporal") for level in range(3) for dim in order[level]]
    by_loop = np.array([[bounds[3 * "PR".index(loop.dim) + loop.level]] for loop in loops], dtype=np.int64)
    sizes = tuple(prod(bounds[3 * place : 3 * place + 3]) for place in range(2))
    nest = LoopNest(tuple(loops), (frozenset("I"),) * 3)
    tiling = Tiling(Problem("p", ("P", "R"), sizes, (whole,)), Architecture(LEVELS, ComputeLevel()), nest, by_loop)
    real = int(arrivals(tiling, whole, 1).total[0])
    group = Group((0, 1), np.array(bounds, dtype=np.int64).reshape(1, 2, 3))
    chain = tuple("PR".index(loop.dim) * 3 + loop.level for loop in loops[2:])
    assert words_along(Window(rank, BOX, chain), LAYOUT, group).tolist() == [real]
    assert words_along(Window(rank, BOX, (), (1, 2)), LAYOUT, group)[0] <= real
    assert words_along(Window(rank, BOX, chain[:2], (2,)), LAYOUT, group)[0] <= real
    parts = [words_along(Window(rank, BOX, chain, part=part), LAYOUT, group)[0] for part in ("first", "others")]
    assert sum(parts) == real


def test_the_extent_of_a_tile_has_no_steps():
    group = Group((0, 1), np.array([[[3, 2, 1], [2, 1, 1]]]))
    window = Window((Term("P", 2), Term("R")), LAYOUT.bits((0, 1), "all", 0, 1))
    assert extent_of(window, LAYOUT, group).tolist() == words_along(window, LAYOUT, group).tolist() == [12]


MESH = Layout(("P", "R"), (Slot(0, "temporal", 0), Slot(1, "x", 1), Slot(1, "temporal", 2)), (None, 9, None))


@pytest.mark.parametrize(
    ("p", "r", "served"),
    [
        ((1, 1, 4), (1, 3, 1), True),  # lanes lie a word apart, and P moves their tiles by one
        ((2, 1, 4), (1, 1, 1), False),  # one lane
        ((1, 3, 4), (1, 1, 1), False),  # P moves by three lanes at once
        ((5, 1, 4), (1, 3, 1), False),  # P moves by five words, lanes are at most two apart
        ((1, 1, 1), (1, 3, 1), False),  # nothing moves
    ],
)
def test_neighbours_serve_only_where_a_step_is_a_distance_of_lanes(p, r, served):
    rank = (Term("P"), Term("R"))
    group = Group((0, 1), np.array([[p, r]]))
    lanes, steps = (MESH.bits((0, 1), kind, 1, 1) for kind in ("spatial", "temporal"))
    window = Window(rank, MESH.bits((0, 1), "all", 0, 0), (MESH.bit(0, 2).bit_length() - 1,))
    assert uncertain(Link(0, 1, window, lanes, steps, mixed=False), MESH, group).tolist() == [served]
    distinct = len({i * p[0] + j * r[0] for i in range(p[1]) for j in range(r[1])})
    assert lanes_along(Lanes(rank, lanes), MESH, group).tolist() == [distinct]


def test_a_stride_slides_and_a_dimension_does_not():
    mixed = Tensor("I", ((Term("C"),), (Term("P", 2),), (Term("Q"), Term("S"))))
    assert sliding_ranks(mixed) == mixed.ranks[1:]
    assert plain_dims(mixed) == {"C"}
