"""Spatial skipping: fewer instances work because empty lanes are squeezed out (docs/model.md, section 6.3).

Timeloop: storage-gs-analyzer.cpp, InitializeSpatialInstances, CalculateSpatialOptimizationImpact,
SummarizeAndPropagateSpatialCapacityReduction. Architecture level a = 0 is compute, a >= 1 is storage level a - 1; the
spatial loops of storage level u feed architecture level u.
"""

from dataclasses import dataclass, field

import numpy as np

from crisp_hw.engine.content import largest_in_fiber
from crisp_hw.engine.density import Float, Int
from crisp_hw.engine.formats import format_of
from crisp_hw.engine.occupancy import unconditioned_empty
from crisp_hw.engine.tiling import Bool, Tiling, expansion, keeper_below, projected
from crisp_hw.spec.problem import Tensor
from crisp_hw.spec.sparse import SparseSpec


@dataclass(frozen=True)
class Squeeze:
    """What one spatial loop of a level loses for a tensor (index `target`) because a leader's elements are empty.

    A lane holds `words` int64[b] of the leader; of the lanes at most the share `busy` works at once. The innermost
    such loop decides the average: its lanes are `empty` with this probability (None: another loop decides).
    """

    level: int
    target: int
    leader: str
    loop: int
    words: Int
    empty: Float | None
    busy: Float


@dataclass
class Shrink:
    """Mesh extents int64[T, S + 1, 2, b] (x, y) and average shares of working instances float64[T, S + 1, b].

    What made them: `own` are the squeezes of tensors stored with metadata, `skipped` those of the actions.
    """

    mesh: Int
    share: Float
    own: list[Squeeze] = field(default_factory=list)
    skipped: list[Squeeze] = field(default_factory=list)


def spatial_extent(tiling: Tiling) -> Int:
    """Mesh extents that the loops span before any skipping, int64[S + 1, 2, b] over architecture levels."""
    levels = range(-1, len(tiling.architecture.levels))
    return np.stack([np.stack(expansion(tiling, level)) for level in levels])


def shrink(tiling: Tiling, sparse: SparseSpec) -> tuple[Shrink, dict[tuple[int, str], Float]]:
    """Extents and shares after spatial skipping, and the skip probability of each (level, target)."""
    tensors, arch_levels = tiling.problem.tensors, len(tiling.architecture.levels) + 1
    mesh = np.stack([spatial_extent(tiling)] * len(tensors))
    state = Shrink(mesh, np.ones((len(tensors), arch_levels, tiling.bounds.shape[1])))
    start = mesh.copy()
    for t, tensor in enumerate(tensors):
        reduced = _from_storage(tiling, sparse, state, t, tensor)
        _spread_initial(state, t, start[t], reduced)
    original = state.mesh.copy()
    targets = _from_targets(tiling, sparse, state)
    for t, tensor in enumerate(tensors):
        _spread_final(state, t, original[t], {level for level, name in targets if name == tensor.name})
    index = {tensor.name: t for t, tensor in enumerate(tensors)}
    return state, {(level, name): 1.0 - state.share[index[name], level] for level, name in targets}


def _metadata_keeper(tiling: Tiling, level: int, tensor: Tensor) -> int:
    """The level at or outside `level` that keeps the tensor (the outermost level when none does)."""
    last = len(tiling.nest.keeps) - 1
    return next((k for k in range(level, last) if tensor.name in tiling.nest.keeps[k]), last)


def _has_metadata(tiling: Tiling, sparse: SparseSpec, level: int, tensor: Tensor) -> bool:
    kept = tensor.name in tiling.nest.keeps[level]
    return kept and format_of(sparse, tiling.architecture.levels[level].name, tensor.name) is not None


def _busy_share(tiling: Tiling, j: int, leader: Tensor, box: Int) -> Float:
    """Most nonempty elements (`box` each) that the fiber of a spatial loop can hold, over its bound."""
    fiber = box.copy()
    fiber[tiling.problem.dims.index(tiling.nest.loops[j].dim)] *= tiling.bounds[j]
    tiles = [projected(tiling.problem, leader, extents) for extents in (fiber, box)]
    share: Float = largest_in_fiber(leader.density, tiling.size(leader), tiles[0], tiles[1]) / tiling.bounds[j]
    return share


def _squeeze(tiling: Tiling, mesh: Int, j: int, ratio: Float) -> None:
    """Shrink one tensor's mesh int64[S + 1, 2, b] below a spatial loop, to whole lanes."""
    loop = tiling.nest.loops[j]
    axis = 0 if loop.kind == "x" else 1
    mesh[loop.level, axis] = (mesh[loop.level, axis] * ratio).astype(np.int64)


