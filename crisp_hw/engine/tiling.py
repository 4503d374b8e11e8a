"""Mapping to tiles: what each loop covers, how often data is delivered, and how many instances work.

The engine keeps the batch axis **last**: every count of every mapping then lies in one contiguous row, which is what
vector units want. All mappings of one batch share a `LoopNest` and the set of loops that do something (bound > 1), so
every decision about the *structure* is taken once, in plain Python, and only arithmetic runs over the batch. Equal
things are one object, so that loops that do nothing cost nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np

from crisp_hw.engine.arrays import Bool, Float, Int, floats, namespace, on_host
from crisp_hw.engine.place import Counts, Place, Sides, Tile
from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.dialect import HEAD, Rules
from crisp_hw.spec.mapping import LoopNest
from crisp_hw.spec.problem import Problem, Tensor

__all__ = ["COMPUTE", "Bool", "Counts", "Float", "Int", "Place", "Sides", "Tile", "Tiling"]

COMPUTE = -1
"""The pseudo-level below storage level 0."""


@dataclass(frozen=True)
class Tiling:
    """A batch of mappings with equal structure; `bounds[j]` is int64[b], the bound of loop j, innermost first.

    `residuals` is like `bounds`, or None where every loop always runs to its bound (see `Mapping`).
    `rules` says what the program whose numbers are wanted does where programs differ. With `costs_only`, counts that
    cost nothing (entries of ranks without bits) are left out.

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
        """Does loop j do something? (The same for the whole batch.)"""
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
    def _products(self) -> dict[tuple[int, ...], Int]:
        return {}

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
            found = self.ones
            for j in key:
                found = self.bounds[j, :] if found is self.ones else found * self.bounds[j, :]
            self._products[key] = found
        return self._products[key]

    def temporal(self, j: int) -> bool:
        """Is loop j a loop in time?"""
        return self.nest.loops[j].kind == "temporal"

    def relevant(self, j: int, tensor: Tensor) -> bool:
        """Does loop j move through the tensor?"""
        return self.nest.loops[j].dim in tensor.dims


def _grown(box: Sides, dim: int, bound: Int, ones: Int) -> tuple[Int, ...]:
    side = bound if box[dim] is ones else box[dim] * bound
    return (*box[:dim], side, *box[dim + 1 :])


def rank_extents(problem: Problem, tensor: Tensor, box: Any) -> tuple[Any, ...]:
    """Extent of a tensor along each of its ranks inside an operation-space box (a size per dimension).

    1 + sum |coefficient| * (size - 1) over the terms of a rank (Timeloop operation-space.cpp: ProjectLowHigh).
    """
    place = problem.place
    if tensor.plain is not None:
        return tuple(box[place[dim]] for dim in tensor.plain)
    extents = []
    for rank in tensor.ranks:
        extent = 0 * box[0] + 1
        for term in rank:
            extent = extent + abs(term.coefficient) * (box[place[term.dim]] - 1)
        extents.append(extent)
    return tuple(extents)


def projected_size(problem: Problem, tensor: Tensor, box: Any) -> Any:
    """Words of a tensor inside an operation-space box: the bounding box of its projection.

    `box` holds a size per dimension, int or int64[b], and the result is alike.
    """
    size = 0 * box[0] + 1
    for extent in rank_extents(problem, tensor, box):
        size = size * extent
    return size


def elided_fills(tiling: Tiling, unread: Int) -> Int:
    """Output words that arrive without a fill: those whose first update reads nothing (D1: HEAD only)."""
    return unread if tiling.rules.first_fill_elided else 0 * unread


def keeper_below(nest: LoopNest, level: int, tensor: str) -> int:
    """The next inner level that stores the tensor, or COMPUTE."""
    return next((inner for inner in range(level - 1, -1, -1) if tensor in nest.keeps[inner]), COMPUTE)


def keeper_above(nest: LoopNest, level: int, tensor: str) -> int | None:
    """The next outer level that stores the tensor, or None."""
    return next((outer for outer in range(level + 1, len(nest.keeps)) if tensor in nest.keeps[outer]), None)


def instances(tiling: Tiling, level: int) -> Int:
    """Instances of a level (COMPUTE: MACs) that the mapping uses: the product of all spatial loops outside it.

    Of a loop with a residual, the average over the run; the product is cut to a whole number, and the loops of level 0
    always count in full (Timeloop: InitNumSpatialElems, CollectWorkingSets).
    """
    if tiling.residuals is None:
        return tiling.product(_spatial_from(tiling, tiling.ends[level] if level >= 0 else 0))
    whole = tiling.product(_spatial_from(tiling, 0)) // tiling.product(_spatial_from(tiling, tiling.ends[0]))
    average = np.ones(tiling.batch)
    for j in reversed(_spatial_from(tiling, tiling.ends[max(level, 0)])):
        average = average * _average_bound(tiling, tiling.residuals, j)
    used: Int = (average * whole if level == COMPUTE else average).astype(np.int64)
    return used


def _spatial_from(tiling: Tiling, first: int) -> list[int]:
    """Active spatial loops from index `first` outwards."""
    return [j for j in range(first, len(tiling.nest.loops)) if tiling.active[j] and not tiling.temporal(j)]


def _average_bound(tiling: Tiling, residuals: Int, j: int) -> Float:
    """Mean bound of loop j: its residual in the last of the iterations of all loops over its dimension outside it."""
    outer = np.ones(tiling.batch)
    for k in range(len(tiling.nest.loops) - 1, j, -1):
        if tiling.nest.loops[k].dim == tiling.nest.loops[j].dim:
            outer = residuals[k] + tiling.bounds[k] * (outer - 1.0)
    mean: Float = (residuals[j] + tiling.bounds[j] * (outer - 1.0)) / outer
    return mean


def expansion(tiling: Tiling, level: int) -> tuple[Int, Int]:
    """(x, y) extent of the mesh of a level (COMPUTE: MACs) that the mapping spans."""
    first = tiling.ends[level] if level >= 0 else 0
    outside = [j for j in range(first, len(tiling.nest.loops)) if tiling.active[j]]
    kinds = [tiling.nest.loops[j].kind for j in outside]
    x = [j for j, kind in zip(outside, kinds, strict=True) if kind == "x"]
    y = [j for j, kind in zip(outside, kinds, strict=True) if kind == "y"]
    return tiling.product(x), tiling.product(y)


def deliveries(tiling: Tiling, level: int, tensor: Tensor) -> Int:
    """How often one instance of a level receives a new tile; for COMPUTE, the number of time steps.

    Walking out from the level, irrelevant temporal loops cost nothing until the first relevant one; from there on
    every temporal loop forces a new delivery (docs/model.md, section 3.2).
    """
    return tiling.product(delivery_loops(tiling, level, tensor)[1])


def delivery_loops(tiling: Tiling, level: int, tensor: Tensor) -> tuple[list[int], list[int]]:
    """Active temporal loops outside a level, innermost first: those that deliver nothing new, and those that do."""
    first = tiling.ends[level] if level >= 0 else 0
    steps = [j for j in range(first, len(tiling.nest.loops)) if tiling.active[j] and tiling.temporal(j)]
    free = 0
    while level >= 0 and free < len(steps) and not tiling.relevant(steps[free], tensor):
        free += 1
    return steps[:free], steps[free:]
