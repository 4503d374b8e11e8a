"""What a tile of a banded matrix holds, as Timeloop counts it.

Tiles are (rows, columns), aligned to their own size; the matrix has `side` rows and columns. Timeloop looks at the
first block rows, until the band no longer touches the first column, and lets them stand for the last and the middle
ones (src/workload/density-models/banded-distribution.cpp). Docs/model.md, section 4.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]
Float = NDArray[np.float64]
Extents = tuple[int, ...]
WORD = 2**64  # Timeloop adds nonzeros in unsigned 64-bit integers


def nonzeros(width: int, side: int) -> int:
    """Nonzeros of the matrix: |row - column| <= width.

    A band wider than the matrix loses the diagonals beyond it again, and more than twice as wide wraps around, as in
    Timeloop (SetWorkloadTensorSize).

    >>> nonzeros(1, 4), nonzeros(5, 4), nonzeros(8, 4) == 2**64 - 4
    (10, 14, True)
    """
    return (side + width * (2 * side - width - 1)) % WORD


@lru_cache(maxsize=4096)
def histogram(width: int, side: int, tile: Extents) -> tuple[Int, Float]:
    """Occupancies in rising order, 0 always among them, and the share of tiles with each.

    Shares may be 0, and where the band reaches beyond half the matrix they add up to more than 1, as in Timeloop.

    >>> occupancy, share = histogram(1, 6, (2, 2))
    >>> occupancy.tolist(), share.round(3).tolist()
    ([0, 1, 4], [0.222, 0.444, 0.333])
    """
    held, times = _visited(width, side, tile)
    occupancy, inverse = np.unique(np.append(held, 0), return_inverse=True)
    counts = np.zeros(len(occupancy), dtype=np.int64)
    np.add.at(counts, inverse.ravel()[:-1], times)
    return occupancy, counts / ((side // tile[0]) * (side // tile[1]))


def support(width: int, side: int, tile: Extents) -> tuple[Int, Float]:
    """The occupancies that some tile has, with their shares."""
    occupancy, share = histogram(width, side, tile)
    return occupancy[share != 0], share[share != 0]


def empty_given(width: int, inner: Extents, outer: Extents, held: Int) -> Float:
    """Share of empty inner tiles in an outer one that holds so many nonzeros, [k].

    Timeloop means to look into the first tile that holds as many; but its offsets of a tile that does not lie in the
    first row and column are wrong, so that it finds nothing there: 1 for what the corner tile does not hold.

    >>> empty_given(1, (1, 1), (2, 4), np.array([0, 5, 6])).tolist()
    [1.0, 0.375, 1.0]
    """
    corner = int(_counts(width, 0, outer, 1)[0])
    first_row, first_column = (np.arange(whole // part) * part for whole, part in zip(outer, inner, strict=True))
    right = first_column[None, :] - (first_row + inner[0] - 1)[:, None] > width
    below = first_row[:, None] - (first_column + inner[1] - 1)[None, :] > width
    return np.where(held == corner, float((right | below).mean()), 1.0)


def largest_in_fiber(width: int, side: int, fiber: Extents, element: Extents) -> int:
    """Most nonempty elements of a fiber: Timeloop takes the share of the *empty* ones of its fullest tile."""
    fullest = histogram(width, side, fiber)[0][-1:]
    count = int(np.prod(fiber)) // int(np.prod(element))
    return int(np.ceil(count * empty_given(width, element, fiber, fullest)[0]))


@lru_cache(maxsize=4096)
def _visited(width: int, side: int, tile: Extents) -> tuple[Int, Int]:
    """The tiles that Timeloop looks at, row by row: what each holds, and for how many it stands."""
    rows, columns = side // tile[0], side // tile[1]
    leading = -(-width // tile[0])  # block rows before the band leaves the first column
    middle = max(rows - 2 * leading, 0)
    held, times = [], []
    for row in range(min(leading + 1, rows)):
        stands_for = middle if row >= leading else 1 if leading == rows else 2
        near = min(columns, ((row + 1) * tile[0] - 1 + width) // tile[1] + 1)
        held += [_counts(width, row * tile[0], tile, near), np.zeros(columns - near, dtype=np.int64)]
        times.append(np.full(columns, stands_for))
    return np.concatenate(held), np.concatenate(times)


def _counts(width: int, first_row: int, tile: Extents, count: int) -> Int:
    """Nonzeros of the first `count` tiles of a block row, int64[count]."""
    row = np.arange(first_row, first_row + tile[0])[:, None]
    edge = np.arange(count + 1)[None, :] * tile[1]
    left = np.maximum(np.minimum(edge, row + width + 1) - np.maximum(row - width, 0), 0).sum(axis=0)
    counts: Int = np.diff(left)
    return counts
