"""Mappings of several structures in one batch: what each loop of each mapping runs over.

A structure is which loops do something, and in which order. A search meets thousands of them with a few mappings each,
and what a structure decides costs as much for one mapping as for a thousand. So mappings of different structures are
put side by side: of every block of loops (the spatial ones of a level, the temporal ones) those that do something come
first, in their order, and the blocks are filled up with loops of one iteration, which change no count wherever they
stand. A place in such a nest has no dimension of its own; `Orders` says which one it has in each mapping.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np

from crisp_hw.engine.arrays import Bool, Int, among
from crisp_hw.spec.mapping import Loop, LoopNest
from crisp_hw.spec.problem import Problem


@dataclass(frozen=True, eq=False)
class Block:
    """Loops of one block (in space or in time, of one level), [n, b] each; where their order does `matter`, they stand
    as they are in every mapping.
    """

    level: int
    temporal: bool
    bounds: Int
    dims: Int
    along_x: Bool
    matter: bool = False
    _sides: dict[int, Int] = field(default_factory=dict)

    def sides(self, many: int) -> Int:
        """How far the loops reach along each of so many dimensions of the problem, in any order, int64[many, b]."""
        if many not in self._sides:
            sides, every = np.ones((many, self.bounds.shape[1]), dtype=np.int64), np.arange(self.bounds.shape[1])
            for bound, dim in zip(self.bounds, self.dims, strict=True):
                sides[dim, every] *= bound
            self._sides[many] = sides
        return self._sides[many]


@dataclass(frozen=True, eq=False)
class Complete:
    """Mappings of several structures with the loops that do nothing where they stand: the nest of one of them, and by
    loop and mapping bounds int64[L, b], dimensions and whether it runs along x as in `Orders`.
    """

    nest: LoopNest
    bounds: Int
    dims: Int
    along_x: Bool

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The loops block by block."""
        found, start = [], 0
        for (level, temporal), loops in groupby(
            self.nest.loops, key=lambda loop: (loop.level, loop.kind == "temporal")
        ):
            rows = slice(start, start := start + len(list(loops)))
            found.append(Block(level, temporal, self.bounds[rows], self.dims[rows], self.along_x[rows]))
        return tuple(found)

    def at(self, rows: Int | slice) -> "Complete":
        """Some of the mappings."""
        return Complete(self.nest, self.bounds[:, rows], self.dims[:, rows], self.along_x[:, rows])


@dataclass(frozen=True, eq=False)
class Orders:
    """By loop and mapping: the index of its dimension, int64[L, b], and whether it runs along x, bool[L, b].

    `complete` are the same mappings with the loops that do nothing, whose places formats and SAFs see.
    """

    dims: Int
    along_x: Bool
    complete: Complete
    _first: dict[int, Int] = field(default_factory=dict)

    def at(self, rows: Int | slice) -> "Orders":
        """Of some of the mappings."""
        return Orders(self.dims[:, rows], self.along_x[:, rows], self.complete.at(rows))

    def boxes(self, bounds: Int, dims: int) -> tuple[Any, ...]:
        """The box below each loop, and that of all loops, int64[D, b] each."""
        box, every = np.ones((dims, bounds.shape[1]), dtype=np.int64), np.arange(bounds.shape[1])
        boxes = [box]
        for bound, dim in zip(bounds, self.dims, strict=True):
            box = box.copy()
            box[dim, every] *= bound
            boxes.append(box)
        return tuple(boxes)

    def below(self, boxes: Sequence[Any], loops: Sequence[int]) -> Int:
        """How far the dimension of each of some loops is covered in the box below it, int64[K, b]."""
        every = np.arange(self.dims.shape[1])
        found = np.ones((len(loops), len(every)), dtype=np.int64)
        for row, box, j in zip(found, boxes, loops, strict=True):
            row[:] = box[self.dims[j], every]
        return found

    def over(self, dims: frozenset[int], bounds: Int) -> Int:
        """Bounds of the loops over some dimensions, 1 for all others, int64[L, b]."""
        return np.where(among(self.dims, dims), bounds, 1)

    def active_first(self, start: int, bounds: Int) -> Int:
        """Places of loops that do something and then of others, by mapping: the time loops from `start` on."""
        if start not in self._first:
            self._first[start] = _active_first(bounds)
        return self._first[start]


def _active_first(bounds: Int, least: int = 0) -> Int:
    """Places of the loops that do something, in their order, int64[K, b], as many as one mapping has at most."""
    return np.argsort(bounds == 1, axis=0, kind="stable")[: int((bounds > 1).sum(axis=0).max(initial=least))]


@dataclass(frozen=True, eq=False)
class SideBySide:
    """Mappings of several structures: places of loops, and by mapping their bounds int64[L, b] and what they are of."""

    nest: LoopNest
    bounds: Int
    orders: Orders


class AmbiguousChoice(Exception):
    """The best option differs between the mappings of a batch: split it by `choice` int64[b] and go on."""

    def __init__(self, choice: Int) -> None:
        super().__init__("options differ within the batch")
        self.choice = choice


def alike(nest: LoopNest) -> tuple[object, ...]:
    """What nests must have in common to be put side by side: their blocks, and whatever is not the order of loops."""
    return replace(nest, loops=()), tuple((loop.level, loop.kind == "temporal") for loop in nest.loops)


def side_by_side(problem: Problem, parts: Sequence[tuple[LoopNest, Int]]) -> SideBySide:
    """Mappings of nests that are `alike`, int64[L, b] bounds of each, in this order.

    >>> loops = [Loop(0, dim, "temporal") for dim in "MK"]
    >>> nests = [LoopNest(tuple(order), (frozenset("A"),)) for order in (loops, loops[::-1])]
    >>> one, other = np.array([[1], [3]]), np.array([[3], [1]])  # M=1, K=3 in both
    >>> found = side_by_side(Problem("p", ("M", "K"), (1, 3), ()), [(nests[0], one), (nests[1], other)])
    >>> found.bounds.tolist(), found.orders.dims.tolist()
    ([[3, 3]], [[1, 1]])
    """
    first, counts = parts[0][0], [bounds.shape[1] for _, bounds in parts]
    dims = np.array([[problem.place[loop.dim] for loop in nest.loops] for nest, _ in parts]).T
    along_x = np.array([[loop.kind == "x" for loop in nest.loops] for nest, _ in parts]).T
    bounds = np.concatenate([each for _, each in parts], axis=1)
    dims, along_x = np.repeat(dims, counts, axis=1), np.repeat(along_x, counts, axis=1)
    complete = Complete(first, bounds, dims, along_x)
    loops: list[Loop] = []
    taken: list[tuple[Int, Int, Bool]] = []
    start = 0
    for (level, temporal), block in groupby(first.loops, key=lambda loop: (loop.level, loop.kind == "temporal")):
        stop = start + len(list(block))
        here = bounds[start:stop]
        order = _active_first(here, int(stop == len(first.loops)))  # there is a loop, even if none does anything
        taken.append(
            (
                np.take_along_axis(here, order, axis=0),
                np.take_along_axis(dims[start:stop], order, axis=0),
                np.take_along_axis(along_x[start:stop], order, axis=0),
            )
        )
        loops += [Loop(level, problem.dims[0], "temporal" if temporal else "x")] * len(order)
        start = stop
    bounds, dims, along_x = (np.concatenate(each) for each in zip(*taken, strict=True))
    return SideBySide(replace(first, loops=tuple(loops)), bounds, Orders(dims, along_x, complete))
