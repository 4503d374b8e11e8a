"""Lanes on a mesh: which of them take equal tiles, and which can have theirs from a neighbour.

Timeloop: nest-analysis.cpp, ComputeAccurateMulticastedAccesses, ComputeNetworkLinkTransfers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from crisp_hw.engine.arrays import distinct
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
    group = _grouped(lanes)
    groups = int(group.max()) + 1
    if move is None:
        return Shares(len(lanes), groups, len(lanes), groups)
    alone = ~served(lanes, tiles(grid_before or grid, shifts), width, move)
    return Shares(len(lanes), groups, int(alone.sum()), len(np.unique(group[alone])))


def _grouped(lanes: Int) -> Int:
    """The number of each lane's group, int64[lanes]: lanes of equal tiles, int64[lanes, ranks], have one."""
    key = np.zeros(len(lanes), dtype=np.int64)
    for rank in lanes.T:
        low, high = int(rank.min()), int(rank.max())
        # numbers of groups instead of places, so that any number of ranks fits an integer
        key = np.unique(key * (high - low + 1) + (rank - low), return_inverse=True)[1].ravel()
    return key


def served(lanes: Int, before: Int, width: int, move: tuple[int, ...]) -> Bool:
    """Which lanes find their tile with a mesh neighbour, bool[lanes], after a step that moved lane 0 by `move`.

    `lanes` and `before` are the tiles now and in the step before, as `tiles` gives them, each from its own lane 0.
    """
    wanted, ids = lanes + np.array(move, dtype=np.int64), np.arange(len(lanes))
    found = np.zeros(len(lanes), dtype=np.bool_)
    for down, right in BESIDE:
        other = ids + down * width + right
        there = (other >= 0) & (other < len(before)) & (ids % width + right >= 0) & (ids % width + right < width)
        found |= there & (before[np.where(there, other, 0)] == wanted).all(axis=1)
    return found


def tiles(grid: tuple[int, ...], shifts: tuple[tuple[int, ...], ...]) -> Int:
    """How far the tile of each lane lies from that of lane 0, int64[lanes, ranks]."""
    count = int(np.prod(grid, dtype=np.int64))
    position = np.zeros((count, len(shifts[0])), dtype=np.int64)
    rest = np.arange(count)
    for bound, shift in zip(grid, shifts, strict=True):
        position += (rest % bound)[:, None] * np.array(shift, dtype=np.int64)
        rest = rest // bound
    return position


@dataclass(frozen=True)
class Geometry:
    """The lanes of a batch of mappings: bounds int64[n, b] of the spatial loops, innermost first, how far a tile moves
    from lane to lane int64[n, R, b], and the width of the mesh int64[b].
    """

    grid: Int
    shifts: Int
    width: Int


@dataclass(frozen=True)
class Steps:
    """K kinds of steps of a batch: how far lane 0 moves, int64[K, R, b], and where that matters, bool[K, b]."""

    move: Int
    wanted: Bool


@dataclass(frozen=True)
class Sharing:
    """`Shares` of a batch: groups int64[b], and by step int64[K, b] what neighbours do not serve."""

    groups: Int
    unserved_lanes: Int
    unserved_groups: Int


def sharing(lanes: Geometry, steps: Steps | None = None) -> Sharing:
    """`shares` of every mapping of a batch, after each of some steps; where a step is not wanted nothing is served.

    Who shares with whom depends on few numbers (docs/model.md, section 3.1): on the shifts along each rank by their
    greatest common divisor, and on the move by the same, where it leads from one lane to another at all. Each
    combination that occurs is worked out once.

    >>> row = Geometry(np.array([[3, 3]]), np.array([[[4, 5]]]), np.array([3, 3]))  # three lanes, 4 or 5 words apart
    >>> found = sharing(row, Steps(np.array([[[4, 4]]]), np.array([[True, True]])))
    >>> found.groups.tolist(), found.unserved_lanes.tolist()
    ([3, 3], [[1, 3]])
    """
    apart = np.gcd.reduce(lanes.shifts, axis=0)
    shifts = lanes.shifts // np.maximum(apart, 1)
    rows = [*lanes.grid, lanes.width, *shifts.reshape(-1, shifts.shape[-1])]
    first, which = distinct([row - row.min() for row in rows])
    layouts = [_Layout(*column) for column in _columns(lanes.grid, shifts, lanes.width, first)]
    alone = np.array([_counts(layout, None) for layout in layouts], dtype=np.int64)[which]
    if steps is None:
        return Sharing(alone[:, 0], alone[None, :0, 1], alone[None, :0, 2])
    found = np.broadcast_to(alone, (len(steps.move), *alone.shape)).copy()
    reach = (np.abs(shifts) * (lanes.grid - 1)[:, None]).sum(axis=0)
    hops = steps.move // np.maximum(apart, 1)
    leads = ((hops * apart == steps.move) & (np.abs(hops) <= reach)).all(axis=1) & steps.wanted
    kind, mapping = np.nonzero(leads)
    if len(kind):
        moves, layout = hops[kind, :, mapping], which[mapping]
        first, which = distinct([layout, *(rank - rank.min() for rank in moves.T)])
        served = [_counts(layouts[int(layout[at])], tuple(moves[at].tolist())) for at in first]
        found[kind, mapping] = np.array(served, dtype=np.int64)[which]
    return Sharing(alone[:, 0], found[:, :, 1], found[:, :, 2])


@dataclass(frozen=True)
class _Layout:
    """Lanes by the bounds of their loops, the shifts of each along every rank, and the width of the mesh."""

    grid: tuple[int, ...]
    shifts: tuple[tuple[int, ...], ...]
    width: int


def _columns(grid: Int, shifts: Int, width: Int, places: Int) -> Iterator[tuple[Any, ...]]:
    """Plain numbers of some columns."""
    columns = grid[:, places].T.tolist(), shifts[:, :, places].transpose(2, 0, 1).tolist(), width[places].tolist()
    for bounds, each, across in zip(*columns, strict=True):
        yield tuple(bounds), tuple(map(tuple, each)), across


def _counts(layout: _Layout, move: tuple[int, ...] | None) -> tuple[int, int, int]:
    """Groups, and lanes and groups that are not served."""
    found = shares(layout.grid, layout.shifts, layout.width, move)
    return found.groups, found.unserved_lanes, found.unserved_groups
