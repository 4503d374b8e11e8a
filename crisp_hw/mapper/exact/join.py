"""Joins: groups of dimensions put together one at a time, dropping what cannot fit or cannot be better."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.exact.columns import Table
from crisp_hw.mapper.exact.program import Costs, Program, Rest

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Candidates:
    """Complete mappings of a template that are not beaten: the place of each group's row, int64[n, groups], and their
    costs, float64[n] each.
    """

    places: Ints
    energy_pj: Floats
    cycles: Floats


@dataclass(frozen=True)
class Joiner:
    """The joins of one template; `beaten` says of costs which cannot be better than what is known by now.

    `spend` is told how many pairs of states and rows are about to be looked at, `at_once` at most. `beam` states at
    most are carried on (None: all).
    """

    program: Program
    tables: tuple[Table, ...]
    beaten: Callable[[Costs], Bools]
    spend: Callable[[int], None]
    at_once: int
    beam: int | None = None

    def run(self) -> Iterator[Candidates]:
        """All candidates, some at a time; those that were beaten meanwhile are left out."""
        order = sorted(range(len(self.tables)), key=lambda g: len(self.tables[g].places))
        if not len(self.tables[order[0]].places):
            return
        one = np.ones((1, len(self.program.columns)))
        yield from self._descend(order, one, np.zeros((1, len(order)), dtype=np.int64), 0)

    def _rest(self, order: list[int], depth: int) -> Rest:
        later = [self.tables[g].values for g in order[depth + 1 :]]
        one = np.ones(len(self.program.columns))
        least = np.prod([values.min(axis=0) for values in later], axis=0) if later else one
        most = np.prod([values.max(axis=0) for values in later], axis=0) if later else one
        return Rest(least, most)

    def _descend(self, order: list[int], states: Floats, places: Ints, depth: int) -> Iterator[Candidates]:
        """Join the next group to some states, the most promising first."""
        group = order[depth]
        table, rest = self.tables[group], self._rest(order, depth)
        step = max(1, self.at_once // len(table.places))
        for start in range(0, len(states), step):
            part = slice(start, start + step)
            self.spend(len(states[part]) * len(table.places))
            found = self.program.pairs(states[part], table.values, rest)
            kept = np.flatnonzero(~self.beaten(found.costs))
            if not len(kept):
                continue
            state, row = found.state[kept], found.row[kept]
            energy, cycles = found.costs.energy_pj[kept], found.costs.cycles[kept]
            chosen = places[part][state]
            chosen[:, group] = table.places[row]
            if depth == len(order) - 1:
                yield Candidates(chosen, energy, cycles)
                continue
            first = np.argsort(energy * cycles, kind="stable")[: self.beam]
            joined = states[part][state[first]] * table.values[row[first]]
            yield from self._descend(order, joined, chosen[first], depth + 1)
