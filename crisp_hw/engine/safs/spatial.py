"""Spatial skipping: fewer instances work because empty lanes are squeezed out (docs/model.md, section 6.3).

Timeloop: storage-gs-analyzer.cpp, InitializeSpatialInstances, CalculateSpatialOptimizationImpact,
SummarizeAndPropagateSpatialCapacityReduction. Architecture level a = 0 is compute, a >= 1 is storage level a - 1; the
spatial loops of storage level u feed architecture level u.
"""

from dataclasses import dataclass, field

from crisp_hw.engine.apart import Group, groups, joined
from crisp_hw.engine.arrays import Bool, Float, Int, floats, namespace, ratio, to_int
from crisp_hw.engine.content import largest_in_fiber
from crisp_hw.engine.formats import format_of
from crisp_hw.engine.instances import expansion
from crisp_hw.engine.occupancy import unconditioned_empty
from crisp_hw.engine.tiling import Sides, Tiling, keeper_below
from crisp_hw.spec.problem import Tensor
from crisp_hw.spec.sparse import SparseSpec

Extent = tuple[Int, Int]
"""Instances along x and y."""


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
    """By tensor and architecture level: mesh extents, and average shares of working instances float64[b].

    What made them: `own` are the squeezes of tensors stored with metadata, `skipped` those of the actions. An extent or
    share that nothing changes stays the object that it was.
    """

    mesh: list[list[Extent]]
    share: list[list[Float]]
    own: list[Squeeze] = field(default_factory=list)
    skipped: list[Squeeze] = field(default_factory=list)


def spatial_extent(tiling: Tiling) -> list[Extent]:
    """Mesh extents that the loops span before any skipping, by architecture level."""
    return [expansion(tiling, level) for level in range(-1, len(tiling.architecture.levels))]


def shrink(tiling: Tiling, sparse: SparseSpec) -> tuple[Shrink, dict[tuple[int, str], Float]]:
    """Extents and shares after spatial skipping, and the skip probability of each (level, target)."""
    if tiling.orders is not None:
        return _apart(tiling, sparse)
    tensors, start = tiling.problem.tensors, spatial_extent(tiling)
    state = Shrink([list(start) for _ in tensors], [[tiling.certain] * len(start) for _ in tensors])
    for t, tensor in enumerate(tensors):
        reduced = _from_storage(tiling, sparse, state, t, tensor)
        _pass_on_initial(state, t, start, reduced)
    # what the actions take away is handed inwards by itself, so the extents before them are kept for the comparison
    original = [list(mesh) for mesh in state.mesh]
    targets = _from_targets(tiling, sparse, state)
    for t, tensor in enumerate(tensors):
        _pass_on_final(state, t, original[t], {level for level, name in targets if name == tensor.name})
    index = {tensor.name: t for t, tensor in enumerate(tensors)}
    return state, {(level, name): 1.0 - state.share[index[name]][level] for level, name in targets}


def _apart(tiling: Tiling, sparse: SparseSpec) -> tuple[Shrink, dict[tuple[int, str], Float]]:
    """The same where structures differ, without the squeezes one by one; all but one question is about lanes alone."""
    names = [level.name for level in tiling.architecture.levels]
    waits = any(
        keeper_below(tiling.nest, names.index(action.level), action.options[0].target) >= 0
        for action in sparse.actions
        if action.kind == "skipping_spatial"
    )  # an element grows by the time loops that its target waits for (`_element_box`)
    parts = groups(tiling, lambda _, temporal: waits or not temporal)
    found = [shrink(group.tiling, sparse) for group in parts]
    tensors, levels = range(len(tiling.problem.tensors)), range(len(names) + 1)
    mesh = [[_extent(parts, [state.mesh[t][a] for state, _ in found]) for a in levels] for t in tensors]
    share = [[joined(parts, [state.share[t][a] for state, _ in found]) for a in levels] for t in tensors]
    return Shrink(mesh, share), {place: joined(parts, [each[place] for _, each in found]) for place in found[0][1]}


def _extent(parts: list[Group], extents: list[Extent]) -> Extent:
    x, y = (joined(parts, along) for along in zip(*extents, strict=True))
    return x, y


