"""What the networks between levels carry: words, their receivers, and hops, of dense traffic (docs/model.md, 8.1).

Timeloop: nest-analysis.cpp ComputeAccurateMulticastedAccesses, tiling.cpp MaskTiles. The network of a level carries
what the level sends to the next inner one, whether that keeps it or only passes it on, up to the outermost level that
keeps the tensor.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from crisp_hw.engine.lanes import Deliveries, Mesh, served, tiles
from crisp_hw.engine.residual import walk
from crisp_hw.engine.sliding import sliding, walked
from crisp_hw.engine.tiling import Float, Int, Tiling
from crisp_hw.engine.windows import arrivals, flagged, linkable, strides
from crisp_hw.spec.problem import Tensor

Group = tuple[int, int, float]
"""Receivers of one word, words that go to as many receivers each, and the hops of all those words together."""


@dataclass
class Record:
    """Words that go to so many receivers at once, and hops of all of them, float64[b]."""

    words: Float
    hops: Float


@dataclass
class Stream:
    """One tensor in the network of one level, per instance of the level.

    `records` by (receivers of a word, such words per step); `linked`, float64[b], are words between mesh neighbours.
    """

    records: dict[tuple[int, int], Record] = field(default_factory=dict)
    linked: Float = field(default_factory=lambda: np.zeros(0))

    def words_sent(self, weighted: bool = False) -> Float:
        """Words that enter the network, float64[b]; weighted: once per receiver."""
        parts = [self.records[key].words * (key[0] if weighted else 1) for key in sorted(self.records)]
        return np.sum(parts, axis=0) if parts else np.zeros_like(self.linked)


@lru_cache(maxsize=65536)
def signature(
    mesh: Mesh, move: tuple[int, ...] | None = None, before: tuple[int, ...] | None = None
) -> tuple[Group, ...]:
    """Who gets one step's words and how far they go; with `move`, what neighbours hand on is left out (`lanes.served`).

    A word enters at the left, half way down; it runs along the middle to the furthest column, and from there up and
    down every column to the furthest receiver in it (nest-analysis.cpp).

    >>> signature(Mesh((2, 2), ((1,), (0,)), 2, 2))  # two words, each for the two lanes of a column
    ((2, 2, 3.0),)
    """
    lanes = tiles(mesh.grid, mesh.shifts)
    _, group = np.unique(lanes, axis=0, return_inverse=True)
    group = np.arange(len(lanes)) if mesh.apart else group.ravel()
    left = np.ones(len(lanes), dtype=bool)
    if move is not None:
        left = ~served(lanes, tiles(before or mesh.grid, mesh.shifts), mesh.width, move)
    found: dict[int, tuple[int, float]] = {}
    for each in np.unique(group[left]):
        ids = np.flatnonzero(left & (group == each))
        count, hops = found.get(len(ids), (0, 0.0))
        found[len(ids)] = count + 1, hops + _route(ids, mesh.width, mesh.height)
    return tuple((receivers, count, hops) for receivers, (count, hops) in sorted(found.items()))


def _route(ids: Int, width: int, height: int) -> float:
    """Hops of one word to some lanes."""
    column, row, middle = ids % width, ids // width, (height - 1) / 2
    far = float(column.max())
    for each in np.unique(column):
        offsets = row[column == each] - middle
        far += max(0.0, -float(offsets.min())) + max(0.0, float(offsets.max()))
    return far


def raw_streams(tiling: Tiling) -> list[list[Stream]]:
    """The streams of each tensor in each level, as if every level kept it: found[tensor][level]."""
    levels, tensors = range(len(tiling.architecture.levels)), tiling.problem.tensors
    if walked(tiling):
        deliveries = walk(tiling).deliveries
        return [[_walked(deliveries, (level, tensor.name)) for level in levels] for tensor in tensors]
    return [[_stepped(tiling, tensor, level) for level in levels] for tensor in tensors]


def _walked(walked: list[Deliveries], place: tuple[int, str]) -> Stream:
    """The stream of a level in mappings that were walked one by one (`residual.walk`)."""
    batch = len(walked)
    stream = Stream(linked=np.zeros(batch))
    for b, deliveries in enumerate(walked):
        for delivery, words in deliveries.get(place, {}).items():
            amount = _scattered(np.array([float(words)]), np.array([b]), batch)
            _add(stream, signature(delivery.mesh, delivery.move, delivery.before), amount)
            stream.linked = stream.linked + amount * delivery.linked
    return stream


def _stepped(tiling: Tiling, tensor: Tensor, level: int) -> Stream:
    """The stream of one level, from the kinds of steps that its receivers take (`windows.arrivals`)."""
    steps = arrivals(tiling, tensor, level)
    words = steps.total.astype(np.float64)
    stream = Stream(linked=np.zeros_like(words))
    spatial = [j for j in tiling.loops(level) if tiling.active[j] and not tiling.temporal(j)]
    if not spatial:
        stream.records[1, 1] = Record(words, np.zeros_like(words))
        return stream
    handed: list[tuple[Int, Float]] = []
    if not flagged(tiling.nest.no_link_transfer, level, tensor) and (passed := linkable(steps)):
        handed = list(zip(passed.move, (passed.times * passed.words).astype(np.float64), strict=True))
    shifts = list(strides(tiling, tensor, spatial))
    if not sliding(tiling.problem):
        # one dimension per rank: lanes of one dimension never wrap, and only words that stay are a neighbour's
        shifts = [np.sign(shift) for shift in shifts]
        handed = [(move, amount) for move, amount in handed if not move.any()]
    for rows, mesh, moves in _alike(tiling, tensor, level, (spatial, shifts, [move for move, _ in handed])):
        left = words[rows]
        for move, (_, amount) in zip(moves, handed, strict=True):
            left = left - _hand_on(stream, (rows, mesh, move), amount[rows])
        _add(stream, signature(mesh), _scattered(left, rows, len(words)))
    return stream


def _hand_on(stream: Stream, step: tuple[Int, Mesh, tuple[int, ...]], amount: Float) -> Float:
    """Words of a kind of step that leave the network less to do because neighbours have them; 0 if not worth it."""
    rows, mesh, move = step
    all_groups, rest = signature(mesh), signature(mesh, move)
    if sum(count for _, count, _ in rest) >= sum(count for _, count, _ in all_groups):
        return np.zeros_like(amount)
    lanes = [sum(receivers * count for receivers, count, _ in groups) for groups in (all_groups, rest)]
    batch = len(stream.linked)
    _add(stream, rest, _scattered(amount, rows, batch))
    stream.linked = stream.linked + _scattered(amount * (lanes[0] - lanes[1]), rows, batch)
    return amount


def _scattered(values: Float, rows: Int, batch: int) -> Float:
    out = np.zeros(batch)
    out[rows] = values
    return out


def _add(stream: Stream, groups: tuple[Group, ...], amount: Float) -> None:
    """`amount` words per lane in groups."""
    for receivers, count, hops in groups:
        record = stream.records.setdefault((receivers, count), Record(np.zeros_like(amount), np.zeros_like(amount)))
        record.words = record.words + amount * count
        record.hops = record.hops + amount * hops


def _alike(
    tiling: Tiling, tensor: Tensor, level: int, geometry: tuple[list[int], list[Int], list[Int]]
) -> list[tuple[Int, Mesh, list[tuple[int, ...]]]]:
    """Rows of the batch with equal lanes and moves: (their indices, the lanes, the moves)."""
    spatial, shifts, moves = geometry
    table = np.concatenate([tiling.bounds[spatial], *shifts, *moves])
    distinct, inverse = np.unique(table, axis=1, return_inverse=True)
    apart = flagged(tiling.nest.no_multicast, level, tensor)
    fan_x, fan_y = tiling.architecture.fanouts[level]
    kinds, ranks = [tiling.nest.loops[j].kind for j in spatial], len(tensor.ranks)
    found = []
    for place, column in enumerate(distinct.T.tolist()):
        grid, rest = tuple(column[: len(spatial)]), column[len(spatial) :]
        parts = [tuple(rest[at : at + ranks]) for at in range(0, ranks * (len(shifts) + len(moves)), ranks or 1)]
        parts = parts or [()] * (len(shifts) + len(moves))
        width = max(fan_x, int(np.prod([n for n, kind in zip(grid, kinds, strict=True) if kind == "x"])))
        height = max(fan_y, int(np.prod([n for n, kind in zip(grid, kinds, strict=True) if kind == "y"])))
        mesh = Mesh(grid, tuple(parts[: len(shifts)]), width, height, apart)
        found.append((np.flatnonzero(inverse.ravel() == place), mesh, parts[len(shifts) :]))
    return found


def collapsed(tiling: Tiling, tensor: Tensor, streams: list[Stream]) -> list[Stream]:
    """The streams when some levels do not keep the tensor: the next outer network then sends what the inner one did.

    Timeloop scales the words there, but not their hops, so that wires cost as if every level kept it (MaskTiles).
    """
    kept = [tensor.name in keeps for keeps in tiling.nest.keeps]
    last = max(level for level, keeps in enumerate(kept) if keeps)
    for level, stream in enumerate(streams[1:], 1):
        if not kept[level - 1]:
            spatial = [j for j in tiling.loops(level) if tiling.active[j] and not tiling.temporal(j)]
            scale = streams[level - 1].words_sent() * tiling.product(spatial) / stream.words_sent(weighted=True)
            for record in stream.records.values():
                record.words = record.words * scale
            stream.linked = np.zeros_like(stream.linked)
    nothing = np.zeros_like(streams[0].linked)
    return [stream if level <= last else Stream({}, nothing) for level, stream in enumerate(streams)]
