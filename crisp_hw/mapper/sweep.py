"""Rows of factors to evaluated mappings: every order that costs can tell apart, together by loop nest."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.arrays import distinct
from crisp_hw.engine.evaluate import Batch
from crisp_hw.mapper.admit import admitted, shares
from crisp_hw.mapper.bounds import lower
from crisp_hw.mapper.fits import fits, shrinking_levels
from crisp_hw.mapper.nests import evaluated
from crisp_hw.mapper.orders import Arrangement, Visible, choices, visible
from crisp_hw.mapper.space import Space, loop_nest
from crisp_hw.mapper.stream import completions
from crisp_hw.mapper.tally import Tally
from crisp_hw.spec.mapping import LoopNest

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DOES_NOT_FIT = "does not fit (tiles or lanes, even with every other factor at 1)"
USES_TOO_LITTLE = "uses less of the lanes or words than constraints ask"
TOGETHER = 8192  # mappings that are evaluated at once, of whatever nests
FEW = 512  # rows whose evaluation takes hardly longer than the fixed cost of a batch (measured: 600 mappings)
BOUND = "cannot beat the best (lower bounds of cycles and energy)"


@dataclass
class Catalog:
    """Orders met so far in one space: `arrangements[id]`, and the ids that each pattern of active loops asks for.

    `most_orders` of a pattern, drawn with `seed`, stand for all of them (None: there are all).
    """

    space: Space
    most_orders: int | None = None
    seed: int = 0
    arrangements: dict[tuple[Arrangement, ...], int] = field(default_factory=dict)
    patterns: dict[bytes, tuple[int, ...]] = field(default_factory=dict)

    @cached_property
    def seen(self) -> tuple[Visible, ...]:
        """What costs see of the order of each block; worked out when it is asked for, as many spaces never are."""
        return visible(self.space)


@dataclass(frozen=True)
class Sweep:
    """Evaluates rows of one space into a tally, on a device; `budget` mappings at most (None: all there are)."""

    catalog: Catalog
    tally: Tally
    device: str = "numpy"
    budget: int | None = None

    @property
    def spent(self) -> bool:
        """Is the budget of mappings used up?"""
        return self.budget is not None and self.tally.tried >= self.budget

    def keep(self, rows: Ints, dims: tuple[str, ...]) -> Bools:
        """Which partial rows may still lead to something better; the others are counted under the rule that drops them.

        For `stream.factorizations`.
        """
        space, tally = self.catalog.space, self.tally
        kept, each = fits(space, rows, dims), completions(space, dims)
        tally.pruned[DOES_NOT_FIT] += int((~kept).sum()) * each
        if tally.leader is not None and not tally.wants_front and kept.any():
            bound = lower(space, rows, dims)
            beaten = kept & tally.beaten(bound.cycles, bound.energy_pj)
            tally.pruned[BOUND] += int(beaten.sum()) * each
            kept &= ~beaten
        return kept

    def take(self, rows: Ints) -> None:
        """Evaluate complete rows int64[b, blocks, dims]: those with the smallest lower bounds first, then what is left.

        Rows that fit are expected (`keep`).
        """
        space, tally = self.catalog.space, self.tally
        enough = admitted(space, rows)
        tally.pruned[USES_TOO_LITTLE] += int((~enough).sum())
        if not enough.any() and tally.leader is None and tally.attempt is None:
            # certainly invalid, but the engine says by how much
            self._evaluate(rows[shares(space, rows) >= space.parallelism])
        rows = rows[enough]
        if not len(rows) or tally.wants_front:
            self._evaluate(rows)
        else:
            self._best_first(rows)

    def _best_first(self, rows: Ints) -> None:
        """Evaluate the rows of the smallest bounds, then of the others those that may still be better."""
        tally = self.tally
        bound = lower(self.catalog.space, rows, self.catalog.space.design.problem.dims)
        first = bound.cycles if tally.objective == "cycles" else bound.energy_pj
        ahead = first <= first.min()
        if ahead.all():
            ahead = np.zeros(len(rows), dtype=np.bool_)
            ahead[np.argsort(bound.energy_pj, kind="stable")[: max(1, len(rows) // 16)]] = True
        open_rows = ~tally.beaten(bound.cycles, bound.energy_pj)
        tally.pruned[BOUND] += int((ahead & ~open_rows).sum())
        others = rows[~ahead & open_rows]
        foreseen = self._evaluate(rows[ahead & open_rows], others)
        beaten = tally.beaten(bound.cycles, bound.energy_pj)
        tally.pruned[BOUND] += int((~ahead & beaten).sum())
        left = rows[~ahead & ~beaten]
        if foreseen is not None and len(left) == len(others):
            self._count(foreseen)
        else:
            self._evaluate(left)

    def _evaluate(self, rows: Ints, others: Ints | None = None) -> "_Evaluated | None":
        """Evaluate and count rows. `others`, which come next, are evaluated with them where they are few, not counted.

        A batch of a few mappings takes as long as one of a few hundred.
        """
        if self.spent:
            return None
        space, gathered, held = self.catalog.space, [], 0
        for arrangement, picked in by_nest(self.catalog, rows):
            if self.budget is not None and self.tally.tried + held >= self.budget:
                break
            gathered.append(_work(space, arrangement, picked))
            held += len(picked)
            if held >= TOGETHER:
                self._count(self._judged(gathered))
                gathered, held = [], 0
        if others is None or self.budget is not None or space.imperfect or len(others) > FEW:
            self._count(self._judged(gathered))
            return None
        more = [_work(space, arrangement, picked) for arrangement, picked in by_nest(self.catalog, others)]
        found = self._judged([*gathered, *more])
        self._count(_Evaluated(tuple(gathered), found.batch))
        return _Evaluated(tuple(more), found.batch, held)

    def _judged(self, gathered: Sequence["_Work"]) -> "_Evaluated":
        """Mappings of several nests, evaluated together."""
        parts = [(work.nest, work.bounds) for work in gathered]
        return _Evaluated(tuple(gathered), evaluated(self.catalog.space, parts, self.device))

    def _count(self, found: "_Evaluated") -> None:
        """Enter them into the tally, nest by nest."""
        start = found.start
        for work in found.works:
            stop = start + len(work.rows)
            batch = found.batch.at(slice(start, stop))
            self.tally.enter(self.catalog.space, work.nest, batch, (work.rows, work.bounds))
            start = stop


@dataclass(frozen=True)
class _Work:
    """Mappings of one nest: their factors int64[b, blocks, dims], and their bounds int64[b, L]."""

    nest: LoopNest
    rows: Ints
    bounds: Ints


@dataclass(frozen=True)
class _Evaluated:
    """Mappings of some nests and what came out, which begins at `start` of a batch."""

    works: tuple[_Work, ...]
    batch: Batch
    start: int = 0


def _work(space: Space, arrangement: tuple[Arrangement, ...], picked: Ints) -> _Work:
    dims = space.design.problem.dims
    nest = loop_nest(space, tuple(loop for block in arrangement for loop in block))
    columns = [i * len(dims) + dims.index(loop.dim) for i, block in enumerate(arrangement) for loop in block]
    return _Work(nest, picked, picked.reshape(len(picked), -1)[:, columns])


def catalog_of(space: Space, most_orders: int | None = None, seed: int = 0) -> Catalog:
    """An empty catalog."""
    return Catalog(space, most_orders, seed)


def by_nest(catalog: Catalog, rows: Ints) -> Iterator[tuple[tuple[Arrangement, ...], Ints]]:
    """Rows int64[b, blocks, dims] once per order that their active loops tell apart, together by order."""
    if not len(rows):
        return
    active = rows > 1
    packed = np.packbits(active.reshape(len(rows), -1), axis=1).astype(np.int64)
    first, which = distinct(list(packed.T))
    order = np.argsort(which, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(which[order])) + 1)
    chosen: dict[int, list[Ints]] = {}
    for example, indices in zip(first, members, strict=True):
        for number in _numbers(catalog, active[example]):
            chosen.setdefault(number, []).append(indices)
    arrangements = list(catalog.arrangements)
    for number in sorted(chosen):
        picked = rows[np.sort(np.concatenate(chosen[number]))]
        picked = picked[_within_lanes(catalog.space, arrangements[number], picked)]
        if len(picked):
            yield arrangements[number], picked


def _numbers(catalog: Catalog, active: Bools) -> tuple[int, ...]:
    key = active.tobytes()
    if key not in catalog.patterns:
        known, found = catalog.arrangements, _orders(catalog, active)
        catalog.patterns[key] = tuple(known.setdefault(arrangement, len(known)) for arrangement in found)
    return catalog.patterns[key]


def _orders(catalog: Catalog, active: Bools) -> Iterable[tuple[Arrangement, ...]]:
    """All orders of a pattern, or as many as the catalog takes, drawn with its seed."""
    options = choices(catalog.space, catalog.seen, active)
    if catalog.most_orders is None or prod(map(len, options)) <= catalog.most_orders:
        return product(*options)
    rng = np.random.default_rng([catalog.seed, *np.packbits(active).tolist()])
    drawn = (tuple(each[rng.integers(len(each))] for each in options) for _ in range(catalog.most_orders))
    return dict.fromkeys(drawn)


def _within_lanes(space: Space, arrangement: tuple[Arrangement, ...], rows: Ints) -> Bools:
    """Which rows keep every level's x and y factors within its fanout; lanes that shrink are left to the engine."""
    keep = np.ones(len(rows), dtype=np.bool_)
    dims, fanouts = space.design.problem.dims, space.design.architecture.fanouts
    for index, block in enumerate(space.blocks):
        if block.kind == "spatial" and block.level not in shrinking_levels(space):
            for axis, have in zip(("x", "y"), fanouts[block.level], strict=True):
                columns = [dims.index(loop.dim) for loop in arrangement[index] if loop.kind == axis]
                keep &= rows[:, index, columns].prod(axis=1) <= have
    return keep
