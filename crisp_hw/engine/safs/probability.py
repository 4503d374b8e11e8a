"""Storage SAFs: the probability that an access is ineffectual (docs/model.md, section 6.2).

Timeloop: sparse-analysis/storage-gs-analyzer.cpp, ComputeIneffectualReadImpact.
"""

from dataclasses import dataclass

from crisp_hw.engine.apart import groups, joined
from crisp_hw.engine.arrays import Bool, Float, Int, ceil, floats, to_int
from crisp_hw.engine.occupancy import unconditioned_empty
from crisp_hw.engine.tiling import COMPUTE, Sides, Tiling, keeper_below
from crisp_hw.spec.patterns import Banded
from crisp_hw.spec.problem import Tensor
from crisp_hw.spec.sparse import Condition


@dataclass(frozen=True)
class Leader:
    """What decides about the target: a leader's tile of `words` int64[b] and P(it is empty); None: not usable.

    `unknown` bool[b]: the tile reaches beyond a banded matrix, where Timeloop divides by zero (None: nowhere).
    """

    name: str
    words: Int | None
    empty: Float
    unknown: Bool | None = None


@dataclass(frozen=True)
class Impact:
    """One SAF at work: the level that keeps the target, and the probability float64[b] that an access is avoided.

    `loops` are those that one access of the target spans, the target loop first (only it, where `scalar`: one point).
    """

    level: int
    target: str
    probability: Float
    leaders: tuple[Leader, ...] = ()
    loops: tuple[int, ...] = ()
    scalar: bool = False


@dataclass(frozen=True)
class _Reach:
    """The target loop, and the loops whose joint tile of a leader must be empty for the target to be avoidable."""

    loop: int
    scalar: bool
    extra: tuple[int, ...]


@dataclass(frozen=True)
class _CoIterated:
    """The box that one access to the target covers, and per dimension the factors walked together with the leader."""

    base: Sides
    factors: dict[str, Int]


def saf_impact(tiling: Tiling, level: int, condition: Condition) -> Impact:
    """Probability that reads of the target at (or next outside) `level` are ineffectual.

    1 - prod over leaders of (1 - P(the leader's tile is empty)).
    """
    target = tiling.problem.tensor(condition.target)
    if tiling.orders is not None:
        return _apart(tiling, level, condition)
    keeper = next(k for k in range(level, len(tiling.nest.keeps)) if target.name in tiling.nest.keeps[k])
    child = keeper_below(tiling.nest, keeper, target.name)
    reach = _reach(tiling, keeper, child, target)
    leaders = tuple(_leader(tiling, keeper, reach, target, name) for name in condition.condition_on)
    effectual = tiling.certain
    for leader in leaders:
        effectual = effectual * (1.0 - leader.empty)
    return Impact(keeper, target.name, 1.0 - effectual, leaders, (reach.loop, *reach.extra), reach.scalar)


def _apart(tiling: Tiling, level: int, condition: Condition) -> Impact:
    """The same where structures differ; without the leaders one by one."""
    target = condition.target
    keeper = next(k for k in range(level, len(tiling.nest.keeps)) if target in tiling.nest.keeps[k])
    child = keeper_below(tiling.nest, keeper, target)
    between = range(tiling.start(child + 1), tiling.ends[keeper])
    # a loop that does nothing is the target loop at most where the level below is the MACs, or no loop moves the target
    moved = tiling.product_over(between, tiling.problem.tensor(target)) > 1
    idle = moved if child != COMPUTE else None
    parts = groups(tiling, lambda at, temporal: child < at <= keeper, axes=False, idle=idle)
    found = [saf_impact(group.tiling, level, condition).probability for group in parts]
    return Impact(keeper, target, joined(parts, found))


