"""Mapping to tiles: what each loop covers, how often data is delivered, and how many instances work.

The engine keeps the batch axis **last**: every count of every mapping then lies in one contiguous row, which is what
vector units want. All mappings of one batch share a `LoopNest` and the set of loops that do something (bound > 1), so
every decision about the *structure* is taken once, in plain Python, and only arithmetic runs over the batch.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.dialect import HEAD, Rules
from crisp_hw.spec.mapping import LoopNest
from crisp_hw.spec.problem import Problem, Tensor

Int = NDArray[np.int64]
Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
COMPUTE = -1
"""The pseudo-level below storage level 0."""


@dataclass(frozen=True)
class Tile:
    """A batch of tiles of one tensor: `words` int64[b] in all, `extents` int64[R, b] along each of its ranks."""

    words: Int
    extents: Int

    def columns(self, count: int | None = None) -> list[tuple[int, ...]]:
        """Extents of each tile; one tile stands for `count` of them."""
        found = [tuple(column) for column in self.extents.T.tolist()]
        return found * count if count and len(found) == 1 else found

    def at(self, rows: Int) -> "Tile":
        """Some tiles of the batch."""
        return Tile(self.words[rows], self.extents[:, rows])


@dataclass(frozen=True)
class Tiling:
    """A batch of mappings with equal structure; `bounds[j]` is int64[b], the bound of loop j, innermost first.

    `residuals` is like `bounds`, or None where every loop always runs to its bound (see `Mapping`).
    `rules` says what the program whose numbers are wanted does where programs differ.

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

    @cached_property
    def active(self) -> tuple[bool, ...]:
        """Does loop j do something? (The same for the whole batch.)"""
        return tuple(bool(bound > 1) for bound in self.bounds[:, 0])

    @cached_property
    def extents(self) -> Int:
        """int64[L + 1, D, b]: size of each dimension in the box below loop j; the last row is the whole problem."""
        dims, (loops, batch) = self.problem.dims, self.bounds.shape
        out = np.ones((loops + 1, len(dims), batch), dtype=np.int64)
        for j, loop in enumerate(self.nest.loops):
            out[j + 1] = out[j]
            if self.active[j]:
                out[j + 1, dims.index(loop.dim)] *= self.bounds[j]
        return out

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """Index of the first loop outside each level: level l owns loops ends[l - 1] .. ends[l] - 1."""
        counts = [0] * len(self.architecture.levels)
        for loop in self.nest.loops:
            counts[loop.level] += 1
        return tuple(int(end) for end in np.cumsum(counts))

    @cached_property
    def ones(self) -> Int:
        """int64[b] of ones."""
        return np.ones(self.bounds.shape[1], dtype=np.int64)

    @cached_property
    def _sizes(self) -> dict[tuple[int, str], Int]:
        return {}

    @cached_property
    def _tiles(self) -> dict[tuple[int, str], Tile]:
        return {}

    def start(self, level: int) -> int:
        """Index of the innermost loop of a level."""
        return 0 if level <= 0 else self.ends[level - 1]

    def loops(self, level: int) -> range:
        """Indices of the loops of a level, innermost first."""
        return range(self.start(level), self.ends[level])

    def box(self, below: int) -> Int:
        """int64[D, b]: extents of the operation-space box covered by the loops below index `below`."""
        extents: Int = self.extents[below]
        return extents

    def size_below(self, below: int, tensor: Tensor) -> Int:
        """Words of a tensor touched by the loops below index `below`."""
        key = (below, tensor.name)
        if key not in self._sizes:
            self._sizes[key] = projected_size(self.problem, tensor, self.extents[below])
        return self._sizes[key]

    def tile_below(self, below: int, tensor: Tensor) -> Tile:
        """The same with its extents."""
        key = (below, tensor.name)
        if key not in self._tiles:
            self._tiles[key] = projected(self.problem, tensor, self.extents[below])
        return self._tiles[key]

    def size(self, tensor: Tensor) -> int:
        """Words of the whole tensor."""
        return int(self.size_below(len(self.nest.loops), tensor)[0])

    def tile(self, level: int, tensor: Tensor) -> Int:
        """Words of a tensor that one instance of a level works on; 1 for the compute level."""
        return self.size_below(self.ends[level] if level >= 0 else 0, tensor)

    def product(self, indices: list[int]) -> Int:
        """Product of the bounds of some loops."""
        return self.bounds[indices].prod(axis=0) if indices else self.ones

    def temporal(self, j: int) -> bool:
        """Is loop j a loop in time?"""
        return self.nest.loops[j].kind == "temporal"

    def relevant(self, j: int, tensor: Tensor) -> bool:
        """Does loop j move through the tensor?"""
        return self.nest.loops[j].dim in tensor.dims


def projected_size(problem: Problem, tensor: Tensor, extents: Int) -> Int:
    """Words of a tensor inside an operation-space box int64[D, b]: the bounding box of its projection.

    Rank extent 1 + sum |coefficient| * (size - 1) over its terms (Timeloop operation-space.cpp: ProjectLowHigh).
    """
    size = np.ones(extents.shape[1:], dtype=np.int64)
    for rank in tensor.ranks:
        if len(rank) == 1 and abs(rank[0].coefficient) == 1:
            size = size * extents[problem.dims.index(rank[0].dim)]
            continue
        extent = np.ones_like(size)
        for term in rank:
            extent = extent + abs(term.coefficient) * (extents[problem.dims.index(term.dim)] - 1)
        size = size * extent
    return size


def projected(problem: Problem, tensor: Tensor, box: Int) -> Tile:
    """The tile of a tensor inside an operation-space box int64[D, b]."""
    extents = np.ones((len(tensor.ranks), *box.shape[1:]), dtype=np.int64)
    for place, rank in enumerate(tensor.ranks):
        for term in rank:
            extents[place] += abs(term.coefficient) * (box[problem.dims.index(term.dim)] - 1)
    words: Int = extents.prod(axis=0)
    return Tile(words, extents)


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
    average = np.ones(tiling.bounds.shape[1])
    for j in reversed(_spatial_from(tiling, tiling.ends[max(level, 0)])):
        average = average * _average_bound(tiling, tiling.residuals, j)
    used: Int = (average * whole if level == COMPUTE else average).astype(np.int64)
    return used


def _spatial_from(tiling: Tiling, first: int) -> list[int]:
    """Active spatial loops from index `first` outwards."""
    return [j for j in range(first, len(tiling.nest.loops)) if tiling.active[j] and not tiling.temporal(j)]


def _average_bound(tiling: Tiling, residuals: Int, j: int) -> Float:
    """Mean bound of loop j: its residual in the last of the iterations of all loops over its dimension outside it."""
    outer = np.ones(tiling.bounds.shape[1])
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
