"""Nests walked on data: the product whatever the loops, and who sends what how often."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.spec.mapping import Loop, LoopMapping, LoopNest
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.walk import nested
from crisp_hw.walk.fabric import Fabric

M, K, N = ((Term(dim),) for dim in "MKN")
TENSORS = (Tensor("A", (M, K)), Tensor("B", (K, N)), Tensor("Z", (M, N), True))


def fabric(bounds, keeps=("ABZ", "ABZ"), packed=(), kinds=("temporal",) * 6):
    """Loops over M, K, N at the inner level, and again at the outer one."""
    loops = tuple(Loop(number // 3, dim, kinds[number]) for number, dim in enumerate("MKNMKN"))
    whole = tuple(bounds[at] * bounds[at + 3] for at in range(3))
    nest = LoopNest(loops, tuple(map(frozenset, keeps)))
    return Fabric(Problem("gemm", ("M", "K", "N"), whole, TENSORS), LoopMapping(nest, tuple(bounds)), frozenset(packed))


def walk(found, data):
    return nested.walk(found, data, {name: words != 0 for name, words in data.items()})


def data(found, zeros=0.5):
    drawn, problem = np.random.default_rng(0), found.problem
    a, b = (drawn.integers(-9, 10, [problem.bound(dim) for dim in dims]) for dims in ("MK", "KN"))
    a[drawn.random(a.shape) < zeros] = 0
    return {"A": a, "B": b}


@given(st.lists(st.integers(1, 3), min_size=6, max_size=6), st.booleans(), st.booleans())
def test_every_nest_gives_the_product(bounds, packs, lanes):
    kinds = ("temporal",) * 3 + (("x", "y", "temporal") if lanes else ("temporal",) * 3)
    found = fabric(bounds, packed=[(0, "A"), (1, "A")] if packs else (), kinds=kinds)
    given_data = data(found)
    done = walk(found, given_data)
    assert (done.product == given_data["A"] @ given_data["B"]).all()
    assert done.products == (
        np.count_nonzero(given_data["A"]) if packs else given_data["A"].size
    ) * found.problem.bound("N")


@pytest.mark.parametrize(("packed", "words"), [((), 24), ([(0, "A"), (1, "A")], 13)])
def test_a_tile_that_stays_is_sent_once(packed, words):
    """M 2 and K 3 inside, M 4 and N 5 outside: N is innermost there or not."""
    found = fabric([2, 3, 1, 4, 1, 5], packed=packed)
    given_data = data(found)
    assert np.count_nonzero(given_data["A"]) == 13
    done = walk(found, given_data)
    moved = done.moved[1, "A"]
    assert moved.reads == done.moved[0, "A"].fills == 5 * words  # N outside of M: every tile comes again
    assert moved.offsets_read == (5 * words if packed else 0)
    assert done.moved[1, "B"].reads == 3 * 5  # and that of B stays


def test_sums_that_come_back_are_read_and_filled():
    """K outermost: the second time, all sums come back."""
    done = walk(found := fabric([1, 1, 1, 2, 3, 1]), data(found))
    inner, outer = done.moved[0, "Z"], done.moved[1, "Z"]
    assert (outer.updates, outer.reads, inner.fills) == (6, 4, 4)


def test_lanes_that_share_a_word_read_it_once():
    done = walk(found := fabric([1, 1, 1, 4, 1, 1], kinds=("temporal",) * 3 + ("x",) * 3), data(found))
    assert (done.moved[1, "B"].reads, done.moved[0, "B"].fills, done.moved[0, "B"].used) == (1, 4, 4)
