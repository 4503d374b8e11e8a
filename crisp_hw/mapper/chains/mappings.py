"""Pairs of labels as mappings: what every level keeps, and every loop with its bound."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.chains.chain import Chain
from crisp_hw.mapper.chains.steps import Step
from crisp_hw.mapper.exact.sides import sides, spatial_order
from crisp_hw.mapper.space import LoopBlock, Space, loop_nest
from crisp_hw.spec.mapping import Loop, LoopNest

Ints = NDArray[np.int64]
Orders = dict[int, tuple[str, ...]]


@dataclass(frozen=True)
class Mapped:
    """A mapping: its space, its factors int64[1, blocks, dims], its nest, and its bounds int64[1, loops]."""

    space: Space
    rows: Ints
    nest: LoopNest
    bounds: Ints


@dataclass(frozen=True)
class _Choices:
    """Per level the set that it keeps, the orders of its temporal loops (innermost first), and all factors."""

    keeps: dict[int, int]
    orders: Orders
    factors: Ints


def mapping_of(chain: Chain, outer: tuple[tuple[Step, ...], Ints], inner: tuple[tuple[Step, ...], Ints]) -> Mapped:
    """The mapping of an outer path (its steps, from the outside in) and an inner one (from the outside in, too)."""
    found = _Choices({}, {}, np.ones((len(chain.space.blocks), len(chain.dims)), dtype=np.int64))
    _walk(chain, outer[0], outer[1], found)
    _walk(chain, tuple(reversed(inner[0])), inner[1], found)
    keeps = [chain.keeps[level][found.keeps.get(level, 0)] for level in range(chain.top + 1)]
    names = tuple(frozenset(chain.tensors[t].name for t in kept) for kept in keeps)
    space = replace(chain.space, keeps=names)
    loops: list[Loop] = []
    for index, block in enumerate(space.blocks):
        if block.kind == "temporal":
            loops += _temporal(block, found.orders[block.level])
        else:
            loops += _spatial(chain, block, found.factors[index])
    place = {(block.level, block.kind == "temporal"): index for index, block in enumerate(space.blocks)}
    bounds = [found.factors[place[loop.level, loop.kind == "temporal"], chain.dims.index(loop.dim)] for loop in loops]
    return Mapped(space, found.factors[None], loop_nest(space, tuple(loops)), np.array([bounds], dtype=np.int64))


def _walk(chain: Chain, steps: tuple[Step, ...], path: Ints, found: _Choices) -> None:
    """Enter the steps of a path, in the order in which they were taken: from either end of the chain."""
    inwards = bool(steps) and steps[0] == Step(chain.top, "temporal")
    extent = chain.extents[-1] if inwards else np.ones(len(chain.dims), dtype=np.int64)
    numbers = iter(path.tolist())
    for step in steps:
        number = next(numbers)
        if step.kind == "keep":
            found.keeps[step.level] = number
            continue
        block = chain.block(step.level, step.kind)
        if step.kind == "spatial":
            factors = np.array(chain.lanes(step.level)[number])
            extent = extent // factors if inwards else extent * factors
        else:
            after = chain.extents[next(numbers)]
            factors, extent = (extent // after if inwards else after // extent), after
            order = tuple(chain.dims[dim] for dim in _digits(number, len(chain.dims) + 1))
            found.orders[step.level] = order if inwards else order[::-1]
        if block is not None:
            found.factors[block] = factors


def _digits(number: int, base: int) -> Iterator[int]:
    """The dimensions of an order, the one entered last first."""
    while number:
        number, digit = divmod(number, base)
        yield digit - 1


def _temporal(block: LoopBlock, busy: tuple[str, ...]) -> list[Loop]:
    idle = tuple(dim for dim in block.free if dim not in busy)
    order = (*block.fixed, *idle, *(dim for dim in busy if dim in block.free), *block.last)
    return [Loop(block.level, dim, "temporal") for dim in order]


def _spatial(chain: Chain, block: LoopBlock, factors: Ints) -> list[Loop]:
    """The loops of a spatial block, each dimension along an axis that has the lanes."""
    busy = frozenset(dim for dim, factor in zip(chain.dims, factors, strict=True) if factor > 1)
    for side in sides(block, frozenset(chain.dims)):
        axes = [[axis for axis, on in enumerate((side.along_x, side.along_y)) if dim in on] for dim in chain.dims]
        for where in product(*axes):
            if chain.mesh.fits(block.level, factors.tolist(), where):
                along = [
                    frozenset(dim for dim, at in zip(chain.dims, where, strict=True) if at == axis) for axis in (0, 1)
                ]
                order, count = spatial_order(block, along[0] & set(busy), along[1] & set(busy))
                return [Loop(block.level, dim, "x" if i < count else "y") for i, dim in enumerate(order)]
    raise AssertionError("lanes that no axes have")
