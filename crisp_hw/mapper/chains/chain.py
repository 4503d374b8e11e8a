"""A mapspace as a chain of steps: what tiles take, what words cost, and which factors every block allows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.energy import action_energy, compute_energy, resolved
from crisp_hw.engine.validity import capacity_limits
from crisp_hw.mapper.exact.sides import sides
from crisp_hw.mapper.space import LoopBlock, Space
from crisp_hw.spec.problem import Tensor

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Kept = tuple[int, ...]


@dataclass(frozen=True)
class Prices:
    """pJ per word of every level, innermost first (an access moves a block, a cluster shares one at best), and pJ per
    cycle of an instance at work.
    """

    reads: Floats
    fills: Floats
    updates: Floats
    leaks: Floats


@dataclass(frozen=True)
class Room:
    """Words that a level takes at most (None: any number) and at least."""

    most: int | None
    least: int


@dataclass(frozen=True)
class Chain:
    """The space of some choices of keep and bypass: `keeps[l]` are the sets of tensors that level l may keep."""

    space: Space
    keeps: tuple[tuple[Kept, ...], ...]

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

    @cached_property
    def compute_pj(self) -> float:
        """Their energy."""
        design = self.space.design
        return self.computes * compute_energy(design.energy, design.architecture.compute, "random")

    @cached_property
    def prices(self) -> Prices:
        """What words cost."""
        design = self.space.design
        table, levels = resolved(design.energy, design.rules), design.architecture.levels
        reads, fills, updates = (
            np.array([action_energy(table, lv, "random", op) / (lv.block_size * lv.cluster_size) for lv in levels])
            for op in ("reads", "fills", "updates")
        )
        leaks = np.array([design.energy.actions.get(level.name, {}).get("leak", 0.0) for level in levels])
        return Prices(reads, fills, updates, leaks)

    @cached_property
    def sends(self) -> Floats:
        """pJ of a word that a level sends inwards, float64[levels, tensors]; an output's comes back as well."""
        written = np.array([tensor.is_output for tensor in self.tensors])
        found: Floats = self.prices.reads[:, None] + self.prices.updates[:, None] * written
        return found

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
    def lanes_inside(self) -> tuple[int, ...]:
        """The most lanes that the levels below each have, from level 0 on; the last number is all there are."""
        fans = [prod(fanout) for fanout in self.space.design.architecture.fanouts]
        return tuple(prod(fans[:level]) for level in range(len(fans) + 1))

    def block(self, level: int, kind: str) -> int | None:
        """The place of a block in the space; None where a level does not fan out."""
        return next((i for i, b in enumerate(self.space.blocks) if (b.level, b.kind) == (level, kind)), None)

    def factors(self, level: int, kind: str) -> tuple[Ints, ...]:
        """What every dimension's factor may be in a block."""
        place = self.block(level, kind)
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

    def lanes(self, level: int) -> tuple[tuple[int, ...], ...]:
        """The factors of all dimensions that a level's spatial block may have, each dimension along one axis."""
        block = self.block(level, "spatial")
        if block is None:
            return ((1,) * len(self.dims),)
        fanout = self.space.design.architecture.fanouts[level]
        allowed, found = self.factors(level, "spatial"), dict[tuple[int, ...], None]()
        for side in sides(self.space.blocks[block], frozenset(self.dims)):
            axes = [[axis for axis, on in enumerate((side.along_x, side.along_y)) if d in on] for d in self.dims]
            for where in product(*axes):
                options = [[f for f in allowed[d].tolist() if f <= fanout[axis]] for d, axis in enumerate(where)]
                for chosen in product(*options):
                    along = [prod(f for f, a in zip(chosen, where, strict=True) if a == axis) for axis in (0, 1)]
                    if along[0] <= fanout[0] and along[1] <= fanout[1]:
                        found[chosen] = None
        return tuple(found)


MISSING = -(1 << 60)


def ranks(block: LoopBlock, dims: Sequence[str]) -> tuple[int, ...]:
    """Where the order of a block puts each dimension, innermost 0; equal where either may stand inside."""
    free = len(block.fixed)
    found = dict.fromkeys(block.free, free)
    found.update({dim: place for place, dim in enumerate(block.fixed)})
    found.update({dim: free + 1 + place for place, dim in enumerate(block.last)})
    return tuple(found[dim] for dim in dims)
