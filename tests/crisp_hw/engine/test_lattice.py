"""Sums and mixtures of distributions against dictionaries."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine.lattice import Distribution, mixture, power, times

distributions = st.builds(
    lambda low, step, mass: Distribution(low, step, np.array(mass)),
    st.integers(0, 9),
    st.integers(1, 6),
    st.lists(st.floats(0.01, 1.0), min_size=1, max_size=5),
)


def as_dict(one):
    return {int(k): float(p) for k, p in zip(one.occupancies, one.mass, strict=True) if p}


def added(first, second):
    out = defaultdict(float)
    for a, p in as_dict(first).items():
        for b, q in as_dict(second).items():
            out[a + b] += p * q
    return out


@settings(max_examples=60)
@given(distributions, distributions)
def test_times_adds_values(first, second):
    found = times(first, second)
    assert as_dict(found) == pytest.approx(added(first, second))
    assert (found.low, found.high) == (first.low + second.low, first.high + second.high)


@settings(max_examples=40)
@given(distributions, st.integers(0, 5))
def test_power_is_repeated_times(one, count):
    expected = Distribution(0)
    for _ in range(count):
        expected = times(expected, one)
    assert as_dict(power(one, count)) == pytest.approx(as_dict(expected))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0.01, 1.0), distributions), min_size=1, max_size=4))
def test_mixture_adds_masses(parts):
    expected = defaultdict(float)
    for weight, part in parts:
        for k, p in as_dict(part).items():
            expected[k] += weight * p
    found = mixture(parts)
    assert as_dict(found) == pytest.approx(expected)
    values = np.arange(0, 60)
    assert found.at(values) == pytest.approx([expected.get(int(k), 0.0) for k in values])


def test_parts_without_mass_do_not_count():
    assert mixture([(1.0, Distribution(3, 1, np.zeros(2)))]).mass.tolist() == [0.0]
    assert as_dict(mixture([(1.0, Distribution(3, 1, np.zeros(2))), (0.5, Distribution(4))])) == {4: 0.5}
