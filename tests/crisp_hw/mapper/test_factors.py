"""Factorizations of a dimension under what blocks ask, against every row of numbers."""

from itertools import product
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.mapper import factors
from crisp_hw.mapper.factors import asked_of, rows_of
from crisp_hw.spec.constraints import Factor, LevelConstraint

ASKED = st.tuples(
    st.integers(1, 3),
    st.none() | st.builds(Factor, st.sampled_from(["=", "<=", ">="]), st.integers(1, 4)),
)


def _obeys(number, asked, bound):
    least, factor = asked
    relations = {"=": number.__eq__, "<=": number.__le__, ">=": number.__ge__}
    return number >= least and (factor is None or relations[factor.relation](factor.value or bound))


@pytest.mark.parametrize("few", [0, factors.FEW_ROWS])
@given(bound=st.integers(1, 24), asked=st.lists(ASKED, min_size=1, max_size=3))
def test_rows_are_those_whose_product_is_the_bound(few, bound, asked):
    every = product(range(1, bound + 1), repeat=len(asked))
    expected = [
        list(row)
        for row in every
        if prod(row) == bound and all(_obeys(number, each, bound) for number, each in zip(row, asked, strict=True))
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factors, "FEW_ROWS", few)
        assert rows_of(bound, tuple(asked), imperfect=False).tolist() == expected


def test_what_is_remembered_cannot_be_changed():
    rows = rows_of(12, ((1, None), (1, None)), imperfect=False)
    with pytest.raises(ValueError, match="read-only"):
        rows[0, 0] = 7


def test_a_block_without_a_constraint_asks_for_nothing():
    assert asked_of(None, "K") == (1, None)
    constraint = LevelConstraint("RF", "temporal", factors={"K": Factor("=", 4)}, at_least={"M": 2})
    assert [asked_of(constraint, dim) for dim in "KM"] == [(1, Factor("=", 4)), (2, None)]