def _metadata_keeper(tiling: Tiling, level: int, tensor: Tensor) -> int:
    """The level at or outside `level` that keeps the tensor (the outermost level when none does)."""
    last = len(tiling.nest.keeps) - 1
    return next((k for k in range(level, last) if tensor.name in tiling.nest.keeps[k]), last)


def _has_metadata(tiling: Tiling, sparse: SparseSpec, level: int, tensor: Tensor) -> bool:
    kept = tensor.name in tiling.nest.keeps[level]
    return kept and format_of(sparse, tiling.architecture.levels[level].name, tensor.name) is not None


def _busy_share(tiling: Tiling, j: int, leader: Tensor, box: Sides) -> Float:
    """Most nonempty elements (`box` each) that the fiber of a spatial loop can hold, over its bound."""
    fiber, element = (tiling.projected(leader, sides) for sides in (tiling.grown(box, j), box))
    return floats(largest_in_fiber(leader.density, tiling.size(leader), fiber, element)) / floats(tiling.bounds[j, :])


def _squeeze(tiling: Tiling, mesh: list[Extent], j: int, share: Float) -> None:
    """Shrink one tensor's mesh below a spatial loop, to whole lanes.

    Timeloop truncates after every loop, so that loops along one axis lose more than their product would.
    """
    loop = tiling.nest.loops[j]
    x, y = mesh[loop.level]
    mesh[loop.level] = (_scaled(x, share), y) if loop.kind == "x" else (x, _scaled(y, share))


def _scaled(extent: Int, share: Float) -> Int:
    return to_int(floats(extent) * share)


def _from_storage(tiling: Tiling, sparse: SparseSpec, state: Shrink, t: int, tensor: Tensor) -> list[Bool | None]:
    """Every tensor stored with metadata shrinks the lanes that it alone decides; returns where it did (None: never)."""
    reduced: list[Bool | None] = []
    for level in range(len(tiling.nest.keeps)):
        effective = None
        if _has_metadata(tiling, sparse, _metadata_keeper(tiling, level, tensor), tensor):
            lanes = [j for j in tiling.loops(level) if tiling.active[j] and not tiling.temporal(j)]
            lanes = [j for j in lanes if tiling.relevant(j, tensor)]
            if lanes:
                effective = 1.0 - unconditioned_empty(tiling, tensor, tiling.tile_below(lanes[0], tensor))
                state.share[t][level] = effective
            # every loop over lanes squeezes the mesh by its fullest fiber, because the mapping must fit in the worst
            # case; the average share comes from the innermost alone, whose lanes are the smallest parts to be empty
            for j in lanes:
                busy = _busy_share(tiling, j, tensor, tiling.sides(j))
                _squeeze(tiling, state.mesh[t], j, busy)
                words = tiling.size_below(j, tensor)
                empty = 1.0 - state.share[t][level] if j == lanes[0] else None
                state.own.append(Squeeze(level, t, tensor.name, j, words, empty, busy))
        reduced.append(None if effective is None else effective != 1.0)
    return [*reduced, None]


def _pass_on_initial(state: Shrink, t: int, start: list[Extent], reduced: list[Bool | None]) -> None:
    """Fewer parents mean fewer children: hand each level's reduction inwards until a level has its own."""
    mesh, share = state.mesh[t], state.share[t]
    for a in range(len(mesh) - 1, 0, -1):
        ratios = _ratios(mesh[a], start[a])
        if ratios is None:
            continue
        changed = _shrunk(ratios)
        xp, hand_on = namespace(changed), changed
        for inner in range(a - 1, -1, -1):
            mesh[inner] = _changed(mesh[inner], changed, ratios)
            stops = reduced[inner]
            # a level that decides on its own share has counted the empty lanes outside it already
            if stops is not None:
                hand_on = hand_on & ~stops
            share[inner] = xp.where(hand_on, share[inner] * share[a], share[inner])


