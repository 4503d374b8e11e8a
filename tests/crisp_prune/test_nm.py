"""N:M masks against a sort of every group in plain Python."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from crisp_prune.nm import kept_columns, nm_mask


def oracle(row, n, m):
    """The n best of every group, the lower column first among equals."""
    keep = [False] * len(row)
    for start in range(0, len(row), m):
        group = range(start, min(start + m, len(row)))
        for column in sorted(group, key=lambda c: (-row[c], c))[:n]:
            keep[column] = True
    return keep


patterns = st.integers(1, 5).flatmap(lambda m: st.tuples(st.integers(1, m), st.just(m)))


@pytest.mark.slow
@given(patterns, st.integers(1, 13), st.data())
def test_mask_equals_the_oracle_with_ties_and_ragged_groups(pattern, columns, data):
    n, m = pattern
    scores = [data.draw(st.lists(st.integers(0, 3).map(float), min_size=columns, max_size=columns)) for _ in range(2)]
    mask = nm_mask(torch.tensor(scores), n, m)
    assert mask.tolist() == [oracle(row, n, m) for row in scores]
    assert mask.sum(dim=1).tolist() == [kept_columns(columns, n, m)] * 2


@pytest.mark.parametrize(("n", "m"), [(1, 4), (2, 4), (3, 4), (4, 8)])
def test_exactly_n_of_m(n, m):
    mask = nm_mask(torch.rand(7, 16 * m, generator=torch.Generator().manual_seed(0)), n, m)
    assert (mask.reshape(7, 16, m).sum(dim=2) == n).all()
