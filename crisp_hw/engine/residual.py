"""Dense traffic where no sum over kinds of steps gives it: a walk through the loops, one mapping at a time.

Docs/model.md, section 3.3. That is imperfect factors, and sliding windows in dialects in which the step before decides
what the next one fetches (section 12, D14). A loop with a residual runs to it only in the last iteration of all loops
over its dimension outside it, so that tiles of two sizes exist and no closed form holds. This walks as Timeloop does
(nest-analysis.cpp: ComputeDeltas): of every time loop iterations 0 and 1, the second standing for all others, and the
last ones where a residual inside it needs them; of every group of spatial loops the first lane, which all others copy.
"""

from dataclasses import dataclass, field
from math import prod

import numpy as np

from crisp_hw.engine.boxes import Boxes, Held, Move, arrive, projected_box, shift_between, words
from crisp_hw.engine.lanes import ALONE, Deliveries, Delivery, Mesh, shares
from crisp_hw.engine.sliding import Flow
from crisp_hw.engine.steps import WalkedLoop, lowest, walked_loops
from crisp_hw.engine.tiling import Float, Int, Tiling
from crisp_hw.engine.windows import coefficient, flagged
from crisp_hw.errors import InputError, Where
from crisp_hw.spec.problem import Tensor

MOST_VISITS = 1_000_000  # half a minute; the walk doubles with every loop


@dataclass(frozen=True)
class Walked:
    """The flow of every tensor by name, the average time steps of a MAC, float64[b], and each mapping's deliveries."""

    flows: dict[str, Flow]
    steps: Float
    deliveries: list[Deliveries]


@dataclass
class _State:
    """Where the walk is, and what it counted: int lists [level][tensor], and per number of MACs their time steps."""

    tiling: Tiling
    loops: list[WalkedLoop]
    index: list[int]
    offset: list[int]
    sent: list[list[int]]
    delivered: list[list[int]]
    linked: list[list[int]]
    tile: list[list[int]]
    spread: list[list[int]]
    held: dict[tuple[int, int], Held] = field(default_factory=dict)
    before: dict[int, tuple[tuple[int, ...], list[Boxes]]] = field(default_factory=dict)
    mac_steps: dict[int, int] = field(default_factory=dict)
    deliveries: Deliveries = field(default_factory=dict)
    visits: int = 0


def walk(tiling: Tiling) -> Walked:
    """Walk every mapping of a batch; where nothing has a residual this gives what `sliding.flow` gives.

    Raises InputError for a mapping of so many loops that the walk would not end in reasonable time.
    """
    states = [_walk_one(tiling, column) for column in range(tiling.bounds.shape[1])]
    levels = range(len(tiling.architecture.levels))
    spatial = [[j for j in tiling.loops(level) if tiling.active[j] and not tiling.temporal(j)] for level in levels]
    fanout = np.stack([tiling.product(loops) for loops in spatial]).astype(np.float64)
    flows = {}
    for t, tensor in enumerate(tiling.problem.tensors):
        counts = [
            np.array([[row[t] for row in getattr(state, name)] for state in states], dtype=np.float64).T
            for name in ("sent", "delivered", "linked")
        ]
        sizes = [_sizes(states, name, t) for name in ("tile", "spread")]
        flows[tensor.name] = Flow(counts[0], counts[1], counts[2], fanout, sizes[0], sizes[1])
    steps = [sum(macs * steps for macs, steps in s.mac_steps.items()) / max(s.mac_steps) for s in states]
    return Walked(flows, np.array(steps), [state.deliveries for state in states])


def _sizes(states: list[_State], name: str, t: int) -> Int:
    return np.array([[row[t] for row in getattr(state, name)] for state in states], dtype=np.int64).T


def _walk_one(tiling: Tiling, column: int) -> _State:
    levels, tensors = len(tiling.architecture.levels), len(tiling.problem.tensors)
    loops = walked_loops(tiling, column)
    sent, delivered, linked, tile, spread = ([[0] * tensors for _ in range(levels)] for _ in range(5))
    index, offset = [0] * len(loops), [0] * len(tiling.problem.dims)
    state = _State(tiling, loops, index, offset, sent, delivered, linked, tile, spread)
    _visit(state, len(loops) - 1, 1)
    # a level without lanes has one receiver, which needs the tile of the level inside, or one operand
    for level in range(levels):
        if loops[lowest(loops, level)].kind == "temporal":
            state.spread[level] = state.tile[level - 1] if level else [1] * tensors
    return state


