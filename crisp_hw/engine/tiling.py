"""Mapping to tiles: what each loop covers, how often data is delivered, and how many instances work.

The engine keeps the batch axis **last**: every count of every mapping then lies in one contiguous row, which is what
vector units want. Where all mappings share the loops that do something (bound > 1) and their order, every decision
about the *structure* is taken once, in plain Python, and only arithmetic runs over the batch; equal things are one
object, so that loops that do nothing cost nothing. Where structures differ (`Tiling.orders`), decisions are arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np

from crisp_hw.engine.arrays import Bool, Float, Int, floats, like, namespace, on_host
from crisp_hw.engine.place import Counts, Place, Sides, Tile, projected_size, rank_extents
from crisp_hw.engine.structures import Orders
from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.dialect import HEAD, Rules
from crisp_hw.spec.mapping import LoopNest
from crisp_hw.spec.problem import Problem, Tensor

__all__ = [
    "COMPUTE",
    "Bool",
    "Counts",
    "Float",
    "Int",
    "Place",
    "Sides",
    "Tile",
    "Tiling",
    "projected_size",
    "rank_extents",
]

COMPUTE = -1
"""The pseudo-level below storage level 0."""


@dataclass(frozen=True)
class Tiling:
    """A batch of mappings with equal structure; `bounds[j]` is int64[b], the bound of loop j, innermost first.

    `residuals` is like `bounds`, or None where every loop always runs to its bound (see `Mapping`).
    `rules` says what the program whose numbers are wanted does where programs differ. With `costs_only`, counts that
    cost nothing (entries of ranks without bits) are left out. With `orders`, the mappings are of several structures put
    `side_by_side`, and what a loop runs over is said there, not in the nest. `acting` says which loops do something
    where the first mapping does not say it for all.

    >>> from crisp_hw.spec.mapping import Loop
    >>> from crisp_hw.spec.problem import Term
    >>> from crisp_hw.spec.arch import ComputeLevel, StorageLevel
    >>> a = Tensor("A", ((Term("M"),), (Term("K"),)))
    >>> nest = LoopNest((Loop(0, "K", "temporal"), Loop(0, "M", "temporal")), (frozenset("A"),))
    >>> t = Tiling(Problem("mv", ("M", "K"), (2, 3), (a,)), Architecture((StorageLevel("RF"),), ComputeLevel()),
    ...            nest, np.array([[3], [2]]))
    >>> t.tile(0, a).tolist(), t.box(1).tolist()  # words in level 0; extent of M, K below loop 1
    ([6], [[1], [3]])
    """

    problem: Problem
    architecture: Architecture
    nest: LoopNest
    bounds: Int
    residuals: Int | None = None
    rules: Rules = HEAD
    costs_only: bool = False
    orders: Orders | None = None
    acting: tuple[bool, ...] | None = None

    @cached_property
    def xp(self) -> Any:
        """The array-API functions for these arrays."""
        return namespace(self.bounds)

    @cached_property
    def batch(self) -> int:
        """Number of mappings."""
        return int(self.bounds.shape[1])

    @cached_property
    def active(self) -> tuple[bool, ...]:
        """Does loop j do something? (The same for the whole batch, but for `orders`: in some mapping.)"""
        if self.orders is not None:
            return (True,) * len(self.nest.loops)
        if self.acting is not None:
            return self.acting
        return tuple(bound > 1 for bound in on_host(self.bounds[:, 0]).tolist())

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """Index of the first loop outside each level: level l owns loops ends[l - 1] .. ends[l] - 1."""
        counts = [0] * len(self.architecture.levels)
        for loop in self.nest.loops:
            counts[loop.level] += 1
        return tuple(accumulate(counts))

    @cached_property
    def ones(self) -> Int:
        """int64[b] of ones."""
        ones: Int = self.xp.ones_like(self.bounds[0, :])
        return ones

    @cached_property
    def zeros(self) -> Int:
        """int64[b] of zeros."""
        zeros: Int = self.xp.zeros_like(self.ones)
        return zeros

    @cached_property
    def certain(self) -> Float:
        """float64[b] of ones."""
        return floats(self.ones)

    @cached_property
    def never(self) -> Float:
        """float64[b] of zeros."""
        return floats(self.zeros)

    @cached_property
    def _moving(self) -> tuple[tuple[int, ...], tuple[Sides, ...]]:
        """Per loop index: the loops that do something below it, counted, and the box that they cover."""
        if self.orders is not None:
            return tuple(range(len(self.bounds) + 1)), self.orders.boxes(self.bounds, len(self.problem.dims))
        place = self.problem.place
        box, counts, boxes = (self.ones,) * len(place), [0], [(self.ones,) * len(place)]
        for j, loop in enumerate(self.nest.loops):
            if self.active[j]:
                box = _grown(box, place[loop.dim], self.bounds[j, :], self.ones)
            counts.append(counts[-1] + self.active[j])
            boxes.append(box)
        return tuple(counts), tuple(boxes)

    @cached_property
    def _tiles(self) -> dict[tuple[int, str], Tile]:
        return {}

    @cached_property
    def _through(self) -> dict[str, Int]:
        return {}

    @cached_property
    def _products(self) -> dict[tuple[int, ...], Int]:
        return {}

    def at(self, rows: Int) -> "Tiling":
        """Some of the mappings."""
        there = like(rows, self.bounds)
        residuals = None if self.residuals is None else self.residuals[:, rows]
        orders = None if self.orders is None else self.orders.at(rows)
        return replace(self, bounds=self.bounds[:, there], residuals=residuals, orders=orders)

    def start(self, level: int) -> int:
        """Index of the innermost loop of a level."""
        return 0 if level <= 0 else self.ends[level - 1]

    def loops(self, level: int) -> range:
        """Indices of the loops of a level, innermost first."""
        return range(self.start(level), self.ends[level])

    def sides(self, below: int) -> Sides:
        """The operation-space box covered by the loops below index `below`."""
        return self._moving[1][below]

    def box(self, below: int) -> Int:
        """The same as one array int64[D, b] of its own."""
        box: Int = self.xp.stack(list(self.sides(below)))
        return box

    def grown(self, box: Sides, j: int) -> Sides:
        """A box that loop j has run through."""
        return _grown(box, self.problem.place[self.nest.loops[j].dim], self.bounds[j, :], self.ones)

    def size_below(self, below: int, tensor: Tensor) -> Int:
        """Words of a tensor touched by the loops below index `below`."""
        return self.tile_below(below, tensor).words

    def tile_below(self, below: int, tensor: Tensor) -> Tile:
        """The same with its extents."""
        key = (self._moving[0][below], tensor.name)
        if key not in self._tiles:
            self._tiles[key] = self.projected(tensor, self.sides(below))
        return self._tiles[key]

    def projected(self, tensor: Tensor, box: Sides) -> Tile:
        """The tile of a tensor inside an operation-space box."""
        extents = rank_extents(self.problem, tensor, box)
        words = self.ones
        for extent in extents:
            if extent is not self.ones:
                words = extent if words is self.ones else words * extent
        return Tile(words, extents)

    def size(self, tensor: Tensor) -> int:
        """Words of the whole tensor (with residuals: of all that the bounds span)."""
        if self.residuals is None:
            return int(projected_size(self.problem, tensor, self.problem.bounds))
        return int(self.size_below(len(self.nest.loops), tensor)[0])

    def tile(self, level: int, tensor: Tensor) -> Int:
        """Words of a tensor that one instance of a level works on; 1 for the compute level."""
        return self.size_below(self.ends[level] if level >= 0 else 0, tensor)

    def product(self, indices: Sequence[int]) -> Int:
        """Product of the bounds of some loops."""
        key = tuple(j for j in indices if self.active[j])
        if key not in self._products:
            self._products[key] = self._multiplied(self.bounds, key)
        return self._products[key]

    def product_over(self, indices: Sequence[int], tensor: Tensor) -> Int:
        """The same of those loops that move through a tensor."""
        if self.orders is None:
            return self.product([j for j in indices if self.relevant(j, tensor)])
        return self._multiplied(self.moving(tensor), indices)

    def product_along(self, indices: Sequence[int], axis: str) -> Int:
        """The same of those spatial loops that run along an axis of the mesh, "x" or "y"."""
        if self.orders is None:
            return self.product([j for j in indices if self.nest.loops[j].kind == axis])
        here = self.orders.along_x if axis == "x" else ~self.orders.along_x
        return self._multiplied(np.where(here, self.bounds, 1), indices)

    def product_from_first(self, indices: Sequence[int], tensor: Tensor) -> Int:
        """The same of the first loop that moves through a tensor and of all that follow it."""
        if self.orders is None:
            first = next(
                (place for place, j in enumerate(indices) if self.active[j] and self.relevant(j, tensor)), None
            )
            return self.ones if first is None else self.product(indices[first:])
        moved = np.logical_or.accumulate(self.moving(tensor)[list(indices)] > 1, axis=0)
        found: Int = np.where(moved, self.bounds[list(indices)], 1).prod(axis=0)
        return found

    def _multiplied(self, bounds: Int, indices: Sequence[int]) -> Int:
        found: Int = self.ones
        if self.orders is not None:
            return np.asarray(bounds[list(indices)].prod(axis=0))
        for j in indices:
            found = bounds[j, :] if found is self.ones else found * bounds[j, :]
        return found

    def moving(self, tensor: Tensor) -> Int:
        """Bounds of the loops that move through a tensor, 1 for all others, int64[L, b]; where structures differ."""
        if tensor.name not in self._through:
            assert self.orders is not None
            places = frozenset(self.problem.place[dim] for dim in tensor.dims)
            self._through[tensor.name] = self.orders.over(places, self.bounds)
        return self._through[tensor.name]

    def temporal(self, j: int) -> bool:
        """Is loop j a loop in time?"""
        return self.nest.loops[j].kind == "temporal"

    def relevant(self, j: int, tensor: Tensor) -> bool:
        """Does loop j move through the tensor? (Of one structure.)"""
        assert self.orders is None
        return self.nest.loops[j].dim in tensor.dims


def _grown(box: Sides, dim: int, bound: Int, ones: Int) -> tuple[Int, ...]:
    side = bound if box[dim] is ones else box[dim] * bound
    return (*box[:dim], side, *box[dim + 1 :])


def keeper_below(nest: LoopNest, level: int, tensor: str) -> int:
    """The next inner level that stores the tensor, or COMPUTE."""
    return next((inner for inner in range(level - 1, -1, -1) if tensor in nest.keeps[inner]), COMPUTE)


def keeper_above(nest: LoopNest, level: int, tensor: str) -> int | None:
    """The next outer level that stores the tensor, or None."""
    return next((outer for outer in range(level + 1, len(nest.keeps)) if tensor in nest.keeps[outer]), None)


def deliveries(tiling: Tiling, level: int, tensor: Tensor) -> Int:
    """How often one instance of a level receives a new tile; for COMPUTE, the number of time steps.

    Walking out from the level, irrelevant temporal loops cost nothing until the first relevant one; from there on
    every temporal loop forces a new delivery (docs/model.md, section 3.2).
    """
    steps = _steps(tiling, level)
    return tiling.product(steps) if level < 0 else tiling.product_from_first(steps, tensor)


def delivery_loops(tiling: Tiling, level: int, tensor: Tensor) -> tuple[list[int], list[int]]:
    """Active temporal loops outside a level, innermost first: those that deliver nothing new, and those that do."""
    steps, free = _steps(tiling, level), 0
    while level >= 0 and free < len(steps) and not tiling.relevant(steps[free], tensor):
        free += 1
    return steps[:free], steps[free:]


def _steps(tiling: Tiling, level: int) -> list[int]:
    """Active temporal loops outside a level."""
    first = tiling.ends[level] if level >= 0 else 0
    return [j for j in range(first, len(tiling.nest.loops)) if tiling.active[j] and tiling.temporal(j)]
