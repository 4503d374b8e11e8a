"""What the engine keeps per place and per tile: counts by (level, tensor index), boxes, and tiles of one tensor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crisp_hw.engine.arrays import Int, like, on_host
from crisp_hw.spec.problem import Problem, Tensor

Place = tuple[int, int]
"""A storage level and the index of a tensor."""

Sides = Sequence[Int]
"""An operation-space box: its size along each dimension of the problem, int64[b] each."""


class Counts(dict[Place, Int]):
    """Counts int64[b] by (level, tensor index); a place that is not listed counts nothing.

    >>> import numpy as np
    >>> Counts(np.zeros(2, dtype=np.int64))[0, 1].tolist()
    [0, 0]
    """

    def __init__(self, nothing: Int) -> None:
        super().__init__()
        self.nothing = nothing

    def __missing__(self, place: Place) -> Int:
        _level, _tensor = place  # anything else is no place, and a mistake
        return self.nothing


@dataclass(frozen=True)
class Tile:
    """A batch of tiles of one tensor: `words` int64[b] in all, `extents` int64[b] along each of its ranks."""

    words: Int
    extents: Sequence[Int]

    def columns(self, count: int | None = None) -> list[tuple[int, ...]]:
        """Extents of each tile; one tile stands for `count` of them."""
        found = list(zip(*(on_host(extent).tolist() for extent in self.extents), strict=True))
        return found * count if count and len(found) == 1 else found

    def at(self, rows: Int) -> "Tile":
        """Some tiles of the batch, on the host."""
        there = like(rows, self.words)
        return Tile(on_host(self.words[there]), tuple(on_host(extent[there]) for extent in self.extents))


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
