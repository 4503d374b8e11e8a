"""Necessary conditions: what certainly does not fit is dropped before the engine sees it.

Both conditions grow with every factor, so that they may be asked of some of the dimensions already, the others taken
as 1: a row that fails then fails however it is completed.
"""

from dataclasses import dataclass
from math import floor, prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.content import fullest_at_least
from crisp_hw.engine.formats import format_of
from crisp_hw.mapper.space import Space
from crisp_hw.spec.problem import Tensor
from crisp_hw.spec.rules import Rule

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Limit:
    """One necessary condition: `need` int64[b], in words or lanes, must not exceed `have`; level 0 is innermost."""

    level: int
    rule: Literal[Rule.CAPACITY, Rule.LANES]
    need: Ints
    have: int


def limits(space: Space, rows: Ints, dims: tuple[str, ...]) -> tuple[Limit, ...]:
    """Lanes and words that partial mappings need: `rows` is int64[b, blocks, len(dims)], other dimensions at 1.

    Lanes: the product of a level's spatial factors against its fanout (Timeloop, src/mapspaces/uber.cpp:
    AssignSpatialTilingDirections), except in levels with `skipping_spatial`, where lanes shrink. Words: the dense tiles
    of a level's tensors against its size. A tensor with a format there counts what its fullest tile holds at least
    (`engine.content`): what the engine charges, or less where the shape of a tile matters. Every factor is at least 1
    and both products grow with every factor, so that no completion needs less than what is counted here, and no valid
    mapping is dropped.
    """
    return (*_lanes(space, rows), *_words(space, rows, dims))


def fits(space: Space, rows: Ints, dims: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which partial mappings break no necessary condition (bool[b]); arguments as in `limits`."""
    fitting = np.ones(len(rows), dtype=np.bool_)
    for limit in limits(space, rows, dims):
        fitting &= limit.need <= limit.have
    return fitting


def shrinking_levels(space: Space) -> frozenset[int]:
    """Levels with a spatial skipping optimization: their lanes shrink, so their fanout is for the engine to judge."""
    skipping = {action.level for action in space.design.sparse.actions if action.kind == "skipping_spatial"}
    return frozenset(i for i, level in enumerate(space.design.architecture.levels) if level.name in skipping)


def tile_words(tensor: Tensor, extents: dict[str, Ints]) -> Ints:
    """Words of the bounding box of a tile with these extents per dimension (int64[b]); an absent dimension is 1.

    >>> from crisp_hw.spec.problem import Term
    >>> row = Tensor("I", ((Term("P", 2), Term("R")),))
    >>> tile_words(row, {"P": np.array([3]), "R": np.array([4])}).tolist()  # 1 + 2 * (3 - 1) + (4 - 1)
    [8]
    """
    words = np.ones(1, dtype=np.int64)
    for rank in tensor.ranks:
        there = [term for term in rank if term.dim in extents]
        if len(there) == 1 and abs(there[0].coefficient) == 1:  # nearly always: 1 + (extent - 1)
            words = words * extents[there[0].dim]
        elif there:
            reach = (abs(term.coefficient) * (extents[term.dim] - 1) for term in there)
            words = words * sum(reach, start=np.ones(1, dtype=np.int64))
    return words


def tiles(space: Space, rows: Ints, dims: tuple[str, ...], level: int) -> dict[str, Ints]:
    """Dense words of every tensor that a level keeps (int64[b] each); arguments as in `limits`."""
    sizes = rows[:, : _inside(space, level), :].prod(axis=1)
    if space.imperfect:  # where the last tile is the only one, it holds what there is
        sizes = np.minimum(sizes, [space.design.problem.bound(dim) for dim in dims])
    extents = {dim: sizes[:, column] for column, dim in enumerate(dims)}
    tensors = [tensor for tensor in space.design.problem.tensors if tensor.name in space.keeps[level]]
    return {tensor.name: np.broadcast_to(tile_words(tensor, extents), len(rows)) for tensor in tensors}


def _inside(space: Space, level: int) -> int:
    """How many blocks belong to a level or to one inside it: the first ones."""
    return sum(block.level <= level for block in space.blocks)


def _lanes(space: Space, rows: Ints) -> list[Limit]:
    fanouts, shrinking = space.design.architecture.fanouts, shrinking_levels(space)
    return [
        Limit(block.level, Rule.LANES, rows[:, index, :].prod(axis=1), prod(fanouts[block.level]))
        for index, block in enumerate(space.blocks)
        if block.kind == "spatial" and block.level not in shrinking
    ]


def _words(space: Space, rows: Ints, dims: tuple[str, ...]) -> list[Limit]:
    found = []
    for index, level in enumerate(space.design.architecture.levels):
        if level.size_words is not None:
            need = np.zeros(len(rows), dtype=np.int64)
            for name, words in tiles(space, rows, dims, index).items():
                need = need + _least_occupancy(space, index, name, words)
            found.append(Limit(index, Rule.CAPACITY, need, floor(level.size_words / level.multiple_buffering)))
    return found


def _least_occupancy(space: Space, level: int, name: str, words: Ints) -> Ints:
    """Words that a tile of `words` takes at least, compressed or not."""
    if format_of(space.design.sparse, space.design.architecture.levels[level].name, name) is None:
        return words
    tensor = space.design.problem.tensor(name)
    bounds = zip(space.design.problem.dims, space.design.problem.bounds, strict=True)
    whole = tile_words(tensor, {dim: np.array([bound]) for dim, bound in bounds})
    return fullest_at_least(tensor.density, int(whole[0]), words)
