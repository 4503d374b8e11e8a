"""Density models against a count over every mask that they allow."""

from collections import Counter
from fractions import Fraction
from itertools import combinations
from math import comb, perm

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine import density as model
from crisp_hw.spec.patterns import FixedStructured, Hypergeometric


def masks(size, hits):
    """Every way to place the nonzeros: the sets of their positions, equally likely."""
    return [set(positions) for positions in combinations(range(size), hits)]


def one(value):
    return np.array([value], dtype=np.int64)


cases = st.integers(1, 9).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size), st.integers(1, size)))


@settings(max_examples=60)
@given(cases)
def test_hypergeometric_is_a_count_over_masks(case):
    size, hits, tile = case
    density = Hypergeometric(hits / size)
    hits = model.nonzeros(density, size)  # rounding may add one: 7 / 25 of 25 words are 8
    every = masks(size, hits)
    found = Counter(len(mask & set(range(tile))) for mask in every)
    occupancy, probability = model.support(density, size, one(tile))
    assert {
        k: p for k, p in zip(occupancy[:, 0].tolist(), probability[:, 0].tolist(), strict=True) if p
    } == pytest.approx({k: count / len(every) for k, count in found.items()})
    assert model.prob_empty(density, size, one(tile)) == pytest.approx([found[0] / len(every)])
    assert model.expected_occupancy(density, size, one(tile)) == pytest.approx(
        [sum(k * count for k, count in found.items()) / len(every)]
    )
    assert model.largest_occupancy(density, size, one(tile)) == max(found)


@settings(max_examples=60)
@given(st.integers(1, 8), st.data())
def test_a_part_of_a_known_tile_is_a_count_over_masks(outer, data):
    held, tile = data.draw(st.integers(0, outer)), data.draw(st.integers(1, outer))
    every = masks(outer, held)
    empty = sum(not mask & set(range(tile)) for mask in every) / len(every)
    assert model.prob_empty_given(Hypergeometric(0.5), one(tile), one(outer), one(held)) == pytest.approx([empty])


@settings(max_examples=60)
@given(st.integers(1, 40), st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.75, 1.0]))
def test_fixed_structured_holds_one_of_two_neighbours(tile, share):
    density = FixedStructured(share)
    occupancy, probability = model.support(density, 1000, one(tile))
    assert probability.sum() == pytest.approx(1.0)
    assert (occupancy * probability).sum() == pytest.approx(tile * share)
    assert set(occupancy[probability > 0].tolist()) <= {int(np.floor(tile * share)), int(np.ceil(tile * share))}
    assert model.expected_occupancy(density, 1000, one(tile)) == pytest.approx([tile * share])
    assert model.largest_occupancy(density, 1000, one(tile)) == np.ceil(tile * share)
    empty = probability[occupancy == 0].sum()
    assert model.prob_empty(density, 1000, one(tile)) == pytest.approx([empty])


def test_a_share_of_nonzeros_is_rounded_up_in_floating_point():
    assert model.nonzeros(Hypergeometric(0.28), 25) == 8  # 0.28 * 25 is 7.000000000000001, in Timeloop as well
    assert model.nonzeros(Hypergeometric(0.25), 10) == 3


def test_two_of_four_leaves_no_pair_of_neighbouring_groups_empty():
    tiles = np.array([1, 2, 4, 8])
    assert model.prob_empty(FixedStructured(0.5), 64, tiles).tolist() == [0.5, 0.0, 0.0, 0.0]
    assert model.prob_empty_given(FixedStructured(0.5), one(2), one(8), one(2)).tolist() == [0.5]


@settings(max_examples=40)
@given(st.integers(2, 3000), st.floats(0.01, 1.0), st.data())
def test_support_sums_to_one_and_has_the_right_mean(size, share, data):
    density, tile = Hypergeometric(share), data.draw(st.integers(1, size))
    occupancy, probability = model.support(density, size, one(tile))
    assert probability.sum() == pytest.approx(1.0, abs=1e-12)
    assert (occupancy * probability).sum() == pytest.approx(tile * model.nonzeros(density, size) / size, rel=1e-12)


