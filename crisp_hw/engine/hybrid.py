"""Tiles of a tensor with kept blocks and N:M inside: closed forms over all its masks (docs/model.md, "Masks as data").

A tile covers some rows of some block rows and some columns of some groups of some blocks. Block rows are independent;
in each, which blocks are kept is a draw without replacement; in a kept block all groups are independent. The
occupancy is therefore a sum, and its distribution a product of small polynomials. Tiles at different places of the
aligned grid fall into few classes that are cut alike, over which P is the mean.
"""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.lattice import Distribution, Group, drawn, group_of, mixture, power, times
from crisp_hw.spec.patterns import HybridBlocks

Int = NDArray[np.int64]
Extents = tuple[int, ...]
"""Size of a tile along each rank, in words."""

Cut = tuple[tuple[Group, int], ...]
"""The groups of one block that a tile cuts, with how many are cut alike."""
Columns = tuple[tuple[Cut, int], ...]
"""The blocks that a tile cuts, with how many are cut alike."""
Rows = tuple[tuple[tuple[int, int], int], ...]
"""(rows in the tile, rows in the hole) of each block row, with how many block rows are cut alike."""


@lru_cache(maxsize=4096)
def joint(density: HybridBlocks, inner: Extents, outer: Extents, hole: bool) -> Distribution:
    """P(occupancy of the outer tile [and an empty inner one]), summed over pairs of an outer tile and one inside it."""
    rows, columns = _row_classes(density, inner[:-1], outer[:-1]), _column_classes(density, inner[-1], outer[-1])
    if not hole:
        rows, columns = _unholed_rows(rows), _unholed_columns(columns)
    parts = [
        (float(times_rows * times_columns), _tile(density, row, column))
        for (row, times_rows), (column, times_columns) in product(rows.items(), columns.items())
    ]
    return mixture(parts)


@lru_cache(maxsize=65536)
def _tile(density: HybridBlocks, rows: Rows, columns: Columns) -> Distribution:
    """Distribution of one tile, its mass P(the hole is empty)."""
    found = Distribution(0)
    for (inside, holed), alike in rows:
        found = times(found, power(_block_row(density, (inside, holed), columns), alike))
    return found


@lru_cache(maxsize=65536)
def _block_row(density: HybridBlocks, rows: tuple[int, int], columns: Columns) -> Distribution:
    """Distribution over the draws of the kept blocks: of each kind of cut block, how many are kept."""
    pattern = density.pattern
    blocks = [(_kept_block(pattern.nm.n, rows, cut), alike) for cut, alike in columns]
    return drawn(blocks, pattern.kept, pattern.total)


def _kept_block(n: int, rows: tuple[int, int], cut: Cut) -> Distribution:
    found = Distribution(0)
    inside, holed = rows
    for (width, taken, zero), alike in cut:
        found = times(found, power(group_of(n, (width, taken, 0)), (inside - holed) * alike))
        found = times(found, power(group_of(n, (width, taken, zero)), holed * alike))
    return found


@lru_cache(maxsize=4096)
def _row_classes(density: HybridBlocks, inner: Extents, outer: Extents) -> Counter[Rows]:
    """How many pairs of an outer tile and one inside it cut the block rows alike."""
    lengths = density.shape[:-1]
    block_row = np.array(density.block_rows).reshape(lengths)
    count = int(block_row.max()) + 1
    found: Counter[Rows] = Counter()
    for outside in _boxes((0,) * len(lengths), lengths, outer):
        taken = _per_block_row(block_row, outside, count)
        starts, ends = tuple(s.start for s in outside), tuple(s.stop for s in outside)
        for inside in _boxes(starts, ends, inner):
            holed = _per_block_row(block_row, inside, count)
            pairs = Counter(zip(taken[taken > 0].tolist(), holed[taken > 0].tolist(), strict=True))
            found[tuple(sorted(pairs.items()))] += 1
    return found


def _per_block_row(block_row: Int, box: tuple[slice, ...], count: int) -> Int:
    rows = block_row[box]
    return np.bincount(rows[rows >= 0], minlength=count)


def _boxes(starts: Extents, ends: Extents, extents: Extents) -> Iterator[tuple[slice, ...]]:
    """Tiles of a region along every rank, the last ones cut off."""
    ranks = zip(starts, ends, extents, strict=True)
    return product(
        *([slice(s, min(s + extent, end)) for s in range(start, end, extent)] for start, end, extent in ranks)
    )


@lru_cache(maxsize=4096)
def _column_classes(density: HybridBlocks, inner: int, outer: int) -> Counter[Columns]:
    """The same for columns, groups and blocks."""
    found: Counter[Columns] = Counter()
    for (outside,) in _boxes((0,), density.shape[-1:], (outer,)):
        blocks = {block: _cut(density, block, (outside, slice(0, 0))) for block in _touched(density, outside)}
        for (inside,) in _boxes((outside.start,), (outside.stop,), (inner,)):
            holed = {block: _cut(density, block, (outside, inside)) for block in _touched(density, inside)}
            found[tuple(sorted(Counter((blocks | holed).values()).items()))] += 1
    return found


def _touched(density: HybridBlocks, columns: slice) -> range:
    """The blocks in which some real columns lie."""
    block, end = density.pattern.block, min(columns.stop, density.columns)
    return range(columns.start // block, -(-end // block)) if columns.start < end else range(0)


def _cut(density: HybridBlocks, block: int, parts: tuple[slice, slice]) -> Cut:
    """Which groups of a block the tile and its hole cut, and how."""
    m, side = density.pattern.nm.m, density.pattern.block
    end = min((block + 1) * side, density.columns)
    tile, hole = parts
    groups: Counter[Group] = Counter()
    first = max(block * side, tile.start // m * m)
    for start in range(first, min(end, tile.stop), m):
        stop = min(start + m, end)
        taken, zero = (max(0, min(stop, part.stop) - max(start, part.start)) for part in (tile, hole))
        groups[stop - start, taken, zero] += 1
    return tuple(sorted(groups.items()))


def _unholed_rows(classes: Counter[Rows]) -> Counter[Rows]:
    found: Counter[Rows] = Counter()
    for rows, number in classes.items():
        plain: Counter[tuple[int, int]] = Counter()
        for (inside, _), alike in rows:
            plain[inside, 0] += alike
        found[tuple(sorted(plain.items()))] += number
    return found


def _unholed_columns(classes: Counter[Columns]) -> Counter[Columns]:
    found: Counter[Columns] = Counter()
    for columns, number in classes.items():
        plain: Counter[Cut] = Counter()
        for cut, alike in columns:
            groups: Counter[Group] = Counter()
            for (width, taken, _), count in cut:
                groups[width, taken, 0] += count
            plain[tuple(sorted(groups.items()))] += alike
        found[tuple(sorted(plain.items()))] += number
    return found
