"""Two ranks and patterns by row, against a count of every group one by one."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.descriptors import describe
from crisp_hw.descriptors.ranks import OUTER, row_patterns, two_rank
from crisp_hw.report.masks import descriptor_records
from crisp_hw.spec.descriptors import PrunedLayer
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM, RowPattern, TwoRank


@st.composite
def masks(draw):
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 40))
    share = draw(st.sampled_from([0.0, 0.1, 0.3, 0.7]))
    return np.random.default_rng(draw(st.integers(0, 10**6))).random((rows, columns)) < share


def groups(row, m):
    return [list(row[start : start + m]) for start in range(0, len(row), m)]


def counted(mask, m):
    """The pair by its definition, one group after the other."""
    inner = max(sum(group) for row in mask for group in groups(row, m))
    found = []
    for outer in OUTER:
        several = [some for row in mask for some in groups([any(group) for group in groups(row, m)], outer)]
        n = max(sum(some) for some in several)
        if 0 < n < min(outer, -(-mask.shape[1] // m)):
            found.append((n / min(outer, -(-mask.shape[1] // m)), outer, n))
    if m < 2 or mask.shape[1] < 2 * m or not found:
        return None
    _, outer, n = min(found)
    return TwoRank(NM(n, outer), NM(int(inner), m))


@given(masks(), st.sampled_from([1, 2, 4, 8]))
def test_two_ranks_are_those_of_every_group(mask, m):
    assert two_rank(mask, m) == counted(mask, m)


@given(masks(), st.sampled_from([1, 2, 4, 8]))
def test_every_row_has_its_tightest(mask, m):
    tightest = Counter(max(int(sum(group)) for group in groups(row, m)) for row in mask)
    expected = tuple(RowPattern(NM(n, m), rows) for n, rows in sorted(tightest.items()))
    assert row_patterns(mask, m) == (expected if len(expected) > 1 else ())


@pytest.mark.parametrize(("outer", "inner"), [(NM(1, 2), NM(2, 4)), (NM(3, 8), NM(2, 4)), (NM(2, 4), NM(1, 2))])
def test_describe_finds_what_a_mask_was_made_of(outer, inner):
    rng = np.random.default_rng(1)
    mask = np.zeros((64, 16 * outer.m * inner.m), dtype=bool)
    for row in mask.reshape(64, -1, outer.m, inner.m):
        for some in row:
            for group in rng.permutation(outer.m)[: outer.n]:
                some[group, rng.permutation(inner.m)[: inner.n]] = True
    layer = Layer("fc", "linear", *mask.shape)
    found = describe(PrunedLayer(layer, "nm", mask, inner))
    assert found.two_rank == TwoRank(outer, inner) and found.nm == inner
    assert descriptor_records([found])[0]["two_rank"] == f"{outer} of {inner}"


def test_rows_with_patterns_of_their_own_are_told():
    mask = np.tile([True, False, True, False], (4, 8))
    mask[:3, 2::4] = False
    record = descriptor_records([describe(PrunedLayer(Layer("fc", "linear", 4, 32), "nm", mask, NM(2, 4)))])[0]
    assert (record["row_patterns"], record["nm"], record["two_rank"]) == ("1:4 in 3, 2:4 in 1", "2:4", None)
