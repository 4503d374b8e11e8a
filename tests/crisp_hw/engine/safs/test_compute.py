"""Computes against a count over the four or nine joint states of two operands."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.safs.compute import Operand, count_computes, remaining_computes, to_micro


def classified(shares, stored, optimizations):
    """Of the MACs of two independent operands, the shares that are random, gated, skipped and absent.

    `shares[i]` is P(nonzero); a zero of operand i exists at the MAC unless its metadata is stored (`stored[i]`).
    """
    found = dict.fromkeys(("random", "gated", "skipped", "absent"), 0.0)
    for zero in product([False, True], repeat=2):
        probability = np.prod([1 - share if z else share for z, share in zip(zero, shares, strict=True)])
        missing = [z and kept for z, kept in zip(zero, stored, strict=True)]
        if not any(zero):
            what = "random"
        elif all(missing):
            what = "absent"
        elif any(missing) and "skipping" in optimizations:
            what = "skipped"
        else:
            what = "gated" if "gating" in optimizations else "random"
        found[what] += probability
    return found


halves = st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.75, 1.0])


@settings(max_examples=100)
@given(
    st.tuples(halves, halves),
    st.tuples(st.booleans(), st.booleans()),
    st.sets(st.sampled_from(["gating", "skipping"])),
)
def test_states_of_two_operands(shares, stored, optimizations):
    total = 6400  # every product of the shares is a whole number of MACs
    operands = tuple(Operand(share, None, kept) for share, kept in zip(shares, stored, strict=True))
    counts = count_computes(np.array([total]), operands, tuple(optimizations))
    expected = classified(shares, stored, optimizations)
    assert counts.random == total * expected["random"]
    assert counts.gated == total * expected["gated"]
    assert counts.skipped == total * expected["skipped"]
    assert counts.legal.all()


def test_a_storage_saf_takes_its_share_first():
    """A is skipped where B is zero (half of the MACs); where B is not, it is nonzero for certain."""
    a, b = Operand(0.5, np.array([0.5]), False), Operand(0.5, None, False)
    assert remaining_computes(np.array([1000]), (a, b)).tolist() == [500]
    counts = count_computes(np.array([1000]), (a, b), ("gating",))
    assert [c.tolist() for c in (counts.random, counts.gated, counts.skipped)] == [[250], [250], [0]]


def test_two_storage_safs_leave_pairs_of_nonzeros():
    a = Operand(0.5, np.array([0.75]), True)  # skipped where B (density 0.25) is zero
    b = Operand(0.25, np.array([0.5]), True)  # skipped where A (density 0.5) is zero
    counts = count_computes(np.array([800]), (a, b), ())
    assert (counts.random.tolist(), counts.skipped.tolist(), counts.legal.tolist()) == ([100], [0], [True])


def test_a_saf_that_removes_more_than_there_are_zeros_is_called_illegal():
    a, b = Operand(0.5, np.array([0.9]), True), Operand(0.5, None, True)
    assert count_computes(np.array([100]), (a, b), ()).legal.tolist() == [False]


def test_shares_round_down_and_the_rest_is_random():
    third = Operand(1 / 3, None, False)
    counts = count_computes(np.array([10]), (third, Operand(1.0, None, False)), ("gating",))
    assert (counts.gated.tolist(), counts.random.tolist()) == ([6], [4])


@pytest.mark.parametrize(("value", "rounded"), [(0.1234564, 0.123456), (0.1234565, 0.123457), (1 / 3, 0.333333)])
def test_probabilities_are_rounded_to_a_millionth(value, rounded):
    assert to_micro(np.array([value])) == pytest.approx([rounded], abs=1e-12)
