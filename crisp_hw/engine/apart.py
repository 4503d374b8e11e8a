"""Mappings side by side, taken apart again by what one question about them depends on.

Which loops the ranks of a format take, and which tile decides about a SAF, is read off a structure in plain Python. But
each such question asks for the order of a few loops only: of one tensor's dimensions, of some levels, of the lanes. All
mappings that agree on those are one group, whatever else tells them apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from crisp_hw.engine.arrays import Bool, Int, distinct
from crisp_hw.engine.tiling import Tiling
from crisp_hw.spec.mapping import Loop, LoopKind, LoopNest
from crisp_hw.spec.problem import Tensor

Asked = Callable[[int, bool], bool]
"""Does the order of the loops of a block matter, by its level and whether it is temporal?"""


@dataclass(frozen=True, eq=False)
class Group:
    """Mappings that agree on the loops that matter, and their places in the batch."""

    rows: Int
    tiling: Tiling


@dataclass(frozen=True, eq=False)
class _Block:
    """Loops of one block, [n, b] each; where their order does `matter`, they stand as they are in every mapping."""

    level: int
    temporal: bool
    bounds: Int
    dims: Int
    along_x: Bool
    matter: bool


def groups(tiling: Tiling, asked: Asked, tensor: Tensor | None = None) -> list[Group]:
    """Mappings of several structures as groups of one each, as far as the blocks that are asked for are concerned.

    The loops of other blocks stand in the order of the problem's dimensions, which leaves every box between blocks as
    it is. With a `tensor` only loops over its dimensions are there, whatever axis they run along.
    """
    assert tiling.orders is not None
    blocks = _blocks(tiling, asked, tensor)
    keys = [row for block in blocks if block.matter for row in _key(block)]
    if not keys:
        return [Group(np.arange(tiling.batch), _tiling(tiling, blocks, np.arange(tiling.batch)))]
    first, which = distinct(keys)
    order = np.argsort(which, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(which[order])) + 1)
    assert len(parts) == len(first)
    return [Group(rows, _tiling(tiling, blocks, rows)) for rows in parts]


def _key(block: _Block) -> list[Int]:
    """What decides about a block's structure, as whole numbers: the dimension of each loop, does it act, its axis."""
    return list((block.dims * 2 + (block.bounds > 1)) * 2 + block.along_x)


def _blocks(tiling: Tiling, asked: Asked, tensor: Tensor | None) -> list[_Block]:
    assert tiling.orders is not None
    whole, names = tiling.orders.complete, tiling.problem.dims
    relevant = np.array([tensor is None or dim in tensor.dims for dim in names])
    found, start = [], 0
    for (level, temporal), loops in groupby(whole.nest.loops, key=lambda loop: (loop.level, loop.kind == "temporal")):
        part = slice(start, start := start + len(list(loops)))
        bounds, dims, along_x = whole.bounds[part], whole.dims[part], whole.along_x[part]
        if asked(level, temporal):
            if tensor is not None:
                there = relevant[dims]
                order = np.argsort(~there, axis=0, kind="stable")[: int(there.sum(axis=0).max())]
                dims = np.take_along_axis(dims, order, axis=0)
                bounds = np.where(relevant[dims], np.take_along_axis(bounds, order, axis=0), 1)
                along_x = np.ones(bounds.shape, dtype=bool)
            found.append(_Block(level, temporal, bounds, dims, along_x, True))
            continue
        places = np.flatnonzero(relevant)
        sides = np.array([np.where(dims == place, bounds, 1).prod(axis=0) for place in places]).reshape(
            -1, tiling.batch
        )
        column = np.broadcast_to(places[:, None], sides.shape)
        found.append(_Block(level, True, sides, column, np.zeros(sides.shape, dtype=bool), False))
    return found


def _tiling(tiling: Tiling, blocks: Sequence[_Block], rows: Int) -> Tiling:
    """One group as mappings of one structure."""
    loops: list[Loop] = []
    acting: list[bool] = []
    for block in blocks:
        one = rows[0]
        for dim, bound, x in zip(block.dims[:, one], block.bounds[:, one], block.along_x[:, one], strict=True):
            kind: LoopKind = "temporal" if block.temporal else "x" if x else "y"
            loops.append(Loop(block.level, tiling.problem.dims[dim], kind))
            acting.append(bool(bound > 1) or not block.matter)
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


def joined(parts: Sequence[Group], values: Sequence[Any]) -> Any:
    """Numbers of all mappings from those of each group."""
    if len(parts) == 1:
        return values[0]
    found = np.empty(sum(len(group.rows) for group in parts), dtype=values[0].dtype)
    for group, value in zip(parts, values, strict=True):
        found[group.rows] = value
    return found
