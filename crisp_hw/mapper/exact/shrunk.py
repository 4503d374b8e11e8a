"""Spatial skipping: how many lanes a mapping may have at most, and what share of the instances works at least.

The engine squeezes empty lanes out (`engine.safs.spatial`): a loop over lanes of a leader keeps the fullest fiber in
the worst case, and on average the lanes that are not empty. Both are at least the share of the leader's words that are
not zero: the fullest fiber holds no smaller share than the mean, loop by loop, and a lane of several words is empty no
more often than a word is zero.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.content import mean_density
from crisp_hw.engine.formats import format_of
from crisp_hw.engine.tiling import projected_size
from crisp_hw.mapper.fits import shrinking_levels
from crisp_hw.mapper.space import Space
from crisp_hw.spec.arch import ComputeLevel, StorageLevel
from crisp_hw.spec.patterns import FixedStructured, Hypergeometric
from crisp_hw.spec.problem import Problem, Tensor

Floats = NDArray[np.float64]

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


@dataclass(frozen=True)
class Together:
    """Of all levels together: the most lanes that a mapping may have, empty ones included, and the most MACs at work
    on average; inf where that is not known. `places` are those of the mesh, `squeezers` what takes its lanes from every
    tensor inside of the level `inner`.
    """

    lanes: float
    working: float
    inner: int = 0
    places: float = np.inf
    squeezers: tuple[tuple[Tensor, ...], ...] = ()

    def allowed(self, words: Callable[[Tensor], Floats], density: Callable[[Tensor], float]) -> Floats:
        """The most lanes where a lane of the innermost fanout holds so many words of a tensor."""
        kept = [
            np.prod([np.minimum(1.0, density(one) * words(one)) for one in each], axis=0) for each in self.squeezers
        ]
        found: Floats = self.places / np.max(np.stack(np.broadcast_arrays(*kept)), axis=0)
        return found


def most_together(space: Space) -> Together:
    """What the mesh of the innermost fanout, on which every tensor must find room, says of all lanes outside of it.

    Of a fixed structure with density d the loop j over b lanes of w words keeps min(b, ceil(d w b)) of them at most. A
    product of these shares over nested loops is no less than d w of the innermost one, nor than 1 / b of all: where a
    loop keeps all, d w b > 1, and those outside of it keep all as well; where it keeps some, w grows by b. And d w is
    what works on average, at the innermost loop alone. So no more MACs work than the mesh has, and no more lanes than
    that divided by d of what squeezes them. Where tiles slide, words grow by less than b; with levels between two
    fanouts the engine hands some shares on twice.
    """
    architecture, fed = space.design.architecture, [b.level for b in space.blocks if b.kind == "spatial"]
    if not shrinking_levels(space):
        return Together(np.inf, np.inf)
    inner = min(fed)
    mesh: StorageLevel | ComputeLevel = architecture.levels[inner - 1] if inner else architecture.compute
    places = float(mesh.mesh_x * mesh.mesh_y)
    passes = [_passes(space, tensor) for tensor in space.design.problem.tensors]
    squeezers = [leader for each in passes for leader in each]
    plain = [each for each in squeezers if all(len(rank) == 1 for rank in each.ranks)]
    densities = [each.density for each in plain if isinstance(each.density, FixedStructured)]
    if len(densities) < len(squeezers) or max(fed) - inner > 1 or any(len(each) > 1 for each in passes):
        return Together(np.inf, np.inf)
    problem = space.design.problem
    left = [prod(density_at_least(problem, leader) for leader in each) for each in passes]
    lost = 2 * len(problem.dims) + 2  # lanes that rounding may take: one for every loop over lanes, and on handing on
    whole = prod(problem.bound(dim) for leader in squeezers for dim in leader.dims)
    most = (max(mesh.mesh_x, mesh.mesh_y) + lost) / min(left) if min(left) > 0 else np.inf
    if any(_rounded(whole, density, int(min(most, MOST_LOOKED_AT))) for density in densities):
        return Together(np.inf, np.inf)
    return Together(min(places / each for each in left), places, inner, places, tuple(map(tuple, passes)))


def _passes(space: Space, tensor: Tensor) -> list[Tensor]:
    """What squeezes the lanes of a tensor in any level, once each: its own format, and leaders of actions on it."""
    problem = space.design.problem
    own = [tensor] if any(form.tensor == tensor.name for form in space.design.sparse.formats) else []
    options = [each.options[0] for each in space.design.sparse.actions if each.kind == "skipping_spatial"]
    return own + [problem.tensor(name) for one in options if one.target == tensor.name for name in one.condition_on]


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


@lru_cache(maxsize=1024)
def _rounded(whole: int, density: FixedStructured, most: int) -> bool:
    """May floats take a lane where some of at most so many lanes stay, of loops whose bounds divide a number?"""
    if most >= MOST_LOOKED_AT:
        return True
    words, d = range(1, int(1 / density.density) + 2), density.density
    loops = {(b, int(np.ceil(float(b * w) * d))) for b in range(2, most + 1) if whole % b == 0 for w in words}
    kept, fresh = {(1, 1)}, {(1, 1)}
    while fresh:
        fresh = {(b * c, k * n) for b, k in loops if k < b for c, n in fresh if b * c <= most} - kept
        kept |= fresh
    for b, k in kept:
        lanes = np.arange(b, most + 1, b)
        if (np.floor(lanes * (k / b)) != lanes // b * k).any():
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