def _ratios(now: Extent, before: Extent) -> tuple[Float | None, Float | None] | None:
    """By which an extent shrank along x and y; None where nothing touched it."""
    if now[0] is before[0] and now[1] is before[1]:
        return None
    x, y = (None if new is old else ratio(new, old, 1.0) for new, old in zip(now, before, strict=True))
    return x, y


def _shrunk(ratios: tuple[Float | None, Float | None]) -> Bool:
    """Which mappings lost instances along an axis."""
    less: list[Bool] = [by != 1.0 for by in ratios if by is not None]
    return less[0] if len(less) == 1 else less[0] | less[1]


def _changed(extent: Extent, changed: Bool, ratios: tuple[Float | None, Float | None]) -> Extent:
    where = namespace(changed).where
    pairs = zip(extent, ratios, strict=True)
    x, y = (each if by is None else where(changed, _scaled(each, by), each) for each, by in pairs)
    return x, y


def _from_targets(tiling: Tiling, sparse: SparseSpec, state: Shrink) -> list[tuple[int, str]]:
    """Apply each skipping_spatial action; returns the (level, target) pairs, inner levels first."""
    names = [level.name for level in tiling.architecture.levels]
    actions = [a for a in sparse.actions if a.kind == "skipping_spatial"]
    done = []
    for action in sorted(actions, key=lambda a: names.index(a.level)):
        level, option = names.index(action.level), action.options[0]
        target = tiling.problem.tensor(option.target)
        t = tiling.problem.tensors.index(target)
        share = tiling.certain
        for name in option.condition_on:
            share = share * _leader_share(tiling, sparse, state, (t, level), tiling.problem.tensor(name))
        state.share[t][level] = share
        done.append((level, target.name))
    return done


def _leader_share(tiling: Tiling, sparse: SparseSpec, state: Shrink, place: tuple[int, int], leader: Tensor) -> Float:
    """Share of lanes that a leader keeps busy below one level; shrinks the target's mesh on the way."""
    t, level = place
    share = tiling.certain
    keeper = next((k for k in range(level, len(tiling.nest.keeps)) if leader.name in tiling.nest.keeps[k]), None)
    if keeper is None or not _has_metadata(tiling, sparse, keeper, leader):
        return share
    lanes = [j for j in tiling.loops(level) if tiling.active[j] and not tiling.temporal(j)]
    for position, j in enumerate(j for j in lanes if tiling.relevant(j, leader)):
        box = _element_box(tiling, level, j, tiling.problem.tensors[t], leader)
        element = tiling.projected(leader, box)
        if position == 0:
            share = 1.0 - unconditioned_empty(tiling, leader, element)
        busy = _busy_share(tiling, j, leader, box)
        _squeeze(tiling, state.mesh[t], j, busy)
        empty = 1.0 - share if position == 0 else None
        state.skipped.append(Squeeze(level, t, leader.name, j, element.words, empty, busy))
    return share


def _element_box(tiling: Tiling, level: int, j: int, target: Tensor, leader: Tensor) -> Sides:
    """What one lane holds while the target stays: the box below the loop, grown by the target's idle time loops."""
    box, loop = tiling.sides(j), tiling.nest.loops[j]
    if keeper_below(tiling.nest, level, target.name) < 0 or loop.dim not in target.dims & leader.dims:
        return box
    for outer in range(level, _metadata_keeper(tiling, level, target) + 1):
        for k in tiling.loops(outer):
            if tiling.temporal(k) and tiling.active[k]:
                if tiling.relevant(k, target):
                    return box
                box = tiling.grown(box, k)
    return box


def _pass_on_final(state: Shrink, t: int, original: list[Extent], targets: set[int]) -> None:
    """Hand the targets' reductions inwards, up to the next target level of the same tensor."""
    mesh, share = state.mesh[t], state.share[t]
    for a in range(len(mesh) - 1, 0, -1):
        ratios = _ratios(mesh[a], original[a])
        if ratios is None:
            continue
        changed = _shrunk(ratios)
        crossed = False
        for inner in range(a - 1, -1, -1):
            crossed = crossed or inner in targets
            if not crossed:
                share[inner] = namespace(changed).where(changed, share[inner] * share[a], share[inner])
            mesh[inner] = _changed(mesh[inner], changed, ratios)
