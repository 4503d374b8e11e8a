"""A mapspace as a chain of steps: what tiles take, what words cost, and which factors every block allows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.content import fullest_at_least
from crisp_hw.engine.validity import capacity_limits
from crisp_hw.mapper.chains.labels import Labels
from crisp_hw.mapper.chains.left import Deciding, Left
from crisp_hw.mapper.chains.mesh import Mesh
from crisp_hw.mapper.chains.prices import Costing, Narrow, Prices
from crisp_hw.mapper.chains.weights import Weights
from crisp_hw.mapper.exact.covers import passed_to_macs
from crisp_hw.mapper.exact.program import EXACT
from crisp_hw.mapper.exact.shrunk import density_at_least
from crisp_hw.mapper.space import LoopBlock, Space
from crisp_hw.spec.problem import Tensor

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Kept = tuple[int, ...]
Lefts = tuple[tuple[Left, ...], ...]


@dataclass(frozen=True)
class Room:
    """Words that a level takes at most (None: any number) and at least."""

    most: int | None
    least: int


@dataclass(frozen=True)
class Chain:
    """The space of some choices of keep and bypass: `keeps[l]` are the sets of tensors that level l may keep, `weights`
    what counts of a word at least. Ports count where they are said to (`timed`).
    """

    space: Space
    keeps: tuple[tuple[Kept, ...], ...]
    weights: Weights
    timed: bool = False

    @property
    def dims(self) -> tuple[str, ...]:
        """The dimensions."""
        return self.space.design.problem.dims

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors."""
        return self.space.design.problem.tensors

    @property
    def top(self) -> int:
        """The outermost level."""
        return len(self.space.keeps) - 1

    @cached_property
    def divisors(self) -> tuple[Ints, ...]:
        """What may be left of every dimension inside of some loops."""
        bounds = self.space.design.problem.bounds
        return tuple(np.array([n for n in range(1, bound + 1) if bound % n == 0]) for bound in bounds)

    @cached_property
    def strides(self) -> tuple[int, ...]:
        """By how much the number of an extent grows with the place of each dimension's divisor."""
        sizes = [len(each) for each in self.divisors]
        return tuple(prod(sizes[d + 1 :]) for d in range(len(sizes)))

    @cached_property
    def extents(self) -> Ints:
        """Every extent by its number, int64[extents, dims]; the last one is the whole problem."""
        return np.array(list(product(*self.divisors)), dtype=np.int64).reshape(-1, len(self.dims))

    @cached_property
    def own(self) -> NDArray[np.bool_]:
        """Which dimensions are a tensor's, bool[tensors, dims]."""
        return np.array([[dim in tensor.dims for dim in self.dims] for tensor in self.tensors])

    @cached_property
    def tiles(self) -> Ints:
        """Words of every tensor's tile, int64[extents, tensors]."""
        return np.stack([self.extents[:, mine].prod(axis=1) for mine in self.own], axis=1)

    @cached_property
    def others(self) -> Ints:
        """Products of the dimensions that are not a tensor's, int64[extents, tensors]."""
        return np.stack([self.extents[:, ~mine].prod(axis=1) for mine in self.own], axis=1)

    @cached_property
    def outputs(self) -> tuple[int, ...]:
        """The tensors that are written."""
        return tuple(t for t, tensor in enumerate(self.tensors) if tensor.is_output)

    @cached_property
    def computes(self) -> int:
        """Multiply-accumulates."""
        return prod(self.space.design.problem.bounds)

    @property
    def compute_pj(self) -> float:
        """Their energy."""
        return self.weights.compute_pj

    @property
    def busy(self) -> float:
        """Those that take a cycle."""
        return self.computes * self.weights.busy

    @cached_property
    def passed(self) -> tuple[int, ...]:
        """The tensors of which MACs take from their neighbours what stands still: as if MACs kept them."""
        names = passed_to_macs(self.space)
        return tuple(t for t, tensor in enumerate(self.tensors) if tensor.name in names)

    @cached_property
    def words(self) -> Ints:
        """Words of every tensor."""
        found: Ints = self.tiles[-1]
        return found

    @cached_property
    def rooms(self) -> tuple[Room, ...]:
        """The sizes of the levels."""
        levels = zip(self.space.design.architecture.levels, self.space.least_words, strict=True)
        return tuple(
            Room(None if level.size_words is None else int(capacity_limits(level)[0]), least) for level, least in levels
        )

    @cached_property
    def allowed(self) -> Floats:
        """The most lanes of all levels together where what is inside of the innermost fanout spans an extent,
        float64[extents].
        """
        together, problem = self.mesh.together, self.space.design.problem
        if not together.squeezers:
            return np.full(len(self.extents), np.inf)
        places = {tensor.name: t for t, tensor in enumerate(self.tensors)}
        found = together.allowed(
            lambda one: self.tiles[:, places[one.name]].astype(np.float64), lambda one: density_at_least(problem, one)
        )
        return np.broadcast_to(found * (1 + EXACT), len(self.extents))

    def may_keep(self, level: int, tensor: int) -> bool:
        """May a level keep a tensor?"""
        return any(tensor in kept for kept in self.keeps[level])

    @cached_property
    def mesh(self) -> Mesh:
        """Its lanes."""
        return Mesh(self.space, tuple(self.factors(level, "spatial") for level in range(self.top + 1)))

    def lanes(self, level: int) -> tuple[tuple[int, ...], ...]:
        """The factors of all dimensions that a level's spatial block may have, each dimension along one axis."""
        return self.mesh.lanes(level)

    @property
    def lanes_inside(self) -> tuple[int, ...]:
        """The most lanes that the levels below each have, from level 0 on; the last number is the most of all."""
        return self.mesh.inside

    @cached_property
    def costs(self) -> Costing:
        """What words cost, and how long they take."""
        instances = np.array([self.mesh.outside(level) for level in range(self.top + 1)])
        return Costing(self.space.design, self.weights, instances, self.timed)

    @cached_property
    def prices(self) -> Prices:
        """pJ of words, of which as much is left as the weights say."""
        return self.costs.prices

    @cached_property
    def narrow(self) -> Narrow:
        """The ports that count."""
        return self.costs.narrow

    @cached_property
    def left(self) -> tuple[Lefts, Lefts, Lefts]:
        """What SAFs leave of words by level and tensor: of those that are sent, that take time, that fill a level."""
        deciding = Deciding(self.space.design.problem, self.tiles)
        sent, through, filled = (
            tuple(tuple(deciding.left(each, t) for t, each in enumerate(level)) for level in acts)
            for acts in self.weights.acts
        )
        return sent, through, filled

    @cached_property
    def streams(self) -> tuple[int, ...]:
        """The tensors that MACs hand on and of which SAFs leave out words, by lanes alone where no level keeps them."""
        return tuple(t for t in self.passed if any(level[t].acts_here for left in self.left[:2] for level in left))

    @cached_property
    def held(self) -> tuple[int, ...]:
        """The tensors of which less moves where their tiles are empty."""
        every = range(len(self.tensors))
        return tuple(t for t in every if any(level[t].held for left in self.left for level in left))

    def filled(self, tensor: int) -> Floats:
        """How often tiles of such a tensor are not empty at least, by extent."""
        return next(level[tensor].filled for left in self.left for level in left if level[tensor].held)

    def share(self, place: int, level: int, tensor: int, where: tuple[Floats, Ints | int]) -> Floats | float:
        """Of a tensor's words at `PLACES[place]` of a level what is left, by the words of tiles and the extent."""
        return self.left[place][level][tensor].share(*where)

    def share_of(self, place: int, outer: Labels, tensor: int, words: Floats) -> Floats | float:
        """The same of the nearest keeper of outer labels."""
        lefts, keeper = [level[tensor] for level in self.left[place]], outer.keeper[:, tensor]
        if all(left.whole for left in lefts):
            return 1.0
        found = np.ones(len(keeper))
        for level in np.unique(keeper).tolist():
            rows = keeper == level
            found[rows] = lefts[level].share(words[rows], outer.extent[rows], outer.held[rows, tensor])
        return found

    def block(self, level: int, kind: str) -> int | None:
        """The place of a block in the space; None where a level does not fan out."""
        return next((i for i, b in enumerate(self.space.blocks) if (b.level, b.kind) == (level, kind)), None)

    def factors(self, level: int, kind: str) -> tuple[Ints, ...]:
        """What every dimension's factor may be in a block."""
        place = self.block(level, kind)
        if place is None:
            return (np.ones(1, dtype=np.int64),) * len(self.dims)
        return tuple(np.unique(self.space.factors[dim][:, place]) for dim in self.dims)

    def moved(self, dim: int, factor: int, outward: bool) -> Ints:
        """By how much the number of an extent changes when a factor of a dimension is taken off (or put on), by the
        place of its divisor; -1 for "not at all possible" is `MISSING`.
        """
        known, found = {int(n): i for i, n in enumerate(self.divisors[dim])}, []
        for place, n in enumerate(self.divisors[dim].tolist()):
            wanted = n * factor if outward else (n // factor if n % factor == 0 else 0)
            found.append((known[wanted] - place) * self.strides[dim] if wanted in known else MISSING)
        return np.array(found, dtype=np.int64)

    def place(self, extent: Ints, dim: int) -> Ints:
        """The places of a dimension's divisors in some extents."""
        found: Ints = (extent // self.strides[dim]) % len(self.divisors[dim])
        return found


def fitting(chain: Chain, room: Room, level: int, kept: Kept) -> NDArray[np.bool_]:
    """The extents whose tiles of some tensors a level has room for, and that fill it as they must, bool[extents]."""
    tiles, problem = chain.tiles[:, list(kept)], chain.space.design.problem
    enough: NDArray[np.bool_] = tiles.sum(axis=1) >= room.least
    if room.most is None:
        return enough
    held = np.zeros(len(tiles), dtype=np.int64)
    for t, words in zip(kept, tiles.T, strict=True):
        packed = chain.weights.packed[level, t]
        held += fullest_at_least(problem.tensors[t].density, int(chain.words[t]), words) if packed else words
    return enough & (held <= room.most)


def handed_on(chain: Chain, level: int, share: Ints) -> NDArray[np.bool_]:
    """Of which tensors lanes below a level, of which so many share a word, may take from their neighbours what stands
    still, bool[tensors]: where MACs hand words on, one needs another that held the same word.
    """
    found: NDArray[np.bool_] = (share > 1) | (level > 0)
    return found


MISSING = -(1 << 60)


def ranks(block: LoopBlock, dims: Sequence[str]) -> tuple[int, ...]:
    """Where the order of a block puts each dimension, innermost 0; equal where either may stand inside."""
    free = len(block.fixed)
    found = dict.fromkeys(block.free, free)
    found.update({dim: place for place, dim in enumerate(block.fixed)})
    found.update({dim: free + 1 + place for place, dim in enumerate(block.last)})
    return tuple(found[dim] for dim in dims)
