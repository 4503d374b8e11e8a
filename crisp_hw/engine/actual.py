"""Tiles of a tensor whose mask is known: exact counts from summed-area tables (docs/model.md, "Masks as data").

A tile is given by its extents along the tensor's ranks and lies on the aligned grid; where extents do not divide the
tensor, the last tiles are smaller. Nested tiles start anew in every outer tile. Nothing is sampled.
"""

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from crisp_hw.spec.patterns import Actual

Int = NDArray[np.int64]
Float = NDArray[np.float64]
Extents = tuple[int, ...]
"""Size of a tile along each rank, in words."""

SLACK = 1e-12
"""Relative; keeps f * (1 - P) from exceeding, by rounding, the whole number that it is, and a ceil from adding one."""


@lru_cache(maxsize=4096)
def histogram(density: Actual, tile: Extents) -> tuple[Int, Float]:
    """Occupancies of the tiles of the aligned grid, ascending, and the share of tiles that has each: [K] both.

    >>> occupancy, share = histogram(Actual(np.array([[1, 0, 0, 0, 1, 1]], dtype=bool)), (1, 2))
    >>> occupancy.tolist(), share.round(3).tolist()
    ([0, 1, 2], [0.333, 0.333, 0.333])
    """
    tiles = np.bincount(_counts(density, tile).ravel())
    occupancy = np.flatnonzero(tiles)
    return occupancy, tiles[occupancy] / tiles.sum()


@lru_cache(maxsize=65536)
def empty_given(density: Actual, inner: Extents, outer: Extents) -> Float:
    """Share of empty `inner` tiles in the `outer` tiles of each occupancy, [K] as in `histogram(density, outer)`.

    >>> empty_given(Actual(np.array([[1, 0, 0, 0, 1, 1]], dtype=bool)), (1, 1), (1, 2)).round(9).tolist()
    [1.0, 0.5, 0.0]
    """
    occupancy, nonempty, number = _parts(density, inner, outer)
    place = np.searchsorted(histogram(density, outer)[0], occupancy)
    live, total = (np.bincount(place, weights=each) for each in (nonempty, number))
    return np.asarray(1.0 - live / total * (1.0 - SLACK), dtype=np.float64)


@lru_cache(maxsize=65536)
def most_nonempty(density: Actual, fiber: Extents, element: Extents) -> int:
    """The most `element` tiles with a nonzero that one `fiber` tile holds.

    >>> most_nonempty(Actual(np.array([[1, 1, 0, 0, 1, 0]], dtype=bool)), (1, 3), (1, 1))
    2
    """
    return int(_parts(density, element, fiber)[1].max())


def _counts(density: Actual, tile: Extents) -> Int:
    """Nonzeros of every tile of the aligned grid, one axis per rank."""
    edges = [_edges(length, extent) for length, extent in zip(density.shape, tile, strict=True)]
    return _box_sums(_table(density), edges)


def _parts(density: Actual, inner: Extents, outer: Extents) -> tuple[Int, Int, Int]:
    """Per outer tile: its nonzeros, its nonempty inner tiles, all its inner tiles; flat."""
    cuts, coarse, fine = [], [], []
    for length, small, large in zip(density.shape, inner, outer, strict=True):
        cut = (small,) if large % small == 0 or large >= length else (large, small)
        cuts.append(cut)
        coarse.append(_edges(length, large))
        fine.append(_edges(length, *cut))
    corners = [np.searchsorted(a, b) for a, b in zip(fine, coarse, strict=True)]
    nonempty = _box_sums(_nonempty_table(density, tuple(cuts)), corners)
    number = np.ones((), dtype=np.int64)
    for corner in corners:
        number = np.multiply.outer(number, np.diff(corner))
    return _counts(density, outer).ravel(), nonempty.ravel(), number.ravel()


@lru_cache(maxsize=4)
def _table(density: Actual) -> Int:
    return _summed(density.mask)


@lru_cache(maxsize=8)
def _nonempty_table(density: Actual, cuts: tuple[Extents, ...]) -> Int:
    """Summed-area table of "this tile holds a nonzero"; `cuts` are the extents along each rank, outer ones first."""
    edges = [_edges(length, *cut) for length, cut in zip(density.shape, cuts, strict=True)]
    return _summed(_box_sums(_table(density), edges) > 0)


def _summed(values: NDArray[np.bool_]) -> Int:
    """Number of trues before each corner, one longer than the array along every axis."""
    wide = np.int64 if values.size > np.iinfo(np.int32).max else np.int32  # half the memory, and never too few bits
    table = np.zeros([length + 1 for length in values.shape], dtype=wide)
    table[(slice(1, None),) * values.ndim] = values
    for axis in range(values.ndim):
        np.cumsum(table, axis=axis, out=table)
    return table  # type: ignore[return-value]  # int32 serves as int64 here


def _box_sums(table: Int, edges: list[Int]) -> Int:
    """Sums of the boxes between neighbouring edges."""
    sums = table[np.ix_(*edges)]
    for axis in range(sums.ndim):
        sums = np.diff(sums, axis=axis)
    return sums


def _edges(length: int, *extents: int) -> Int:
    """Where tiles begin along a rank, and its end; every further extent cuts the tiles of the one before.

    >>> _edges(10, 5, 3).tolist()
    [0, 3, 5, 8, 10]
    """
    edges = np.array([0, length])
    for extent in extents:
        starts = [np.arange(start, end, extent) for start, end in pairwise(edges.tolist())]
        edges = np.concatenate([*starts, [length]])
    return edges
