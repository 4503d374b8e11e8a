"""Blocks with N:M inside: closed forms against every mask of the pattern, and against masks that were drawn."""

from collections import defaultdict
from itertools import combinations, product
from math import prod

import numpy as np
import pytest

from crisp_hw.engine import actual, closed
from crisp_hw.spec.patterns import NM, Actual, Hybrid, HybridBlocks


def every_mask(density):
    """(mask, probability): kept blocks per block row, then every group of a kept block, all draws equally likely."""
    pattern, rows = density.pattern, np.array(density.block_rows)
    m, side, columns = pattern.nm.m, pattern.block, density.columns
    draws = list(combinations(range(pattern.total), pattern.kept))
    for drawn in product(draws, repeat=int(rows.max()) + 1):
        spots = [
            (row, range(start, min(start + m, (block + 1) * side, columns)))
            for row, block_row in enumerate(rows)
            if block_row >= 0
            for block in drawn[block_row]
            for start in range(block * side, min((block + 1) * side, columns), m)
        ]
        choices = [list(combinations(group, min(pattern.nm.n, len(group)))) for _, group in spots]
        likely = 1 / (len(draws) ** (rows.max() + 1) * prod(map(len, choices)))
        for chosen in product(*choices):
            mask = np.zeros((len(rows), density.shape[-1]), dtype=bool)
            for (row, _), kept in zip(spots, chosen, strict=True):
                mask[row, list(kept)] = True
            yield mask.reshape(density.shape), likely


def pooled(density, tile):
    """Mean of the histograms of all masks."""
    masses = defaultdict(float)
    for mask, likely in every_mask(density):
        for k, share in zip(*actual.histogram(Actual(mask), tile), strict=True):
            masses[int(k)] += share * likely
    return dict(sorted(masses.items()))


def cut(mask, tile):
    """Every tile of a mask."""
    ranges = [range(0, length, extent) for length, extent in zip(mask.shape, tile, strict=True)]
    return [mask[tuple(slice(s, s + e) for s, e in zip(corner, tile, strict=True))] for corner in product(*ranges)]


# block rows of 2 rows and blocks of 2 or 4 columns, some cut off by the last column, some padded
TWO_ROWS = HybridBlocks(Hybrid(NM(1, 2), 2, 1, 3), (4, 6), (0, 0, 1, 1), 6)
RAGGED = HybridBlocks(Hybrid(NM(1, 2), 2, 2, 3), (3, 6), (0, 0, 1), 5)
WIDE = HybridBlocks(Hybrid(NM(2, 4), 4, 1, 2), (2, 8), (0, 1), 8)
PADDED = HybridBlocks(Hybrid(NM(1, 2), 2, 1, 2), (2, 2, 5), (0, -1, 1, -1), 4)
ALL_KEPT = HybridBlocks(Hybrid(NM(1, 2), 4, 1, 1), (4, 4), (0, 0, 0, 0), 4)
CASES = [
    *[(TWO_ROWS, tile) for tile in ((1, 1), (2, 2), (1, 3), (2, 4), (4, 6), (3, 5), (4, 1), (1, 6))],
    *[(RAGGED, tile) for tile in ((1, 1), (2, 2), (3, 4), (2, 3), (3, 6))],
    *[(WIDE, tile) for tile in ((1, 1), (1, 3), (2, 4), (1, 6), (2, 5))],
    *[(PADDED, tile) for tile in ((1, 1, 1), (2, 1, 2), (1, 2, 3), (2, 2, 5))],
    *[(ALL_KEPT, tile) for tile in ((1, 2), (2, 1), (4, 4), (3, 3))],
]


@pytest.mark.parametrize(("density", "tile"), CASES)
def test_occupancies_are_a_count_over_masks(density, tile):
    expected = pooled(density, tile)
    occupancy, probability = closed.histogram(density, tile)
    assert dict(zip(occupancy.tolist(), probability.tolist(), strict=True)) == pytest.approx(expected)
    assert closed.extremes(density, tile) == (min(expected), max(expected))


@pytest.mark.parametrize(
    ("density", "outer", "inner"),
    [
        (TWO_ROWS, (2, 4), (1, 1)),
        (TWO_ROWS, (4, 6), (2, 2)),
        (TWO_ROWS, (4, 6), (1, 3)),
        (RAGGED, (3, 6), (2, 4)),
        (RAGGED, (2, 3), (1, 2)),
        (WIDE, (2, 8), (1, 3)),
        (WIDE, (1, 6), (1, 2)),
        (PADDED, (2, 2, 3), (1, 2, 1)),
        (ALL_KEPT, (3, 3), (2, 1)),
    ],
)
def test_parts_of_a_tile_of_known_occupancy_are_a_count_over_masks(density, outer, inner):
    empty, parts = defaultdict(float), defaultdict(float)
    for mask, likely in every_mask(density):
        for tile in cut(mask, outer):
            for part in cut(tile, inner):
                parts[int(tile.sum())] += likely
                empty[int(tile.sum())] += likely * (not part.any())
    expected = [empty[k] / parts[k] for k in sorted(parts)]
    assert closed.empty_given(density, inner, outer) == pytest.approx(expected)


@pytest.mark.parametrize("tile", [(1, 16, 1), (1, 16, 4), (1, 64, 16), (2, 48, 24), (4, 64, 64), (1, 8, 3)])
def test_drawn_masks_have_the_distribution_on_average(tile):
    """Layers too large to enumerate: 24 drawn masks against the closed form, within four standard errors."""
    density = HybridBlocks(Hybrid(NM(2, 4), 16, 3, 8), (4, 64, 128), tuple(row // 16 for row in range(256)), 128)
    draw = np.random.default_rng(7)
    means, empties = [], []
    for _ in range(24):
        occupancy, share = actual.histogram(Actual(drawn_mask(density, draw)), tile)
        means.append(occupancy @ share)
        empties.append(share[occupancy == 0].sum())
    occupancy, probability = closed.histogram(density, tile)
    assert occupancy @ probability == pytest.approx(np.mean(means), rel=1e-2)
    error = np.std(empties) / np.sqrt(len(empties))
    assert probability[occupancy == 0].sum() == pytest.approx(np.mean(empties), abs=4 * error + 1e-4)


def drawn_mask(density, draw):
    side, (n, m) = density.pattern.block, (density.pattern.nm.n, density.pattern.nm.m)
    rows, columns = len(density.block_rows), density.columns
    kept = draw.random((rows // side, density.pattern.total)).argsort(axis=1) < density.pattern.kept
    groups = draw.random((rows, columns // m, m)).argsort(axis=2) < n
    return (groups.reshape(rows, columns) & kept.repeat(side, axis=0).repeat(side, axis=1)).reshape(density.shape)


def test_aligned_tiles_of_whole_blocks_keep_whole_blocks():
    """One block row of 8 blocks, 3 kept; a tile of 4 blocks holds 0 to 3 of them: drawn without replacement."""
    density = HybridBlocks(Hybrid(NM(2, 4), 16, 3, 8), (16, 128), (0,) * 16, 128)
    occupancy, probability = closed.histogram(density, (16, 64))
    assert occupancy.tolist() == [0, 128, 256, 384]
    assert probability == pytest.approx(np.array([4, 24, 24, 4]) / 56)
