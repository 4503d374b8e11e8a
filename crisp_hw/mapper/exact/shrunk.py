"""Spatial skipping: how many lanes a mapping may have at most, and what share of the instances works at least.

The engine squeezes empty lanes out (`engine.safs.spatial`): a loop over lanes of a leader keeps the fullest fiber in
the worst case, and on average the lanes that are not empty. Both are at least the share of the leader's words that are
not zero: the fullest fiber holds no smaller share than the mean, loop by loop, and a lane of several words is empty no
more often than a word is zero.
"""

from functools import lru_cache
from math import prod

import numpy as np

from crisp_hw.engine.content import mean_density
from crisp_hw.engine.formats import format_of
from crisp_hw.engine.tiling import projected_size
from crisp_hw.mapper.fits import shrinking_levels
from crisp_hw.mapper.space import Space
from crisp_hw.spec.patterns import FixedStructured, Hypergeometric
from crisp_hw.spec.problem import Problem, Tensor

MOST_LOOKED_AT = 1024  # lanes of which every quotient is tried


def density_at_least(problem: Problem, tensor: Tensor) -> float:
    """The share of a tensor's words that are not zero; 0 where it depends on the shape of a tile."""
    if not isinstance(tensor.density, FixedStructured | Hypergeometric):
        return 0.0
    return min(1.0, mean_density(tensor, int(projected_size(problem, tensor, problem.bounds))))


def most_lanes(space: Space, level: int, fanout: int) -> int | None:
    """The most lanes along an axis of a level that has so many; None: any number.

    Timeloop asks this of every tensor (validity.lanes_per_parent), so that the one that shrinks least decides.
    """
    if level not in shrinking_levels(space):
        return fanout
    found = []
    for tensor in space.design.problem.tensors:
        leaders = _leaders(space, level, tensor)
        left = prod(density_at_least(space.design.problem, leader) for leader in leaders or ())
        if leaders is not None and left > 0:
            found.append(int((fanout + _truncated(space, leaders, fanout / left)) / left))
    return min(found, default=None)


def stay(space: Space, level: int, fanout: int) -> list[tuple[tuple[str, ...], int]]:
    """Dimensions whose loops over lanes never lose any for some tensor, and the most of these lanes along an axis."""
    problem, found = space.design.problem, []
    for tensor in problem.tensors if level in shrinking_levels(space) else ():
        leaders = _leaders(space, level, tensor)
        if leaders is not None:
            squeezed = frozenset[str]().union(*(leader.dims for leader in leaders))
            dims = tuple(dim for dim in problem.dims if dim not in squeezed)
            found.append((dims, fanout + _truncated(space, leaders, 2.0 * fanout)))
    return found


def _leaders(space: Space, level: int, tensor: Tensor) -> list[Tensor] | None:
    """What squeezes the lanes of a tensor in a level; None where those further out may have shrunk, too."""
    outer = [block.level for block in space.blocks if block.kind == "spatial" and block.level > level]
    return None if any(_squeezers(space, each, tensor) for each in outer) else _squeezers(space, level, tensor)


def _truncated(space: Space, leaders: list[Tensor], most: float) -> int:
    """The lanes that rounding takes at most: one for every dimension of a leader of which b lanes times the float k / b
    may come out below k, and one for what is below a whole parent.
    """
    problem = space.design.problem
    dims = [dim for leader in leaders for dim in sorted(leader.dims)]
    lost = sum(_inexact(problem.bound(dim), int(min(most, MOST_LOOKED_AT))) for dim in dims)
    return lost + (lost > 0)


@lru_cache(maxsize=1024)
def _inexact(bound: int, most: int) -> bool:
    if most >= MOST_LOOKED_AT:
        return True
    for b in (b for b in range(2, min(bound, most) + 1) if bound % b == 0):
        lanes, kept = np.arange(b, most + 1, b)[:, None], np.arange(1, b + 1)[None]
        if (np.floor(lanes * (kept / b)) != lanes // b * kept).any():
            return True
    return False


def _squeezers(space: Space, level: int, tensor: Tensor) -> list[Tensor]:
    """The tensors whose empty tiles may take lanes of a level away: in a format its own, a leader the target's."""
    problem, names = space.design.problem, [each.name for each in space.design.architecture.levels]
    stored = (format_of(space.design.sparse, name, tensor.name) is not None for name in names[level:])
    found = [tensor] if any(stored) else []
    for action in space.design.sparse.actions:
        option = action.options[0]
        if (action.kind, action.level, option.target) == ("skipping_spatial", names[level], tensor.name):
            found += [problem.tensor(name) for name in option.condition_on]
    return found


def at_work(space: Space, tensor: Tensor) -> tuple[float, ...]:
    """Of the instances of each level, innermost first, the share that works at least for a tensor, on average.

    Every level that takes lanes away hands that on to all levels inside it, some more than once: as the engine does,
    first what formats take, then what actions do.
    """
    top = len(space.keeps)
    if not shrinking_levels(space):
        return (1.0,) * top
    fed = {block.level for block in space.blocks if block.kind == "spatial"}
    share = [1.0] * (top + 1)
    for of_actions in (False, True):
        for level in fed:
            leaders = _squeezers(space, level, tensor)
            own = [leader for leader in leaders if (leader is not tensor) == of_actions]
            share[level] *= prod(density_at_least(space.design.problem, leader) for leader in own)
        for outer in range(top, 0, -1):
            for inner in range(outer):
                share[inner] *= share[outer]
    return tuple(share[1:])
