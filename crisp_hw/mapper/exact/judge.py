"""Candidates to mappings, and what the engine says of them: it alone decides what a mapping costs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, permutations, product

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.admit import admitted
from crisp_hw.mapper.exact.covers import too_little
from crisp_hw.mapper.exact.join import Candidates
from crisp_hw.mapper.exact.layout import Group, Layout
from crisp_hw.mapper.exact.program import Costs
from crisp_hw.mapper.exact.sides import spatial_order
from crisp_hw.mapper.exact.stills import Still, orders
from crisp_hw.mapper.nests import evaluated
from crisp_hw.mapper.orders import count
from crisp_hw.mapper.space import LoopBlock, Space, loop_nest
from crisp_hw.mapper.sweep import Sweep, catalog_of
from crisp_hw.mapper.tally import OBJECTIVES, Tally
from crisp_hw.spec.mapping import Loop, LoopNest

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Arrangement = tuple[Loop, ...]
Sides = tuple[tuple[frozenset[str], frozenset[str]], ...]
"""The dimensions along x and along y that do something, per spatial block."""

_MOST = 256  # candidates judged at a time; one at first, as it is mostly the best
_MOST_PARTIAL = 32  # the same where every order is judged, about a hundred each
PAIRS_A_WALK = 200_000  # a mapping with smaller last tiles is walked: some 150 a second of three levels
PAIRS_A_MAPPING = 3000  # 30 million pairs a second are looked at, and 10,000 mappings of some nests each judged
MOST_ORDERS = 5000  # of the loops of one factorization whose every order is judged: a second, at 5,000 a second


@dataclass
class Judge:
    """Evaluates candidates of one space into a tally, the most promising first, until all that is left is beaten.

    `unsure` is the least bound of candidates not all of whose orders could be judged. `spend` is told, in pairs of
    states and rows, what judging in every order took.
    """

    space: Space
    layout: Layout
    groups: tuple[Group, ...]
    tally: Tally
    beaten: Callable[[Costs], Bools]
    spend: Callable[[int], None] = lambda pairs: None
    unsure: float = float("inf")
    _known: set[bytes] = field(default_factory=set, repr=False)

    def forget(self) -> None:
        """Begin anew, with nothing judged."""
        self._known.clear()
        self.unsure = float("inf")

    def take(
        self, stills: tuple[Still, ...], found: Candidates, every_order: bool = False, most: int | None = None
    ) -> None:
        """Judge candidates whose blocks have these orders; with `every_order` those of all orders there are.

        With `most`, so many of them in one order each.
        """
        first, second = OBJECTIVES[self.tally.objective](found.cycles, found.energy_pj)
        order = np.lexsort((second, first))[:most]
        start, step = 0, 1
        while start < len(order):
            part = order[start : start + step]
            costs = Costs(found.energy_pj[part], found.cycles[part], np.ones(len(part), dtype=np.bool_))
            part = part[~self.beaten(costs)]
            if len(part) and too_little(self.space):
                self._told_apart(stills, self._factors(found.places[part]), first[part])
            elif len(part) and every_order and most is None:
                self._every_order(stills, self._factors(found.places[part]), first[part])
            elif len(part):
                self._given_order(stills, self._factors(found.places[part]))
            start, step = start + step, min(2 * step, _MOST_PARTIAL if too_little(self.space) else _MOST)

    def _factors(self, places: Ints) -> Ints:
        """Factors int64[b, dims, slots]."""
        factors = np.ones((len(places), len(self.layout.dims), len(self.layout.slots)), dtype=np.int64)
        for g, group in enumerate(self.groups):
            factors[:, list(group.dims)] = group.factors[places[:, g]]
        return factors

    def _given_order(self, stills: tuple[Still, ...], factors: Ints) -> None:
        by_sides: dict[Sides, list[int]] = {}
        for index, row in enumerate(factors):
            by_sides.setdefault(self._sides(row), []).append(index)
        works = []
        for sides, members in by_sides.items():
            spatial = iter(sides)
            nest = tuple(
                self._spatial(block, next(spatial))
                if block.kind == "spatial"
                else _temporal(block, stills[block.level].order)
                for block in self.space.blocks
            )
            works += self._works(factors[members], [nest])
        self._enter(works)

    def _every_order(self, stills: tuple[Still, ...], factors: Ints, bounds: Floats) -> None:
        """Each row of factors in every order of its loops that do anything, once."""
        for row, bound in zip(factors, bounds, strict=True):
            if row.tobytes() in self._known:
                continue
            nests = list(islice(self._nests(row), MOST_ORDERS + 1))
            if len(nests) > MOST_ORDERS:
                self.unsure = min(self.unsure, float(bound))
                self._given_order(stills, row[None])
                continue
            self._known.add(row.tobytes())
            self._enter(self._works(row[None], nests))
            self.spend((PAIRS_A_WALK if self.space.imperfect else PAIRS_A_MAPPING) * len(nests))

    def _told_apart(self, stills: tuple[Still, ...], factors: Ints, bounds: Floats) -> None:
        """Each row in every order that costs can tell apart, once."""
        blocks = np.ones((len(factors), len(self.space.blocks), len(self.layout.dims)), dtype=np.int64)
        for s, slot in enumerate(self.layout.slots):
            blocks[:, slot.block] *= factors[:, :, s]
        chosen = []
        for index, row in enumerate(blocks):
            if row.tobytes() in self._known:
                continue
            if count(self.space, self._sweep.catalog.seen, row > 1) > MOST_ORDERS:
                self.unsure = min(self.unsure, float(bounds[index]))
                self._given_order(stills, factors[index : index + 1])
                continue
            self._known.add(row.tobytes())
            chosen.append(row)
        if chosen:
            before = self.tally.tried
            self._sweep.take(np.stack(chosen))
            each = PAIRS_A_WALK if self.space.imperfect else PAIRS_A_MAPPING
            self.spend(each * (self.tally.tried - before))

    @cached_property
    def _sweep(self) -> Sweep:
        return Sweep(catalog_of(self.space), self.tally)

    def _nests(self, row: Ints) -> Iterator[tuple[Arrangement, ...]]:
        """Every order of the loops of a row; what MACs take does not depend on that of level 0."""
        options: list[list[Arrangement]] = []
        spatial = iter(self._sides(row))
        for index, block in enumerate(self.space.blocks):
            if block.kind == "spatial":
                along = next(spatial)
                options.append([self._spatial(block, along, free) for free in permutations(_free(block, along))])
                continue
            slot = next(s for s, slot in enumerate(self.layout.slots) if slot.block == index)
            busy = frozenset(dim for dim, factor in zip(self.layout.dims, row[:, slot], strict=True) if factor > 1)
            here = [_temporal(block, order) for order in orders(block, busy)]
            options.append(here[:1] if block.level == 0 else here)
        yield from product(*options)

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

    def _spatial(
        self, block: LoopBlock, along: tuple[frozenset[str], frozenset[str]], free: tuple[str, ...] = ()
    ) -> Arrangement:
        order, count = spatial_order(block, *along, free)
        return tuple(Loop(block.level, dim, "x" if place < count else "y") for place, dim in enumerate(order))

    def _works(self, factors: Ints, nests: list[tuple[Arrangement, ...]]) -> list["_Work"]:
        """Some rows of factors in every one of some nests."""
        rows = np.ones((len(factors), len(self.space.blocks), factors.shape[1]), dtype=np.int64)
        for s, slot in enumerate(self.layout.slots):
            rows[:, slot.block] *= factors[:, :, s]
        rows, dims = rows[admitted(self.space, rows)], self.layout.dims
        flat, works = rows.reshape(len(rows), -1), []
        for nest in nests:
            columns = [i * len(dims) + dims.index(loop.dim) for i, loops in enumerate(nest) for loop in loops]
            whole = loop_nest(self.space, tuple(loop for loops in nest for loop in loops))
            works.append(_Work(whole, rows, flat[:, columns]))
        return works

    def _enter(self, works: list["_Work"]) -> None:
        """What the engine says of mappings of some nests."""
        works, start = [work for work in works if len(work.rows)], 0
        if not works:
            return
        batch = evaluated(self.space, [(work.nest, work.bounds) for work in works])
        better = self.tally.may_lead(batch)
        for work in works:
            part = slice(start, start + len(work.rows))
            start = part.stop
            if better[part].any():
                self.tally.enter(self.space, work.nest, batch.at(part), (work.rows, work.bounds))
            else:
                self.tally.pass_over(batch.at(part))


@dataclass(frozen=True)
class _Work:
    """Mappings of one nest: factors int64[b, blocks, dims], and bounds int64[b, loops]."""

    nest: LoopNest
    rows: Ints
    bounds: Ints


def _free(block: LoopBlock, along: tuple[frozenset[str], frozenset[str]]) -> tuple[str, ...]:
    """The dimensions of a spatial block that do something and whose order is free."""
    return tuple(dim for dim in block.free if dim in along[0] | along[1])


def _temporal(block: LoopBlock, busy: tuple[str, ...]) -> Arrangement:
    """All dimensions of a temporal block, the busy ones in this order."""
    idle = tuple(dim for dim in block.free if dim not in busy)
    order = (*block.fixed, *idle, *(dim for dim in busy if dim in block.free), *block.last)
    return tuple(Loop(block.level, dim, "temporal") for dim in order)
