"""Candidates to mappings, and what the engine says of them: it alone decides what a mapping costs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.evaluate import evaluate_batch
from crisp_hw.mapper.admit import admitted
from crisp_hw.mapper.exact.join import Candidates
from crisp_hw.mapper.exact.layout import Group, Layout
from crisp_hw.mapper.exact.program import Costs
from crisp_hw.mapper.exact.sides import spatial_order
from crisp_hw.mapper.exact.stills import Still
from crisp_hw.mapper.space import LoopBlock, Space, loop_nest
from crisp_hw.mapper.tally import Tally
from crisp_hw.spec.mapping import Loop

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Sides = tuple[tuple[frozenset[str], frozenset[str]], ...]
"""The dimensions along x and along y that do something, per spatial block."""

_MOST = 256  # candidates judged at a time; one at first, as it is mostly the best


@dataclass(frozen=True)
class Judge:
    """Evaluates candidates of one space into a tally, the most promising first, until all that is left is beaten."""

    space: Space
    layout: Layout
    groups: tuple[Group, ...]
    tally: Tally
    beaten: Callable[[Costs], Bools]

    def take(self, stills: tuple[Still, ...], found: Candidates, most: int | None = None) -> None:
        """Judge candidates whose blocks have these orders; `most` of them at most."""
        order = np.lexsort((found.energy_pj * found.cycles,))
        if self.tally.objective == "cycles":
            order = np.lexsort((found.energy_pj, found.cycles))
        elif self.tally.objective == "energy":
            order = np.lexsort((found.cycles, found.energy_pj))
        start, step = 0, 1
        while start < len(order) and (most is None or start < most):
            part = order[start : start + step]
            costs = Costs(found.energy_pj[part], found.cycles[part], np.ones(len(part), dtype=np.bool_))
            part = part[~self.beaten(costs)]
            if len(part):
                self._evaluate(stills, found.places[part])
            start, step = start + step, min(2 * step, _MOST)

    def _evaluate(self, stills: tuple[Still, ...], places: Ints) -> None:
        factors = np.ones((len(places), len(self.layout.dims), len(self.layout.slots)), dtype=np.int64)
        for g, group in enumerate(self.groups):
            factors[:, list(group.dims)] = group.factors[places[:, g]]
        by_sides: dict[Sides, list[int]] = {}
        for index, row in enumerate(factors):
            by_sides.setdefault(self._sides(row), []).append(index)
        for sides, members in by_sides.items():
            rows = self._rows(factors[members])
            rows = rows[admitted(self.space, rows)]
            if len(rows):
                self._enter(rows, stills, sides)

    def _sides(self, row: Ints) -> Sides:
        found = []
        for index, block in enumerate(self.space.blocks):
            if block.kind == "spatial":
                along = {"x": frozenset[str](), "y": frozenset[str]()}
                for s, slot in enumerate(self.layout.slots):
                    if slot.block == index:
                        along[slot.kind] = frozenset(self.layout.dims[d] for d in np.flatnonzero(row[:, s] > 1))
                found.append((along["x"], along["y"]))
        return tuple(found)

    def _rows(self, factors: Ints) -> Ints:
        """Factors [b, dims, slots] as [b, blocks, dims]."""
        rows = np.ones((len(factors), len(self.space.blocks), factors.shape[1]), dtype=np.int64)
        for s, slot in enumerate(self.layout.slots):
            rows[:, slot.block] *= factors[:, :, s]
        return rows

    def _enter(self, rows: Ints, stills: tuple[Still, ...], sides: Sides) -> None:
        dims, loops, columns, spatial = self.layout.dims, list[Loop](), list[int](), iter(sides)
        for index, block in enumerate(self.space.blocks):
            if block.kind == "spatial":
                order, count = spatial_order(block, *next(spatial))
                here = [Loop(block.level, dim, "x" if place < count else "y") for place, dim in enumerate(order)]
            else:
                here = [Loop(block.level, dim, "temporal") for dim in whole_order(block, stills[block.level].order)]
            loops += here
            columns += [index * len(dims) + dims.index(loop.dim) for loop in here]
        nest = loop_nest(self.space, tuple(loops))
        bounds = rows.reshape(len(rows), -1)[:, columns]
        self.tally.enter(self.space, nest, evaluate_batch(self.space.design, nest, bounds), (rows, bounds))


def whole_order(block: LoopBlock, busy: tuple[str, ...]) -> tuple[str, ...]:
    """An order of all dimensions of a temporal block in which the busy ones stand in this order."""
    idle = tuple(dim for dim in block.free if dim not in busy)
    return (*block.fixed, *idle, *(dim for dim in busy if dim in block.free), *block.last)
