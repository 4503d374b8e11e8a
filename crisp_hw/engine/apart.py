"""Mappings side by side, taken apart again by what one question about them depends on.

Which loops the ranks of a format take, and which tile decides about a SAF, is read off a structure in plain Python. But
each such question asks for the order of a few loops only: of one tensor's dimensions, of some levels, of the lanes. All
mappings that agree on those are one group, whatever else tells them apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from crisp_hw.engine.arrays import Bool, Int, among, distinct
from crisp_hw.engine.structures import Block
from crisp_hw.engine.tiling import Tiling
from crisp_hw.spec.mapping import Loop, LoopNest
from crisp_hw.spec.problem import Tensor

Asked = Callable[[int, bool], bool]
"""Does the order of the loops of a block matter, by its level and whether it is temporal?"""


@dataclass(frozen=True, eq=False)
class Group:
    """Mappings that agree on the loops that matter, and their places in the batch."""

    rows: Int
    tiling: Tiling


def groups(tiling: Tiling, asked: Asked, axes: bool = True, idle: Bool | None = None) -> list[Group]:
    """Mappings of several structures as groups of one each, as far as the blocks that are asked for are concerned.

    The loops of other blocks stand in the order of the problem's dimensions, which leaves every box between blocks as
    it is. With `axes`, it matters along which axis lanes lie. Where `idle` says so, bool[b], it does not matter where
    the loops of a block stand that do nothing: they come first.
    """
    found = []
    for block in _complete(tiling):
        if asked(block.level, block.temporal):
            along_x = block.along_x if axes else np.ones_like(block.along_x)
            block = replace(block, along_x=along_x, matter=True)
            found.append(block if idle is None else _idle_first(block, idle))
        else:
            found.append(_in_order(tiling, [block], tuple(range(len(tiling.problem.dims)))))
    return _grouped(tiling, found)


def tensor_groups(tiling: Tiling, levels: range, tensor: Tensor) -> list[Group]:
    """The same as far as the order of the loops of some levels over a tensor's dimensions is concerned.

    Other loops are not there, but for those inside the levels, of which only matters which dimensions they run over.
    """
    places = tuple(tiling.problem.place[dim] for dim in tiling.problem.dims if dim in tensor.dims)
    inside = [block for block in _complete(tiling) if block.level < levels.start]
    found = [replace(_in_order(tiling, inside, places), level=levels.start - 1, matter=True)] if inside else []
    for block in _complete(tiling):
        if block.level in levels:
            there = among(block.dims, places)
            order = np.argsort(~there, axis=0, kind="stable")[: int(there.sum(axis=0).max())]
            dims, bounds = (np.take_along_axis(each, order, axis=0) for each in (block.dims, block.bounds))
            bounds = np.where(np.take_along_axis(there, order, axis=0), bounds, 1)
            found.append(Block(block.level, block.temporal, bounds, dims, np.ones(dims.shape, dtype=bool), True))
    return _grouped(tiling, found)


def _idle_first(block: Block, there: Bool) -> Block:
    """A block whose loops that do nothing come first, in the order of the problem's dimensions, in some mappings."""
    places = np.broadcast_to(np.arange(len(block.bounds))[:, None], block.bounds.shape)
    ahead = block.dims - block.dims.max(initial=0) - 1
    order = np.argsort(np.where(there & (block.bounds == 1), ahead, places), axis=0)

    def moved(rows: Any) -> Any:
        return np.take_along_axis(rows, order, axis=0)

    return replace(block, bounds=moved(block.bounds), dims=moved(block.dims), along_x=moved(block.along_x))


def _grouped(tiling: Tiling, blocks: list[Block]) -> list[Group]:
    keys = [row for block in blocks if block.matter for row in _key(block)]
    every = np.arange(tiling.batch)
    if not keys:
        return [Group(every, _tiling(tiling, blocks, every))]
    _, which = distinct(keys)
    order = np.argsort(which, kind="stable")
    rows = np.split(order, np.flatnonzero(np.diff(which[order])) + 1)
    return [Group(each, _tiling(tiling, blocks, each)) for each in rows]


def _key(block: Block) -> list[Int]:
    """What decides about a block's structure, as whole numbers: the dimension of each loop, does it act, its axis."""
    return list((block.dims * 2 + (block.bounds > 1)) * 2 + block.along_x)


def _complete(tiling: Tiling) -> tuple[Block, ...]:
    """The blocks with their loops as they stand, those that do nothing, too."""
    assert tiling.orders is not None
    return tiling.orders.complete.blocks


def _in_order(tiling: Tiling, blocks: Sequence[Block], places: tuple[int, ...]) -> Block:
    """Some blocks as one, with a loop for each of some dimensions in their order."""
    every = [block.sides(len(tiling.problem.dims)) for block in blocks]
    sides = every[0][list(places)]
    for more in every[1:]:
        sides = sides * more[list(places)]
    dims = np.broadcast_to(np.array(places, dtype=np.int64)[:, None], sides.shape)
    return Block(blocks[0].level, True, sides, dims, np.zeros(sides.shape, dtype=bool))


def _tiling(tiling: Tiling, blocks: Sequence[Block], rows: Int) -> Tiling:
    """One group as mappings of one structure."""
    loops: list[Loop] = []
    acting: list[bool] = []
    one, dims = rows[0], tiling.problem.dims
    for block in blocks:
        columns = (each[:, one].tolist() for each in (block.dims, block.bounds, block.along_x))
        for dim, bound, x in zip(*columns, strict=True):
            loops.append(_loop(block.level, dims[dim], "temporal" if block.temporal else "x" if x else "y"))
            acting.append(bound > 1 or not block.matter)
    nest = LoopNest(tuple(loops), tiling.nest.keeps, tiling.nest.no_link_transfer, tiling.nest.streams)
    bounds = np.concatenate([block.bounds[:, rows] for block in blocks])
    return Tiling(
        tiling.problem,
        tiling.architecture,
        nest,
        bounds,
        rules=tiling.rules,
        costs_only=tiling.costs_only,
        acting=tuple(acting),
    )


_loop = lru_cache(maxsize=1024)(Loop)
"""Loops, of which a search asks for the same few over and over."""


def joined(parts: Sequence[Group], values: Sequence[Any]) -> Any:
    """Numbers of all mappings from those of each group."""
    if len(parts) == 1:
        return values[0]
    found = np.empty(sum(len(group.rows) for group in parts), dtype=values[0].dtype)
    for group, value in zip(parts, values, strict=True):
        found[group.rows] = value
    return found
