"""Dense traffic in general: sliding windows, strides, dilations, halos, and words handed on between neighbours.

Timeloop walks every loop through its iterations 0 and 1 and takes the second for all later ones
(nest-analysis.cpp: ComputeDeltas). What a level receives at a step is its new tile less the old one, provided that the
tile keeps moving by one and the same translation; any other move fetches it whole (SaveAndSubtractIfSameStride). The
walk is a binary counter over the time loops: the step in which loop j advances sends all loops inside it back from 1
to 0, so the tile moves by stride(j) less the strides of those, whatever the loops outside do. That makes the walk a
sum over "kinds of steps", one per loop (docs/model.md, section 3.1).
"""

from dataclasses import dataclass

import numpy as np

from crisp_hw.engine.lanes import Geometry, Step, sharing
from crisp_hw.engine.tiling import Bool, Float, Int, Sides, Tiling, elided_fills, instances, rank_extents
from crisp_hw.spec.problem import Problem, Tensor, Term


@dataclass(frozen=True)
class Flow:
    """Words of one tensor at every level as if every level kept it, float64[S, b].

    `sent` counts a multicast word once, `delivered` once per receiver; `linked` are words that receivers take from
    mesh neighbours; `fanout` is the number of receivers per instance. `tile` and `spread`, int64[S, b], are the words
    that one instance holds, and that all its receivers need together.
    """

    sent: Float
    delivered: Float
    linked: Float
    fanout: Float
    tile: Int
    spread: Int


@dataclass(frozen=True)
class WindowStep:
    """One kind of step: how often it happens, how far the tile moves int64[R, b], its new words, and are all new."""

    times: Int
    move: Int
    words: Int
    whole: Bool


def sliding(problem: Problem) -> bool:
    """Does some tensor have a rank with several terms or a stride, or a dimension in two ranks (a diagonal)?"""
    ranks = [rank for tensor in problem.tensors for rank in tensor.ranks]
    diagonal = any(len(tensor.dims) < sum(map(len, tensor.ranks)) for tensor in problem.tensors)
    return diagonal or any(len(rank) > 1 or abs(rank[0].coefficient) != 1 for rank in ranks if rank)


def walked(tiling: Tiling) -> bool:
    """Must the loops be walked (`residual`), because of residuals or because a step depends on the one before (D14)?"""
    return tiling.residuals is not None or (not tiling.rules.still_keeps_stride and sliding(tiling.problem))


def flagged(names: tuple[frozenset[str], ...], level: int, tensor: Tensor) -> bool:
    """Does a list of tensors per level (empty: none anywhere) name the tensor in this level?"""
    return bool(names) and tensor.name in names[level]


def flow(tiling: Tiling, tensor: Tensor) -> Flow:
    """The traffic of a tensor below every level."""
    levels = range(len(tiling.architecture.levels))
    counts = [_level_flow(tiling, tensor, level) for level in levels]
    sent, delivered, linked, fanout = (np.stack(rows).astype(np.float64) for rows in zip(*counts, strict=True))
    tile = np.stack([tiling.tile(level, tensor) for level in levels])
    spread = np.stack([_words_at_once(tiling, tensor, level) for level in levels])
    return Flow(sent, delivered, linked, fanout, tile, spread)


def _words_at_once(tiling: Tiling, tensor: Tensor, level: int) -> Int:
    """Words that all receivers of one instance need at one time."""
    spatial = [j for j in tiling.loops(level) if not tiling.temporal(j)]
    return tiling.size_below(spatial[-1] + 1 if spatial else tiling.start(level), tensor)


def _level_flow(tiling: Tiling, tensor: Tensor, level: int) -> tuple[Float, Float, Float, Int]:
    """(sent, delivered, linked, fanout) of one level over all steps."""
    start = tiling.start(level)
    steps = arrivals(tiling, tensor, start)
    spatial = [j for j in tiling.loops(level) if tiling.active[j] and not tiling.temporal(j)]
    fanout = tiling.product(spatial)
    zero: Float = np.zeros(len(fanout))
    words: Float = zero + sum(step.times * step.words for step in steps)
    if not spatial:
        return words, words, zero, fanout
    apart = flagged(tiling.nest.no_multicast, level, tensor)
    passed = [] if flagged(tiling.nest.no_link_transfer, level, tensor) else linkable(steps)
    # neighbours help only in steps before which they held a set of words of the shape that is wanted now
    amounts = [times * now.words for times, now in passed]
    moves = [Step(now.move, amount > 0) for (_, now), amount in zip(passed, amounts, strict=True)]
    shared = sharing(_geometry(tiling, tensor, spatial), moves)
    groups = fanout if apart else shared.groups
    sent, delivered, linked = words * groups, words * fanout, zero
    for amount, receivers, fed in zip(amounts, shared.unserved_lanes, shared.unserved_groups, strict=True):
        fed = receivers if apart else fed
        # Timeloop takes words from neighbours only where that leaves fewer groups to send to
        saved = np.where(fed < groups, amount, 0)
        sent = sent - saved * (groups - fed)
        delivered = delivered - saved * (fanout - receivers)
        linked = linked + saved * (fanout - receivers)
    return sent, delivered, linked, fanout


