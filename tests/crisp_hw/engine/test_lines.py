"""Lines of N:M and of N:M of N:M: closed forms against every mask of random small patterns, and against drawn masks."""

from collections import defaultdict
from itertools import combinations, product
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_hw.engine import actual, closed
from crisp_hw.errors import InputError
from crisp_hw.spec.patterns import NM, Actual, Hybrid, HybridBlocks, PatternedLines, TwoRank

MOST_MASKS = 1500
PLAIN = NM(1, 1)


def every_line(pattern, columns):
    """All masks of a line with their probabilities: groups that hold something, then the words of each."""
    outer, inner = pattern.outer, pattern.inner
    choices = []
    for start in range(0, columns, outer.m * inner.m):
        end = min(start + outer.m * inner.m, columns)
        groups = [range(first, min(first + inner.m, end)) for first in range(start, end, inner.m)]
        draws = list(combinations(groups, min(outer.n, len(groups))))
        here = []
        for held in draws:
            words = list(product(*(list(combinations(group, min(inner.n, len(group)))) for group in held)))
            here += [(sum(each, ()), 1 / (len(draws) * len(words))) for each in words]
        choices.append(here)
    for chosen in product(*choices):
        mask = np.zeros(columns, dtype=bool)
        mask[[word for words, _ in chosen for word in words]] = True
        yield mask, prod(likely for _, likely in chosen)


def every_mask(density):
    """(mask, probability) of a whole tensor."""
    each = [list(every_line(pattern, density.columns)) for pattern in density.patterns]
    empty = [(np.zeros(density.columns, dtype=bool), 1.0)]
    length = density.shape[density.axis]
    others = [size for rank, size in enumerate(density.shape) if rank != density.axis]
    for chosen in product(*(each[line] if line >= 0 else empty for line in density.lines)):
        matrix = np.stack([np.pad(mask, (0, length - density.columns)) for mask, _ in chosen])
        yield np.moveaxis(matrix.reshape(*others, length), -1, density.axis), prod(likely for _, likely in chosen)


def masks_of(density):
    count = prod(len(list(every_line(density.patterns[line], density.columns))) for line in density.lines if line >= 0)
    return count


@st.composite
def patterns(draw):
    outer_m, m = draw(st.sampled_from([(1, 2), (1, 3), (1, 4), (2, 2), (3, 1), (2, 3)]))
    return TwoRank(NM(draw(st.integers(0, outer_m)), outer_m), NM(draw(st.integers(0, m)), m))


@st.composite
def cases(draw):
    """A density of few masks, a tile of it, and one inside that."""
    kinds = tuple(draw(st.lists(patterns(), min_size=1, max_size=2)))
    columns = draw(st.integers(1, 6))
    others = draw(st.sampled_from([(1,), (2,), (3,), (2, 2), (1, 3)]))
    axis = draw(st.integers(0, len(others)))
    shape = (*others[:axis], columns + draw(st.integers(0, 2)), *others[axis:])
    number = prod(others)
    which = tuple(draw(st.lists(st.integers(-1, len(kinds) - 1), min_size=number, max_size=number)))
    density = PatternedLines(kinds, which, shape, axis, columns)
    outer = tuple(draw(st.integers(1, size)) for size in shape)
    inner = tuple(draw(st.integers(1, size)) for size in outer)
    return density, outer, inner


def cut(mask, tile):
    """Every tile of a mask."""
    ranges = [range(0, length, extent) for length, extent in zip(mask.shape, tile, strict=True)]
    return [mask[tuple(slice(s, s + e) for s, e in zip(corner, tile, strict=True))] for corner in product(*ranges)]


@given(cases())
@settings(max_examples=60)
def test_tiles_are_a_count_over_all_masks(case):
    density, outer, inner = case
    if masks_of(density) > MOST_MASKS // len(density.lines):
        return
    masses, empty, within, words = defaultdict(float), defaultdict(float), defaultdict(float), 0.0
    for mask, likely in every_mask(density):
        words += likely * mask.sum()
        for k, share in zip(*actual.histogram(Actual(mask), outer), strict=True):
            masses[int(k)] += share * likely
        for tile in cut(mask, outer):
            for inside in cut(tile, inner):
                within[int(tile.sum())] += likely
                empty[int(tile.sum())] += likely * (not inside.any())
    occupancy, probability = closed.histogram(density, outer)
    found = dict(zip(occupancy.tolist(), probability.tolist(), strict=True))
    assert {k: p for k, p in found.items() if p} == pytest.approx(dict(masses))
    assert closed.extremes(density, outer) == (min(masses), max(masses))
    given_k = dict(zip(occupancy.tolist(), closed.empty_given(density, inner, outer).tolist(), strict=True))
    assert {k: given_k[k] for k in masses} == pytest.approx({k: empty[k] / within[k] for k in masses})
    assert density.density == pytest.approx(words / prod(density.shape))


@pytest.mark.parametrize("tile", [(1, 1), (2, 3), (1, 4), (3, 8), (4, 6)])
def test_one_pattern_for_all_lines_is_a_block_pattern_without_pruned_blocks(tile):
    """`hybrid` has the same masks, and came first."""
    rows = PatternedLines((TwoRank(PLAIN, NM(2, 4)),), (0,) * 4, (4, 8), 1, 8)
    blocks = HybridBlocks(Hybrid(NM(2, 4), 8, 1, 1), (4, 8), (0,) * 4, 8)
    for mine, other in zip(closed.histogram(rows, tile), closed.histogram(blocks, tile), strict=True):
        assert mine == pytest.approx(other)


def test_drawn_masks_have_the_distribution_on_average():
    """Half of the rows 2:4, half 1:2 of 2:4: 40 drawn masks of 64 x 128 against the closed form."""
    kinds = (TwoRank(PLAIN, NM(2, 4)), TwoRank(NM(1, 2), NM(2, 4)))
    density = PatternedLines(kinds, (0,) * 32 + (1,) * 32, (64, 128), 1, 128)
    draw = np.random.default_rng(3)
    masses = defaultdict(float)
    for _ in range(40):
        words = draw.random((64, 32, 4)).argsort(axis=2) < 2
        held = draw.random((64, 16, 2)).argsort(axis=2) < 1
        held[:32] = True
        mask = (words & held.reshape(64, 32, 1)).reshape(64, 128)
        for k, share in zip(*actual.histogram(Actual(mask), (2, 6)), strict=True):
            masses[int(k)] += share / 40
    occupancy, probability = closed.histogram(density, (2, 6))
    assert occupancy.tolist() == sorted(masses)
    assert probability == pytest.approx([masses[k] for k in sorted(masses)], abs=0.01)


@pytest.mark.parametrize(
    ("given_wrong", "said"),
    [
        (((TwoRank(PLAIN, NM(3, 2)),), (0,), (1, 4), 1, 4), "3:2 is no N:M pattern"),
        (((TwoRank(PLAIN, NM(1, 2)),), (0,), (2, 4), 1, 4), "1 lines along rank 1 do not fit a tensor of 2 x 4"),
        (((TwoRank(PLAIN, NM(1, 2)),), (0,), (1, 4), 1, 5), "5 words do not fit lines of 4"),
        (((TwoRank(PLAIN, NM(1, 2)),), (1,), (1, 4), 1, 4), "beyond the 1 that are given"),
    ],
)
def test_what_does_not_fit_is_refused(given_wrong, said):
    with pytest.raises(InputError, match=said):
        PatternedLines(*given_wrong)