def _is_last(state: _State, outside: int, dim: int) -> bool:
    """Are all loops over a dimension from index `outside` on in their last iteration?"""
    return all(
        state.index[k] + 1 >= loop.residual for k, loop in enumerate(state.loops[outside:], outside) if loop.dim == dim
    )


def _visit(state: _State, i: int, epochs: int) -> list[Boxes]:
    """Run loop i and all inside it once, for `epochs` times; of a level's outermost loop, the new words per tensor."""
    state.visits += 1
    if state.visits > MOST_VISITS:
        why = "a residual" if state.tiling.residuals is not None else "a sliding window in this dialect"
        raise InputError(
            f"its {len(state.loops)} loops take more than {MOST_VISITS} steps to walk because of {why}",
            Where("mapping"),
            "use perfect factors or fewer loops, or the dialect head",
        )
    loop = state.loops[i]
    if loop.kind == "temporal":
        _run(state, i, epochs)
    else:
        _to_lanes(state, i, epochs)
    if loop.final:
        return _new_words(state, i)
    return []


def _box(state: _State, i: int) -> tuple[list[int], list[int]]:
    """First and last indices per dimension of what loop i and those inside it run through now."""
    loop, low = state.loops[i], list(state.offset)
    tops = [(loop.top_last if _is_last(state, i + 1, dim) else loop.top)[dim] for dim in range(len(state.offset))]
    return low, [first + top for first, top in zip(low, tops, strict=True)]


def _new_words(state: _State, i: int) -> list[Boxes]:
    """What each tensor's buffer lacks for its next tile; notes the largest tile."""
    level, (low, high), found = state.loops[i].level, _box(state, i), []
    for t, tensor in enumerate(state.tiling.problem.tensors):
        box = projected_box(state.tiling.problem, tensor, low, high)
        state.tile[level][t] = max(state.tile[level][t], words((box,)))
        anew = flagged(state.tiling.nest.no_temporal_reuse, level, tensor)
        held = state.held.setdefault((i, t), Held())
        found.append((box,) if anew else arrive(held, box, state.tiling.rules.still_keeps_stride))
    return found


def _run(state: _State, i: int, epochs: int) -> None:
    """A loop in time."""
    loop = state.loops[i]
    last = _is_last(state, i + 1, loop.dim)
    count = loop.residual if last else loop.bound
    if i == 0:
        state.mac_steps[1] = state.mac_steps.get(1, 0) + count * epochs
        _add(state, 0, [count * epochs] * len(state.tiling.problem.tensors))
        return
    start = state.offset[loop.dim]
    totals = [0] * len(state.tiling.problem.tensors)
    for position, times, weight in _iterations(count, last and loop.ragged_inside, loop.bound != loop.residual):
        state.index[i], state.offset[loop.dim] = position, start + position * loop.stride
        arrived = _visit(state, i - 1, epochs * times)
        if loop.first:
            totals = [total + weight * words(new) for total, new in zip(totals, arrived, strict=True)]
    state.offset[loop.dim] = start
    if loop.first:
        _add(state, loop.level, [total * epochs for total in totals])


def _add(state: _State, level: int, counts: list[int]) -> None:
    for t, count in enumerate(counts):
        state.sent[level][t] += count
        state.delivered[level][t] += count
        _note(state, (level, t), ALONE, count)


def _note(state: _State, place: tuple[int, int], delivery: Delivery, amount: int) -> None:
    level, t = place
    ways = state.deliveries.setdefault((level, state.tiling.problem.tensors[t].name), {})
    ways[delivery] = ways.get(delivery, 0) + amount