def _geometry(tiling: Tiling, tensor: Tensor, spatial: list[int]) -> Geometry:
    """The lanes of the spatial loops of one level."""
    across = tiling.product([j for j in spatial if tiling.nest.loops[j].kind == "x"])
    width = np.maximum(tiling.architecture.fanouts[tiling.nest.loops[spatial[0]].level][0], across)
    return Geometry(tiling.bounds[spatial], [stride(tiling, tensor, j) for j in spatial], width)


def stride(tiling: Tiling, tensor: Tensor, j: int) -> Int:
    """How far one iteration of loop j moves through each rank of the tensor, int64[R, b]."""
    loop = tiling.nest.loops[j]
    below = tiling.sides(j)[tiling.problem.place[loop.dim]]
    steps = [coefficient(rank, loop.dim) for rank in tensor.ranks]
    return np.array([step * below for step in steps], dtype=np.int64).reshape(len(steps), len(below))


def coefficient(rank: tuple[Term, ...], dim: str) -> int:
    """How far one step along a dimension moves through a rank of a tensor."""
    return sum(term.coefficient for term in rank if term.dim == dim)


def arrivals(tiling: Tiling, tensor: Tensor, start: int) -> list[WindowStep]:
    """What a receiver gets: the first delivery, then a kind of step per active time loop from `start` on."""
    box = tiling.sides(start)
    size, extents = tiling.size_below(start, tensor), _extents(tiling.problem, tensor, box)
    loops = [j for j in range(start, len(tiling.nest.loops)) if tiling.active[j] and tiling.temporal(j)]
    everything = np.ones(len(size), dtype=bool)
    # MACs: one operand per multiply-accumulate, nothing is subtracted
    anew = start == 0 or flagged(tiling.nest.no_temporal_reuse, tiling.nest.loops[start].level - 1, tensor)
    steps = [WindowStep(tiling.ones, np.zeros_like(extents), size, everything)]
    # `returned` adds up how far the loops inside have moved the tile, all of which a step of loop j takes back
    returned, usual = np.zeros_like(extents), None
    for place, j in enumerate(loops):
        advance = stride(tiling, tensor, j)
        move = advance - returned
        returned = returned + advance
        times = (tiling.bounds[j] - 1) * tiling.product(loops[place + 1 :])
        if anew:
            steps.append(WindowStep(times, move, size, everything))
            continue
        # Timeloop subtracts the old tile only while it moves by the same translation as before, and fetches it whole
        # after any other move. The innermost loop that moves the tile advances after every such move, so that its
        # translation is always the one to compare with.
        still = (move == 0).all(axis=0)
        usual = move if usual is None and not still.all() else usual
        slides = still if usual is None else (move == usual).all(axis=0)
        # two boxes of one shape overlap in what the move leaves of every extent, in nothing where it exceeds one
        kept = np.prod(np.maximum(extents - np.abs(move), 0), axis=0)
        words = np.where(still, 0, np.where(slides, size - kept, size))
        steps.append(WindowStep(times, move, words, ~still & (~slides | (kept == 0))))
    return steps


def _extents(problem: Problem, tensor: Tensor, box: Sides) -> Int:
    """Extent of each rank of a tensor's tile, int64[R, b]."""
    parts = rank_extents(problem, tensor, box)
    return np.array(parts, dtype=np.int64).reshape(len(parts), len(box[0]))


def linkable(steps: list[WindowStep]) -> list[tuple[Int, WindowStep]]:
    """(times, step) of steps before which every receiver held a set of words of the same shape.

    Before loop j > first advances, the first loop did; before the first loop advances, any step outside it happened,
    or the first delivery.
    """
    if len(steps) < 2:
        return []
    innermost, outer = steps[1], steps[2:]
    ahead = [(_shared(step, innermost) * step.times, step) for step in outer]
    # of the innermost loop's steps, those after each kind of outer step, and those after the first delivery
    per_visit = innermost.times // (1 + sum((step.times for step in outer), np.zeros_like(innermost.times)))
    after = [_shared(innermost, before) * before.times * per_visit for before in (steps[0], *outer)]
    return [*ahead, (np.sum(after, axis=0), innermost)]


