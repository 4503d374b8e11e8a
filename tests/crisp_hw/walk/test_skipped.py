"""Tiles that meet nothing stored, by hand."""

import numpy as np

from crisp_hw.spec.mapping import Loop, LoopMapping, LoopNest
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.walk.fabric import Fabric
from crisp_hw.walk.nested import walk

M, K = ((Term(dim),) for dim in "MK")
PROBLEM = Problem("gemv", ("M", "K"), (2, 4), (Tensor("A", (M, K)), Tensor("B", (K,)), Tensor("Z", (M,), True)))


def fabric(kind, skips):
    """B waits at the inner level, two words of it, for both rows; `kind` says how rows are laid out there."""
    loops = (Loop(0, "K", "temporal"), Loop(1, "M", kind), Loop(1, "K", "temporal"))
    nest = LoopNest(loops, (frozenset("B"), frozenset("ABZ")))
    return Fabric(PROBLEM, LoopMapping(nest, (2, 2, 2)), frozenset({(1, "A")}), skips_tiles=skips)


def sent(kind, weights, skips=frozenset("A")):
    a, b = np.array(weights), np.arange(1, 5)
    done = walk(fabric(kind, {(1, "B"): skips}), {"A": a, "B": b}, {"A": a != 0, "B": b != 0})
    assert (done.product == a @ b).all()
    return done.moved[1, "B"].reads, done.moved[0, "B"].fills, done.moved[0, "B"].reads


def test_a_tile_that_one_row_wants_is_sent():
    weights = [[1, 0, 0, 0], [0, 0, 0, 0]]
    assert sent("temporal", weights) == (2, 2, 4)  # held for both rows: the second half is not sent, nor read
    assert sent("x", weights) == (2, 4, 4)  # one read serves both lanes, wanted or not
    assert sent("temporal", weights, frozenset()) == (4, 4, 8)


def test_nothing_is_sent_to_meet_nothing():
    assert sent("temporal", [[0] * 4] * 2) == (0, 0, 0)
    assert sent("temporal", [[0, 1, 0, 1], [1, 0, 0, 0]]) == (4, 4, 8)