def _from_storage(tiling: Tiling, sparse: SparseSpec, state: Shrink, t: int, tensor: Tensor) -> list[Bool]:
    """Every tensor stored with metadata shrinks the lanes that it alone decides; returns where it did."""
    reduced = []
    for level in range(len(tiling.nest.keeps)):
        effective = np.ones(tiling.bounds.shape[1])
        if _has_metadata(tiling, sparse, _metadata_keeper(tiling, level, tensor), tensor):
            lanes = [j for j in tiling.loops(level) if tiling.active[j] and not tiling.temporal(j)]
            lanes = [j for j in lanes if tiling.relevant(j, tensor)]
            if lanes:
                effective = 1.0 - unconditioned_empty(tiling, tensor, tiling.tile_below(lanes[0], tensor))
            for j in lanes:
                busy = _busy_share(tiling, j, tensor, tiling.box(j))
                _squeeze(tiling, state.mesh[t], j, busy)
                words = tiling.size_below(j, tensor)
                empty = 1.0 - effective if j == lanes[0] else None
                state.own.append(Squeeze(level, t, tensor.name, j, words, empty, busy))
            state.share[t, level] = effective
        reduced.append(effective != 1.0)
    reduced.append(np.zeros(tiling.bounds.shape[1], dtype=bool))
    return reduced


def _spread_initial(state: Shrink, t: int, start: Int, reduced: list[Bool]) -> None:
    """Fewer parents mean fewer children: hand each level's reduction inwards until a level has its own."""
    for a in range(state.mesh.shape[1] - 1, 0, -1):
        ratio = _ratio(state.mesh[t, a], start[a])
        changed = (ratio != 1.0).any(axis=0)
        crossed = np.zeros_like(changed)
        for inner in range(a - 1, -1, -1):
            state.mesh[t, inner] = np.where(
                changed, (state.mesh[t, inner] * ratio).astype(np.int64), state.mesh[t, inner]
            )
            crossed = crossed | reduced[inner]
            hand_on = changed & ~crossed
            state.share[t, inner] = np.where(hand_on, state.share[t, inner] * state.share[t, a], state.share[t, inner])


def _ratio(now: Int, before: Int) -> Float:
    return np.divide(now, before, out=np.ones(now.shape), where=before > 0)


def _from_targets(tiling: Tiling, sparse: SparseSpec, state: Shrink) -> list[tuple[int, str]]:
    """Apply each skipping_spatial action; returns the (level, target) pairs, inner levels first."""
    names = [level.name for level in tiling.architecture.levels]
    actions = [a for a in sparse.actions if a.kind == "skipping_spatial"]
    done = []
    for action in sorted(actions, key=lambda a: names.index(a.level)):
        level, option = names.index(action.level), action.options[0]
        target = tiling.problem.tensor(option.target)
        t = tiling.problem.tensors.index(target)
        share = np.ones(tiling.bounds.shape[1])
        for name in option.condition_on:
            share = share * _leader_share(tiling, sparse, state, (t, level), tiling.problem.tensor(name))
        state.share[t, level] = share
        done.append((level, target.name))
    return done


def _leader_share(tiling: Tiling, sparse: SparseSpec, state: Shrink, place: tuple[int, int], leader: Tensor) -> Float:
    """Share of lanes that a leader keeps busy below one level; shrinks the target's mesh on the way."""
    t, level = place
    share = np.ones(tiling.bounds.shape[1])
    keeper = next((k for k in range(level, len(tiling.nest.keeps)) if leader.name in tiling.nest.keeps[k]), None)
    if keeper is None or not _has_metadata(tiling, sparse, keeper, leader):
        return share
    lanes = [j for j in tiling.loops(level) if tiling.active[j] and not tiling.temporal(j)]
    for position, j in enumerate(j for j in lanes if tiling.relevant(j, leader)):
        box = _element_box(tiling, level, j, tiling.problem.tensors[t], leader)
        element = projected(tiling.problem, leader, box)
        if position == 0:
            share = 1.0 - unconditioned_empty(tiling, leader, element)
        busy = _busy_share(tiling, j, leader, box)
        _squeeze(tiling, state.mesh[t], j, busy)
        empty = 1.0 - share if position == 0 else None
        state.skipped.append(Squeeze(level, t, leader.name, j, element.words, empty, busy))
    return share


def _element_box(tiling: Tiling, level: int, j: int, target: Tensor, leader: Tensor) -> Int:
    """What one lane holds while the target stays: the box below the loop, grown by the target's idle time loops."""
    box = tiling.box(j).copy()
    loop = tiling.nest.loops[j]
    if keeper_below(tiling.nest, level, target.name) < 0 or loop.dim not in target.dims & leader.dims:
        return box
    for outer in range(level, _metadata_keeper(tiling, level, target) + 1):
        for k in tiling.loops(outer):
            if tiling.temporal(k) and tiling.active[k]:
                if tiling.relevant(k, target):
                    return box
                box[tiling.problem.dims.index(tiling.nest.loops[k].dim)] *= tiling.bounds[k]
    return box


def _spread_final(state: Shrink, t: int, original: Int, targets: set[int]) -> None:
    """Hand the targets' reductions inwards, up to the next target level of the same tensor."""
    for a in range(state.mesh.shape[1] - 1, 0, -1):
        ratio = _ratio(state.mesh[t, a], original[a])
        changed = (ratio != 1.0).any(axis=0)
        crossed = False
        for inner in range(a - 1, -1, -1):
            crossed = crossed or inner in targets
            if not crossed:
                handed = state.share[t, inner] * state.share[t, a]
                state.share[t, inner] = np.where(changed, handed, state.share[t, inner])
            state.mesh[t, inner] = np.where(
                changed, (state.mesh[t, inner] * ratio).astype(np.int64), state.mesh[t, inner]
            )
