"""Lanes on a mesh: which of them take equal tiles, and which can have theirs from a neighbour.

Timeloop: nest-analysis.cpp, ComputeAccurateMulticastedAccesses, ComputeNetworkLinkTransfers.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

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

    def at(self, rows: Int) -> "Geometry":
        """Of some mappings."""
        return Geometry(self.grid[:, rows], self.shifts[:, :, rows], self.width[rows])


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
    greatest common divisor, and on the move by the same, where it leads from one lane to another at all.

    >>> row = Geometry(np.array([[3, 3]]), np.array([[[4, 5]]]), np.array([3, 3]))  # three lanes, 4 or 5 words apart
    >>> found = sharing(row, Steps(np.array([[[4, 4]]]), np.array([[True, True]])))
    >>> found.groups.tolist(), found.unserved_lanes.tolist()
    ([3, 3], [[1, 3]])
    """
    apart = np.gcd.reduce(lanes.shifts, axis=0)
    reduced = replace(lanes, shifts=lanes.shifts // np.maximum(apart, 1))
    groups = _groups(reduced)
    if steps is None:
        return Sharing(groups, groups[None, :0], groups[None, :0])
    reach = (np.abs(reduced.shifts) * (lanes.grid - 1)[:, None]).sum(axis=0)
    hops = steps.move // np.maximum(apart, 1)
    leads = ((hops * apart == steps.move) & (np.abs(hops) <= reach)).all(axis=1) & steps.wanted
    kind, mapping = np.nonzero(leads)
    left = np.stack([np.broadcast_to(each, leads.shape) for each in (lanes.grid.prod(axis=0), groups)], axis=2)
    if len(kind):
        left[kind, mapping] = _looked_at(reduced.at(mapping), hops[kind, :, mapping].T)[:, 1:]
    return Sharing(groups, left[:, :, 0], left[:, :, 1])


def _groups(lanes: Geometry) -> Int:
    """Multicast groups, int64[b]: products over the ranks where no loop moves along two and no rank by three of them.

    Of two loops of n and m lanes, p and q apart without a common divisor, lanes (i, j) and (i + q, j - p) take one
    tile. A group is a chain of such lanes, so that there are as many as lanes without one ahead: n m less the lanes
    that have one, (n - q)(m - p) where both are positive (docs/model.md, section 3.1).
    """
    moving = (lanes.shifts != 0) & (lanes.grid > 1)[:, None]
    found = np.ones_like(lanes.width)
    for rank, moved in enumerate(moving.swapaxes(0, 1)):
        order = np.argsort(~moved, axis=0, kind="stable")[:2]
        n, *m = np.take_along_axis(np.where(moved, lanes.grid, 1), order, axis=0)
        p, *q = np.take_along_axis(np.where(moved, np.abs(lanes.shifts[:, rank]), 0), order, axis=0)
        found = found * (_chains((n, m[0]), (p, q[0])) if m else n)
    plain = (moving.sum(axis=1) <= 1).all(axis=0) & (moving.sum(axis=0) <= 2).all(axis=0)
    rest = np.flatnonzero(~plain)
    if len(rest):
        found[rest] = _looked_at(lanes.at(rest))[:, 0]
    return found


def _chains(bounds: tuple[Int, Int], apart: tuple[Int, Int]) -> Int:
    """Groups of the lanes of two loops along one rank; a loop that does not move has one lane and is 0 apart."""
    (n, m), (p, q) = bounds, apart
    common = np.maximum(np.gcd(p, q), 1)
    p, q = np.maximum(p // common, 1), q // common
    found: Int = n * m - np.maximum(n - q, 0) * np.maximum(m - p, 0)
    return found


def _looked_at(lanes: Geometry, moves: Int | None = None) -> Int:
    """(groups, lanes and groups that are not served) by going through the lanes, int64[b, 3]; of equals once.

    `moves` int64[R, b] are the steps by which all lanes moved; None: no lane is served.
    """
    rows = [*lanes.grid, lanes.width, *lanes.shifts.reshape(-1, len(lanes.width)), *(() if moves is None else moves)]
    first, which = distinct([row - row.min() for row in rows])
    few, found = lanes.at(first), []
    columns = zip(few.grid.T.tolist(), few.shifts.transpose(2, 0, 1).tolist(), few.width.tolist(), strict=True)
    for place, (grid, shifts, width) in enumerate(columns):
        move = None if moves is None else tuple(moves[:, first[place]].tolist())
        one = shares(tuple(grid), tuple(map(tuple, shifts)), width, move)
        found.append((one.groups, one.unserved_lanes, one.unserved_groups))
    every: Int = np.array(found, dtype=np.int64)[which]
    return every
