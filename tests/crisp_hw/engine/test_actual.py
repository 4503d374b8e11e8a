"""Counts of tiles by summed-area tables against loops over every tile."""

from collections import Counter, defaultdict
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine import actual
from crisp_hw.spec.patterns import Actual


def boxes(starts, ends, extents):
    """Slices of every tile of a region, the last ones cut off."""
    axes = [
        [slice(s, min(s + extent, end)) for s in range(start, end, extent)]
        for start, end, extent in zip(starts, ends, extents, strict=True)
    ]
    return list(product(*axes))


def whole(mask, extents):
    return boxes([0] * mask.ndim, mask.shape, extents)


@st.composite
def masks(draw):
    shape = tuple(draw(st.lists(st.integers(1, 7), min_size=1, max_size=3)))
    bits = draw(st.lists(st.booleans(), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    return np.array(bits).reshape(shape)


@st.composite
def nested(draw):
    """A mask, an outer tile and a tile inside it, dividing nothing in particular."""
    mask = draw(masks())
    outer = tuple(draw(st.integers(1, length)) for length in mask.shape)
    return mask, outer, tuple(draw(st.integers(1, extent)) for extent in outer)


@settings(max_examples=80)
@given(nested())
def test_histogram_counts_every_tile(case):
    mask, tile, _ = case
    found = Counter(int(mask[box].sum()) for box in whole(mask, tile))
    occupancy, share = actual.histogram(Actual(mask), tile)
    assert occupancy.tolist() == sorted(found)
    assert share.tolist() == [found[k] / found.total() for k in sorted(found)]


@settings(max_examples=80)
@given(nested())
def test_inner_tiles_start_anew_in_every_outer_tile(case):
    mask, outer, inner = case
    empty, most = defaultdict(list), 0
    for box in whole(mask, outer):
        parts = boxes([s.start for s in box], [s.stop for s in box], inner)
        empty[int(mask[box].sum())] += [not mask[part].any() for part in parts]
        most = max(most, sum(mask[part].any() for part in parts))
    expected = [np.mean(empty[k]) for k in sorted(empty)]
    assert actual.empty_given(Actual(mask), inner, outer) == pytest.approx(expected, abs=1e-11)
    assert actual.most_nonempty(Actual(mask), outer, inner) == most


def test_a_whole_number_of_nonempty_words_is_not_rounded_up():
    """7 of 48 words: 48 * (1 - (1 - 7 / 48)) is above 7 in floating point."""
    mask = np.arange(48)[None] < 7
    (empty,) = actual.empty_given(Actual(mask), (1, 1), (1, 48))
    assert 48 * (1.0 - (1.0 - 7 / 48)) > 7
    assert np.ceil(48 * (1.0 - empty)) == 7


def test_large_masks_are_counted_without_overflow():
    mask = np.ones((512, 4608), dtype=bool)
    occupancy, share = actual.histogram(Actual(mask), (512, 4608))
    assert (occupancy.tolist(), share.tolist()) == ([512 * 4608], [1.0])
