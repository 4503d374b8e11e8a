"""Rows that nothing beats."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.mapper.exact import tables
from crisp_hw.mapper.exact.tables import undominated

vectors = st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=40)


@given(vectors, st.integers(1, 50))
def test_every_row_left_out_is_beaten_or_equalled_by_one_that_stays(rows, block):
    array = np.array(rows, dtype=float)
    before, tables._BLOCK = tables._BLOCK, block
    try:
        stays = undominated(array)
    finally:
        tables._BLOCK = before
    kept = array[stays]
    for row, there in zip(array, stays, strict=True):
        others = kept[(kept != row).any(axis=1)] if there else kept
        assert (others <= row).all(axis=1).any() != there
    assert len(np.unique(kept, axis=0)) == len(kept)