@pytest.mark.parametrize(("size", "hits", "tile"), [(2000, 700, 300), (9000, 90, 4000), (300, 299, 2), (50, 50, 7)])
def test_probabilities_are_rounded_once(size, hits, tile):
    """Timeloop's whole counts depend on the last bit of a probability: it must be that of the exact fraction."""
    k, p = (column[:, 0] for column in model.support(Hypergeometric(hits / size), size, one(tile)))
    exact = [comb(hits, int(i)) * comb(size - hits, tile - int(i)) / comb(size, tile) for i in k]
    likely = np.array(exact) > 1e-18
    # 80 bits carry 11 more than the result: about one in a thousand may still round the other way
    assert np.mean(p[likely] == np.array(exact)[likely]) > 0.97
    np.testing.assert_allclose(p[likely], np.array(exact)[likely], rtol=2.3e-16)


@pytest.mark.parametrize(("size", "few", "many"), [(10**8, 5000, 6000), (10**6, 300, 4000), (5000, 4200, 700)])
def test_empty_tiles_of_large_tensors(size, few, many):
    exact = float(Fraction(perm(size - many, few), perm(size, few)))
    assert model.hypergeometric_empty(one(size), one(few), one(many)) == pytest.approx([exact], rel=1e-9)
    assert model.hypergeometric_empty(one(size), one(many), one(few)) == pytest.approx([exact], rel=1e-9)


@settings(max_examples=30)
@given(st.lists(cases, min_size=9, max_size=20))
def test_many_at_once_are_the_same_bits_as_one_at_a_time(rows):
    size, hits, tile = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    together = model.hypergeometric_empty(size, hits, tile)
    alone = [model.hypergeometric_empty(one(n), one(h), one(t))[0] for n, h, t in rows]
    assert together.tolist() == alone


def test_conditional_probabilities_do_not_depend_on_the_way_they_are_computed():
    tile, outer = np.array([500, 3]), np.array([20_000, 400])
    occupancy, _ = model.support(Hypergeometric(0.3), 40_000, outer)
    assert occupancy.size * int(tile.max()) > model.FEW_STEPS
    ladder = model.prob_empty_given(Hypergeometric(0.3), tile, outer, occupancy)
    product = model.hypergeometric_empty(outer, occupancy, tile)
    np.testing.assert_allclose(ladder, product, rtol=4e-16)


@pytest.mark.parametrize(("tile", "least"), [(3, 0.0), (4, 0.0), (6, 0.0), (8, 4.0)])
def test_smallest_occupancy_wraps_around_as_in_timeloop(tile, least):
    """8 words, 4 of them nonzero: a tile of 6 holds at least 2, for which Timeloop takes 2**64, that is 0."""
    assert model.smallest_occupancy(Hypergeometric(0.5), 8, one(tile)).tolist() == [least]


def test_smallest_occupancy_of_fixed_structured_is_the_floor():
    assert model.smallest_occupancy(FixedStructured(0.3), 100, np.array([3, 4, 10])).tolist() == [0.0, 1.0, 3.0]


@settings(max_examples=50)
@given(st.sampled_from([FixedStructured(0.5), Hypergeometric(0.5)]), st.integers(1, 6), st.integers(1, 4))
def test_nonempty_elements_of_a_fiber_are_bounded_by_both(density, count, element):
    fiber = count * element
    most = min(count, int(model.largest_occupancy(density, 64, one(fiber))[0]))
    assert model.largest_in_fiber(density, 64, one(fiber), one(element)).tolist() == [most]


def test_sums_go_from_first_to_last():
    terms = np.array([[1e16], [1.0], [1.0]])
    assert model.in_order(terms).tolist() == [1e16]  # each 1 is lost on its own; together they would not be