def _iterations(count: int, last: bool, own_residual: bool) -> list[tuple[int, int, int]]:
    """(iteration, times that what is inside it counts, iterations that its new words stand for).

    Of the iterations after the first, one stands for all; with `last` the last one is walked by itself, and in a loop
    with a residual of its own the one before it, too, so that the last move is like the one before.

    >>> _iterations(5, False, False), _iterations(5, True, False), _iterations(5, True, True)
    ([(0, 1, 1), (1, 4, 4)], [(0, 1, 1), (1, 3, 4), (4, 1, 0)], [(0, 1, 1), (1, 2, 3), (3, 1, 0), (4, 1, 1)])
    """
    # An iteration of weight 0 is walked for what it changes inside and for where it leaves the tile; its own words are
    # counted with the iteration that stands for it, as in Timeloop.
    if count == 1:
        return [(0, 1, 1)]
    if not last:
        return [(0, 1, 1), (1, count - 1, count - 1)]
    if count == 2:
        return [(0, 1, 1), (1, 1, 1)]
    if not own_residual:
        return [(0, 1, 1), (1, count - 2, count - 1), (count - 1, 1, 0)]
    if count == 3:
        return [(0, 1, 1), (1, 1, 1), (2, 1, 1)]
    return [(0, 1, 1), (1, count - 3, count - 2), (count - 2, 1, 0), (count - 1, 1, 1)]


def _to_lanes(state: _State, i: int, epochs: int) -> None:
    """A group of spatial loops, of which i is the outermost: its lanes take the same words, shifted."""
    tiling, level = state.tiling, state.loops[i].level
    group = range(lowest(state.loops, level), i + 1)
    ends = []
    for k in group:
        loop, state.index[k] = state.loops[k], 0
        ends.append(loop.residual if _is_last(state, k + 1, loop.dim) else loop.bound)
    if group[0] == 0:
        point = [[projected_box(tiling.problem, d, state.offset, state.offset)] for d in tiling.problem.tensors]
        fresh: list[Boxes] = [tuple(boxes) for boxes in point]
        state.mac_steps[prod(ends)] = state.mac_steps.get(prod(ends), 0) + epochs
    else:
        fresh = _visit(state, group[0] - 1, epochs)
    low, high = _box(state, i)
    # what the lanes took in the step before is what their mesh neighbours can hand on in this one
    ends_before, fresh_before = state.before.get(level, ((), [()] * len(fresh)))
    state.before[level] = tuple(ends), fresh
    for t, tensor in enumerate(tiling.problem.tensors):
        whole = words((projected_box(tiling.problem, tensor, low, high),))
        state.spread[level][t] = max(state.spread[level][t], whole)
        move = shift_between(fresh_before[t], fresh[t])
        if flagged(tiling.nest.no_link_transfer, level, tensor):
            move = None
        (sent, delivered, linked), delivery = _shared(state, group, tensor, (tuple(ends), move, ends_before))
        amount = words(fresh[t]) * epochs
        _note(state, (level, t), delivery, amount)
        state.sent[level][t] += sent * amount
        state.delivered[level][t] += delivered * amount
        state.linked[level][t] += linked * amount


def _shared(
    state: _State, group: range, tensor: Tensor, step: tuple[tuple[int, ...], Move | None, tuple[int, ...]]
) -> tuple[tuple[int, int, int], Delivery]:
    """(copies sent, copies received, lanes that mesh neighbours serve) of one delivery to the lanes of a group."""
    tiling, loops = state.tiling, [state.loops[k] for k in group]
    now, move, before = step
    shifts = tuple(
        tuple(loop.stride * coefficient(rank, tiling.problem.dims[loop.dim]) for rank in tensor.ranks) for loop in loops
    )
    width, height = (
        max(fanout, prod(loop.bound for loop in loops if loop.kind == axis))
        for fanout, axis in zip(tiling.architecture.fanouts[loops[0].level], ("x", "y"), strict=True)
    )
    found = shares(now, shifts, width, move, before if move is not None else None)
    groups, unserved = found.groups, found.unserved_groups
    apart = flagged(tiling.nest.no_multicast, loops[0].level, tensor)
    if apart:
        groups, unserved = found.lanes, found.unserved_lanes
    mesh = Mesh(now, shifts, width, height, apart)
    if unserved < groups:
        linked = found.lanes - found.unserved_lanes
        return (unserved, found.unserved_lanes, linked), Delivery(mesh, move, before, linked)
    return (groups, found.lanes, 0), Delivery(mesh)
