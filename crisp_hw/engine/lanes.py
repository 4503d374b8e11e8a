"""Lanes on a mesh: which of them take equal tiles, and which can have theirs from a neighbour.

Timeloop: nest-analysis.cpp, ComputeAccurateMulticastedAccesses, ComputeNetworkLinkTransfers.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from crisp_hw.engine.tiling import Bool, Int

BESIDE = ((0, 1), (0, -1), (1, 0), (-1, 0))


@dataclass(frozen=True)
class Shares:
    """Lanes that take part, the groups with equal tiles among them, and both again without what neighbours serve."""

    lanes: int
    groups: int
    unserved_lanes: int
    unserved_groups: int


@dataclass(frozen=True)
class Mesh:
    """Lanes of spatial loops of bounds `grid`, numbered row by row on `width` x `height` places (`shares`).

    `shifts` is how far the tile moves from lane to lane, one per loop and rank. `apart`: every lane is sent a copy of
    its own, even of what others take, too.
    """

    grid: tuple[int, ...]
    shifts: tuple[tuple[int, ...], ...]
    width: int
    height: int
    apart: bool = False


@dataclass(frozen=True)
class Delivery:
    """Words that reach the lanes of a level alike; `linked` lanes have them from neighbours, after `move`."""

    mesh: Mesh
    move: tuple[int, ...] | None = None
    before: tuple[int, ...] | None = None
    linked: int = 0


ALONE = Delivery(Mesh((1,), ((0,),), 1, 1))
"""To the one receiver there is."""

Deliveries = dict[tuple[int, str], dict[Delivery, int]]
"""By level and tensor: words per lane that are delivered in each way."""


@lru_cache(maxsize=65536)
def shares(
    grid: tuple[int, ...],
    shifts: tuple[tuple[int, ...], ...],
    width: int,
    move: tuple[int, ...] | None = None,
    grid_before: tuple[int, ...] | None = None,
) -> Shares:
    """Who shares with whom when the lanes of some spatial loops (innermost first, of bounds `grid`) take one tile each.

    The tile of a lane is that of lane 0 moved by `shifts` (one per loop and rank). Lanes are numbered row by row on a
    mesh of `width`. With `move`, the one that took lane 0 here from the step before (when the loops had the bounds
    `grid_before`, if others), a lane is served when a mesh neighbour held its tile then.

    >>> shares((2, 2), ((1,), (0,)), 2), shares((3,), ((1,),), 3, (1,))
    (Shares(lanes=4, groups=2, unserved_lanes=4, unserved_groups=2), Shares(lanes=3, groups=3, unserved_lanes=1, ...
    """
    lanes = tiles(grid, shifts)
    _, group = np.unique(lanes, axis=0, return_inverse=True)
    group = group.ravel()
    groups = int(group.max()) + 1
    if move is None:
        return Shares(len(lanes), groups, len(lanes), groups)
    alone = ~served(lanes, tiles(grid_before or grid, shifts), width, move)
    return Shares(len(lanes), groups, int(alone.sum()), len(np.unique(group[alone])))


def served(lanes: Int, before: Int, width: int, move: tuple[int, ...]) -> Bool:
    """Which lanes find their tile with a mesh neighbour, bool[lanes], after a step that moved lane 0 by `move`.

    `lanes` and `before` are the tiles now and in the step before, as `tiles` gives them, each from its own lane 0.
    """
    held = {(i // width, i % width): tuple(tile) for i, tile in enumerate(before.tolist())}
    wanted = (lanes + np.array(move, dtype=np.int64)).tolist()
    return np.array(
        [
            any(held.get((i // width + dy, i % width + dx)) == tuple(tile) for dy, dx in BESIDE)
            for i, tile in enumerate(wanted)
        ],
        dtype=np.bool_,
    )


def tiles(grid: tuple[int, ...], shifts: tuple[tuple[int, ...], ...]) -> Int:
    """How far the tile of each lane lies from that of lane 0, int64[lanes, ranks]."""
    count = int(np.prod(grid, dtype=np.int64))
    position = np.zeros((count, len(shifts[0])), dtype=np.int64)
    rest = np.arange(count)
    for bound, shift in zip(grid, shifts, strict=True):
        position += (rest % bound)[:, None] * np.array(shift, dtype=np.int64)
        rest = rest // bound
    return position
