"""Targets, boundaries and the learning rate."""

import itertools
from math import cos, pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_prune.schedule import block_iterations, boundary, rate_factor, rewound_factor, targets


@pytest.mark.parametrize(
    ("sparsity", "n", "m", "expected"),
    [(0.9, 2, 4, 8), (0.9, 1, 4, 6), (0.9, 3, 4, 9), (0.5, 2, 4, 0), (0.95, 2, 4, 9)],
)
def test_iterations_prune_a_tenth_of_the_blocks_each(sparsity, n, m, expected):
    assert block_iterations(sparsity, n, m) == expected


@pytest.mark.parametrize("ramp", ["linear", "cubic"])
def test_targets_rise_from_nm_alone_to_the_goal(ramp):
    found = targets(0.9, 2, 4, 8, ramp)
    assert found[0] == 0.5 and found[-1] == pytest.approx(0.9)
    assert list(found) == sorted(found)
    assert found[4] == pytest.approx(0.5 + 0.4 * (0.5 if ramp == "linear" else 0.875))


@given(st.integers(0, 12), st.integers(0, 500))
def test_boundaries_split_the_steps_evenly(iterations, total):
    found = [boundary(p, iterations, total) for p in range(iterations + 1)] + [total]
    assert found[0] == 0
    lengths = [b - a for a, b in itertools.pairwise(found)]
    assert max(lengths) - min(lengths) <= 1


def test_rate_warms_up_and_then_follows_a_cosine():
    found = [rate_factor(step, 100, 10) for step in range(101)]
    assert found[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert found[55] == pytest.approx(0.5 * (1 + cos(pi / 2)))
    assert found[100] == pytest.approx(0.0)
    assert rate_factor(0, 1, 0) == 1.0


@given(st.integers(0, 12), st.integers(1, 200), st.integers(0, 20))
def test_a_rewound_rate_is_at_its_peak_at_every_edge_and_falls_to_the_next(iterations, pruning, warmup):
    edges = [boundary(p, iterations, pruning) for p in range(iterations + 1)] + [2 * pruning]
    found = [rewound_factor(step, edges, warmup) for step in range(2 * pruning)]
    first = min(warmup, edges[1] if edges[1] else 2 * pruning)
    for start, end in itertools.pairwise(dict.fromkeys(edges)):
        inside = found[start:end]
        assert inside == (sorted(inside, reverse=True) if start else inside[:first] + sorted(inside[first:])[::-1])
        assert inside[0] == 1.0 or (start == 0 and inside[0] == pytest.approx(1 / first))
