"""Groups against a recount of what they promise."""

from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.errors import InputError
from crisp_hw.points import grouped

halves = st.lists(st.integers(0, 50), min_size=1, max_size=13)
shares = st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0])


@given(halves, st.integers(1, 60), shares, st.sampled_from([0.0, 10.0, inf]))
def test_groups_of_a_submanifold_convolution(half, centre, epsilon, mm_thresh):
    sizes = [*half, centre, *reversed(half)]
    groups = grouped(sizes, epsilon, mm_thresh, submanifold=True)
    order = [k for pair in ((i, len(sizes) - 1 - i) for i in range(len(half))) for k in pair if sizes[k]]
    assert [k for group in groups for k in group.offsets] == [*order, len(half)]
    assert groups[-1].rows == (centre,) and not groups[-1].gathered
    for group, after in pairwise(groups):
        own = [sizes[k] for k in group.offsets]
        assert 1 - min(own) / max(own) <= epsilon
        assert group.rows == (tuple(own) if len(own) > 1 and max(own) >= mm_thresh else (max(own),) * len(own))
        assert group.kernels == (1 if group.rows.count(max(own)) == len(own) and group.batched else len(own))
        if after.gathered:  # the next one would not have fitted
            more = [*own, sizes[after.offsets[0]]]
            assert 1 - min(more) / max(more) > epsilon


@given(halves, shares)
def test_more_epsilon_never_makes_more_groups_and_0_pads_nothing(sizes, epsilon):
    assert len(grouped(sizes, 1.0, inf)) <= 1
    assert len(grouped(sizes, epsilon, inf)) <= len(grouped(sizes, 0.0, inf))
    assert sum(sum(group.rows) for group in grouped(sizes, 0.0, inf)) == sum(sizes)


# pairs by offset of a 3x3x3 kernel over target.ply of small-gicp 1.0.1, voxels of 0.2 (docs/point-clouds.md)
SCAN = [866, 1932, 897, 1546, 3566, 1563, 838, 2120, 639, 1514, 3521, 1467, 2817]
SCAN = [*SCAN, 7932, *reversed(SCAN)]


def test_a_real_scan_runs_as_eleven_kernels_with_a_tenth_of_padding():
    groups = grouped(SCAN, 0.5, inf, submanifold=True)
    assert sum(group.kernels for group in groups) == 11
    assert sum(sum(group.rows) for group in groups) / sum(SCAN) - 1 == pytest.approx(0.100, abs=5e-4)


@pytest.mark.parametrize(("epsilon", "mm_thresh", "said"), [(1.5, 1, "epsilon"), (0.5, -1, "mm_thresh")])
def test_out_of_range(epsilon, mm_thresh, said):
    with pytest.raises(InputError, match=said):
        grouped([1], epsilon, mm_thresh)