def _shared(now: WindowStep, before: WindowStep) -> Int:
    """1 where both steps bring words in sets of one shape: whole tiles, or the same rim."""
    rims = ~now.whole & ~before.whole & (now.move == before.move).all(axis=0)
    alike = (now.whole & before.whole) | rims
    shared: Int = (alike & (now.words > 0) & (before.words > 0)).astype(np.int64)
    return shared


@dataclass(frozen=True)
class Moved:
    """Words of one tensor per instance of the levels that keep it, float64[S, b]: sent inwards, asked for from outside,
    and passed between mesh neighbours.
    """

    sent: Float
    demand: Float
    peers: Float


def kept_counts(tiling: Tiling, tensor: Tensor, all_levels: Flow) -> dict[str, Int]:
    """Reads, fills, updates, tile and partition of one tensor, int64[S, b], zero where it is not kept."""
    return _rounded(tiling, tensor, all_levels, moved(tiling, tensor, all_levels))


def moved(tiling: Tiling, tensor: Tensor, all_levels: Flow) -> Moved:
    """The flow between the levels that keep a tensor.

    A level that does not keep the tensor hands its traffic to the next outer one, which then sends so much more
    (tiling.cpp: MaskTiles, ComputeParentAccessShare, ComputePartitionSizes).
    """
    levels = range(len(tiling.architecture.levels))
    kept = [tensor.name in tiling.nest.keeps[level] for level in levels]
    sent, delivered, linked = all_levels.sent.copy(), all_levels.delivered.copy(), all_levels.linked.copy()
    demand = np.zeros_like(sent)
    demand[:-1] = delivered[1:] / all_levels.fanout[1:]
    for level in levels[:-1]:
        if not kept[level]:
            scale = sent[level] * all_levels.fanout[level + 1] / delivered[level + 1]
            sent[level + 1], delivered[level + 1] = sent[level + 1] * scale, delivered[level + 1] * scale
            linked[level + 1] = 0.0
    peers = np.zeros_like(sent)
    for level in levels[1:]:  # neighbours also hand on what comes from beyond a level that does not keep it
        peers[level - 1] = linked[level] / instances(tiling, level - 1)
    return Moved(sent, demand, peers)


def _rounded(tiling: Tiling, tensor: Tensor, held: Flow, words: Moved) -> dict[str, Int]:
    """Whole counts of the levels that keep the tensor; the first update of an output word needs no read."""
    sent, demand, peers = words.sent, words.demand, words.peers
    kept = [level for level in range(len(sent)) if tensor.name in tiling.nest.keeps[level]]
    partition = partitions(held)
    names = ("tile", "reads", "fills", "updates", "partition", "lacking", "short")
    counts = {name: np.zeros(sent.shape, dtype=np.int64) for name in names}
    for level in kept:
        filled = demand[level] if level != kept[-1] else np.zeros_like(demand[level])
        counts["tile"][level], counts["partition"][level] = held.tile[level], partition[level]
        if tensor.is_output:
            unread = partition[level] * (not flagged(tiling.nest.rmw_first_update, level, tensor))
            unfilled = elided_fills(tiling, unread) * (level != kept[-1])
            counts["updates"][level] = _nearest(sent[level])
            reads, fills = _nearest(sent[level] + peers[level] - unread), _nearest(filled + peers[level] - unfilled)
            # of imperfect factors Timeloop may take off more words than arrive: it wraps around, here nothing is left
            counts["reads"][level], counts["fills"][level] = np.maximum(reads, 0), np.maximum(fills, 0)
            counts["lacking"][level] = -np.minimum(np.minimum(reads, fills), 0)
            counts["short"][level] = np.maximum(np.ceil(partition[level] - (sent[level] + peers[level])), 0)
        else:
            counts["reads"][level] = _nearest(sent[level] + peers[level])
            counts["fills"][level] = (filled + peers[level]).astype(np.int64)
    return counts


def _nearest(value: Float) -> Int:
    """Round half away from zero."""
    return np.trunc(value + np.copysign(0.5, value)).astype(np.int64)


def partitions(held: Flow) -> Int:
    """Distinct words that one instance sees: the tensor, divided where spatial loops spread it (whole words)."""
    out = np.zeros_like(held.tile)
    out[-1] = held.tile[-1]
    for level in range(len(out) - 2, -1, -1):
        out[level] = out[level + 1] * held.tile[level] // held.spread[level + 1]
    return out
