"""Fronts and the volume below them, against the definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.exploration.fronts import front, hypervolume

ROWS = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.lists(st.integers(0, 5), min_size=width, max_size=width), min_size=1, max_size=12)
)


@given(ROWS)
def test_the_front_is_what_no_point_beats(rows):
    costs = np.array(rows, dtype=float)
    beaten = [any(np.all(b <= a) and np.any(b < a) for b in costs) for a in costs]
    assert front(costs) == [place for place, lost in enumerate(beaten) if not lost]


@given(ROWS)
def test_the_volume_counts_the_cells_below_the_reference(rows):
    costs = np.array(rows, dtype=float)
    cells = np.stack(np.meshgrid(*[np.arange(6)] * costs.shape[1]), axis=-1).reshape(-1, costs.shape[1])
    covered = [any(np.all(row <= cell) for row in costs) for cell in cells]
    assert hypervolume(costs, [6.0] * costs.shape[1]) == pytest.approx(sum(covered))
