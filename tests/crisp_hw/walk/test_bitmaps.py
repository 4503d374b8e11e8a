"""Bits of bitmaps, by hand."""

import numpy as np
import pytest

from crisp_hw.spec.mapping import Loop, LoopMapping, LoopNest
from crisp_hw.spec.problem import Problem, Tensor, Term
from crisp_hw.walk.bitmaps import bits_held, bits_sent, nested_tiles
from crisp_hw.walk.fabric import MACS, Fabric

M = (Term("M"),)
A = Tensor("A", (M,))
STORED = np.array([1, 0, 0, 0, 0, 0, 1, 1], bool)  # of four pairs, the second and the third are empty


def fabric(maps):
    """Pairs at the inner level, four of them at the outer one, which stores `maps`."""
    loops = (Loop(0, "M", "temporal"), Loop(1, "M", "temporal"))
    problem = Problem("copy", ("M",), (8,), (A, Tensor("Z", (M,), True)))
    mapping = LoopMapping(LoopNest(loops, (frozenset("AZ"), frozenset("AZ"))), (2, 4))
    return Fabric(problem, mapping, bitmaps={(0, "A"): (True,), (1, "A"): maps})


def test_tiles_of_a_word_are_none():
    assert nested_tiles(fabric((True, True)), A, 1) == [(2,), (8,)]


@pytest.mark.parametrize(("maps", "bits"), [((True, True), 4 + 2 * 2), ((True, False), 2 * 2), ((False, True), 4)])
def test_every_pair_has_a_bit_and_those_that_hold_something_two_more(maps, bits):
    assert bits_held(fabric(maps), A, STORED, 1, (0,)) == bits
    assert bits_held(fabric(maps), A, np.zeros(8, bool), 1, (0,)) == 0


def test_a_pair_is_sent_with_its_bits():
    found = fabric((True, True))
    assert [bits_sent(found, A, STORED, (1, 0), (at,)) for at in (0, 2, 4, 6)] == [3, 1, 1, 3]
    assert bits_sent(found, A, STORED, (0, MACS), (1,)) == 1
