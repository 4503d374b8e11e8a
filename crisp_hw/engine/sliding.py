"""Dense traffic in general: sliding windows, strides, dilations, halos, and words handed on between neighbours.

The steps that a receiver takes are summed up over all its time loops (`windows`), and shared among its lanes (`lanes`);
levels that do not keep a tensor hand its words on. Docs/model.md, section 3.1.
"""

from dataclasses import dataclass

import numpy as np

from crisp_hw.engine.instances import instances
from crisp_hw.engine.lanes import Geometry, Steps, sharing
from crisp_hw.engine.tiling import Float, Int, Tiling
from crisp_hw.engine.windows import arrivals, flagged, linkable, strides
from crisp_hw.spec.problem import Problem, Tensor


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


def sliding(problem: Problem) -> bool:
    """Does some tensor have a rank with several terms or a stride, or a dimension in two ranks (a diagonal)?"""
    ranks = [rank for tensor in problem.tensors for rank in tensor.ranks]
    diagonal = any(len(tensor.dims) < sum(map(len, tensor.ranks)) for tensor in problem.tensors)
    return diagonal or any(len(rank) > 1 or abs(rank[0].coefficient) != 1 for rank in ranks if rank)


def walked(tiling: Tiling) -> bool:
    """Must the loops be walked (`residual`), because of residuals or because a step depends on the one before (D14)?"""
    return tiling.residuals is not None or (not tiling.rules.still_keeps_stride and sliding(tiling.problem))


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
    steps = arrivals(tiling, tensor, level)
    spatial = [j for j in tiling.loops(level) if tiling.active[j] and not tiling.temporal(j)]
    fanout, words = tiling.product(spatial), steps.total.astype(np.float64)
    if not spatial:
        return words, words, np.zeros_like(words), fanout
    apart = flagged(tiling.nest.no_multicast, level, tensor)
    # neighbours help only in steps before which they held a set of words of the shape that is wanted now
    passed = None if flagged(tiling.nest.no_link_transfer, level, tensor) else linkable(steps)
    moves = None if passed is None else Steps(passed.move, passed.times * passed.words > 0)
    shared = sharing(geometry(tiling, tensor, spatial), moves)
    groups = fanout if apart else shared.groups
    sent, delivered = words * groups, words * fanout
    if passed is None:
        return sent, delivered, np.zeros_like(words), fanout
    receivers = shared.unserved_lanes
    fed = receivers if apart else shared.unserved_groups
    # Timeloop takes words from neighbours only where that leaves fewer groups to send to
    saved = np.where(fed < groups, passed.times * passed.words, 0)
    linked = (saved * (fanout - receivers)).sum(axis=0)
    return sent - (saved * (groups - fed)).sum(axis=0), delivered - linked, linked.astype(np.float64), fanout


def geometry(tiling: Tiling, tensor: Tensor, spatial: list[int]) -> Geometry:
    """The lanes of the spatial loops of one level."""
    width = tiling.architecture.fanouts[tiling.nest.loops[spatial[0]].level][0]
    across = np.maximum(tiling.product_along(spatial, "x"), width)
    return Geometry(tiling.bounds[spatial], strides(tiling, tensor, spatial), across)


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


def elided_fills(tiling: Tiling, unread: Int) -> Int:
    """Output words that arrive without a fill: those whose first update reads nothing (D1: HEAD only)."""
    return unread if tiling.rules.first_fill_elided else 0 * unread


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