def _leader(tiling: Tiling, keeper: int, reach: _Reach, target: Tensor, name: str) -> Leader:
    """The tile of one leader, and how often it is empty (never, as far as the SAF knows, when it cannot be used)."""
    leader = tiling.problem.tensor(name)
    box = _leader_box(tiling, keeper, reach, target, leader)
    if box is None:
        return Leader(name, None, tiling.never)
    tile, beyond = tiling.projected(leader, box), None
    if isinstance(leader.density, Banded):
        beyond = tiling.never > 0
        for extent in tile.extents:
            beyond = beyond | (extent * extent > tiling.size(leader))
    return Leader(name, tile.words, unconditioned_empty(tiling, leader, tile), beyond)


def _target_loop(tiling: Tiling, keeper: int, child: int, target: Tensor) -> tuple[int, bool]:
    """The loop between two deliveries of the target, and whether it is so fine that one point counts (scalar)."""
    for level in range(child + 1, keeper + 1):
        loops = tiling.loops(level)
        for j in loops:
            moves = tiling.active[j] and tiling.relevant(j, target)
            if child != COMPUTE:
                if moves:
                    return j, False
                continue
            last_spatial = j + 1 not in loops or tiling.temporal(j + 1)
            if last_spatial or moves:
                return j, last_spatial and tiling.temporal(j)
    return tiling.loops(keeper)[-1], False


def _reach(tiling: Tiling, keeper: int, child: int, target: Tensor) -> _Reach:
    """Loops outside the target loop that share its access: all spatial ones, and temporal ones of its stationarity."""
    loop, scalar = _target_loop(tiling, keeper, child, target)
    spatial = not tiling.temporal(loop)
    stationary, extra = spatial, []
    for j in range(loop + 1, tiling.ends[keeper]):
        if not tiling.active[j]:
            continue
        temporal, relevant = tiling.temporal(j), tiling.relevant(j, target)
        if not temporal or (stationary and child != COMPUTE and not relevant):
            extra.append(j)
        if temporal and spatial and (child == COMPUTE or relevant):
            stationary = False
    return _Reach(loop, scalar, tuple(extra))


def _leader_box(tiling: Tiling, keeper: int, reach: _Reach, target: Tensor, leader: Tensor) -> Sides | None:
    """Operation-space box whose leader tile decides; None when the leader cannot be used."""
    base = tiling.sides(0) if reach.scalar else tiling.sides(reach.loop + 1)
    box = base
    for j in reach.extra:
        box = tiling.grown(box, j)
    where = (reach.loop, target)
    if reach.scalar:
        return _undo_co_iteration(tiling, keeper, where, box, _CoIterated(base, {}))
    shared = target.dims & leader.dims
    factors: dict[str, Int] = {}
    for j in (reach.loop, *reach.extra):
        dim = tiling.nest.loops[j].dim
        if not tiling.temporal(reach.loop) and factors and dim in leader.dims:
            return None
        if dim in shared:
            factors[dim] = tiling.bounds[j, :] if dim not in factors else factors[dim] * tiling.bounds[j, :]
    return _undo_co_iteration(tiling, keeper, where, box, _CoIterated(base, factors))


def _undo_co_iteration(tiling: Tiling, keeper: int, where: tuple[int, Tensor], box: Sides, co: _CoIterated) -> Sides:
    """Undo the co-iterated factors, as far as the block that one access moves allows."""
    dims, block = tiling.problem.dims, tiling.architecture.levels[keeper].block_size
    (loop, target), sides, xp = where, list(box), tiling.xp
    words = floats(tiling.projected(target, co.base).words)
    if co.factors:
        steps = tiling.ones
        for factor in co.factors.values():
            steps = factor if steps is tiling.ones else steps * factor
        words = words / floats(steps)
    scale = xp.ceil(block / words)
    for index, dim in enumerate(dims):
        if dim in co.factors:
            walked = floats(co.factors[dim])
            sides[index] = ceil(floats(sides[index]) / (walked / scale))
            scale = scale / walked
    index = dims.index(tiling.nest.loops[loop].dim)
    sides[index] = xp.where(scale > 1, to_int(floats(sides[index]) * scale), sides[index])
    return sides
