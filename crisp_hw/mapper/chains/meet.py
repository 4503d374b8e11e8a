"""Outer and inner labels put together: the least that a whole mapping costs, and the mappings that cost it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.chains.bounds import cycles_of
from crisp_hw.mapper.chains.chain import Chain
from crisp_hw.mapper.chains.labels import Labels
from crisp_hw.mapper.chains.terms import Sums, energy_of, times_of
from crisp_hw.mapper.exact.program import EXACT, Costs
from crisp_hw.mapper.tally import OBJECTIVES

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Beaten = Callable[[Costs], Bools]

_AT_ONCE = 1 << 22  # pairs looked at together: 32 MiB a matrix
_NO_PORTS = np.zeros((0, 1, 1))


@dataclass(frozen=True)
class Pairs:
    """Rows of outer and inner labels that make whole mappings, with the least that they cost."""

    outer: Ints
    inner: Ints
    cycles: Floats
    energy_pj: Floats


def pairs(chain: Chain, outer: Labels, inner: Labels, beaten: Beaten | None = None) -> Iterator[Pairs]:
    """All pairs of labels that meet at an extent, those with the same lanes together, matrix by matrix; of labels that
    are beaten with each of the others none.
    """
    least = chain.space.parallelism * chain.mesh.there * (1 - EXACT)
    energy, times = energy_of(chain, outer, inner), times_of(chain, outer, inner)
    of_inner = _groups(chain, inner)
    for (extent, lanes), rows in _groups(chain, outer).items():
        for (other, more), columns in of_inner.items():
            if other != extent or not least <= lanes * more <= chain.lanes_inside[-1]:
                continue
            group = _Group(chain, energy, times, lanes * more)
            leaks = outer.leak_pj, lanes * inner.leak_pj
            part, fit = rows, columns[inner.most[columns] >= lanes * more]
            if beaten is not None and len(fit):
                part = part[~beaten(group.least_of_rows(part, fit, leaks))]
                fit = fit[~beaten(group.least_of_columns(part, fit, leaks))] if len(part) else fit
            if len(part) and len(fit):
                yield from group.pairs(part, fit, leaks)


@dataclass(frozen=True)
class _Group:
    """Labels that meet with so many lanes in all."""

    chain: Chain
    energy: Sums
    times: list[Sums]
    lanes: int

    def pairs(self, rows: Ints, columns: Ints, leaks: tuple[Floats, Floats]) -> Iterator[Pairs]:
        """All of them, some at a time."""
        for start in range(0, len(rows), max(1, _AT_ONCE // len(columns))):
            part = rows[start : start + max(1, _AT_ONCE // len(columns))]
            energy = self.energy.of(part, columns)
            time = np.stack([each.of(part, columns) for each in self.times]) if self.times else _NO_PORTS
            cycles = np.broadcast_to(cycles_of(self.chain, self.lanes, time), energy.shape)
            energy += cycles * (leaks[0][part][:, None] + leaks[1][columns])
            yield Pairs(part, columns, cycles, energy)

    def least_of_rows(self, rows: Ints, columns: Ints, leaks: tuple[Floats, Floats]) -> Costs:
        """What outer labels cost at least with any of some inner ones."""
        each = [sums.least_of_rows(rows, columns) for sums in (self.energy, *self.times)]
        return self._costs(each, leaks[0][rows] + leaks[1][columns].min())

    def least_of_columns(self, rows: Ints, columns: Ints, leaks: tuple[Floats, Floats]) -> Costs:
        """What inner labels cost at least with any of some outer ones."""
        each = [sums.turned.least_of_rows(columns, rows) for sums in (self.energy, *self.times)]
        return self._costs(each, leaks[0][rows].min() + leaks[1][columns])

    def _costs(self, each: list[Floats], leak_pj: Floats) -> Costs:
        energy, *times = each
        time = np.stack(times)[:, :, None] if times else _NO_PORTS
        cycles = np.broadcast_to(cycles_of(self.chain, self.lanes, time), (len(energy), 1))[:, 0]
        return Costs(energy + cycles * leak_pj, cycles, np.ones(len(energy), dtype=np.bool_))


def _groups(chain: Chain, labels: Labels) -> dict[tuple[int, int], Ints]:
    """Rows by extent and lanes."""
    if not len(labels):
        return {}
    lanes = chain.lanes_inside[-1] + 1
    key = labels.extent * lanes + labels.lanes
    order = np.argsort(key, kind="stable")
    names, starts = np.unique(key[order], return_index=True)
    parts = np.split(order, starts[1:])
    return {(int(name) // lanes, int(name) % lanes): part for name, part in zip(names, parts, strict=True)}


def best_pairs(found: Iterator[Pairs], objective: str, many: int) -> Pairs:
    """So many pairs that cost least by the scores of an objective, the least first."""
    none, nothing = np.empty(0, dtype=np.int64), np.empty(0)
    kept = Pairs(none, none, nothing, nothing)
    for each in found:
        first, second = OBJECTIVES[objective](each.cycles, each.energy_pj)
        if len(kept.outer) == many:
            worst, other = (score[-1] for score in OBJECTIVES[objective](kept.cycles, kept.energy_pj))
            row, column = np.nonzero((first < worst) | ((first == worst) & (second < other)))
        else:
            row, column = np.nonzero(np.isfinite(first))
        if not len(row):
            continue
        both = Pairs(
            np.concatenate([kept.outer, each.outer[row]]),
            np.concatenate([kept.inner, each.inner[column]]),
            np.concatenate([kept.cycles, each.cycles[row, column]]),
            np.concatenate([kept.energy_pj, each.energy_pj[row, column]]),
        )
        scores = OBJECTIVES[objective](both.cycles, both.energy_pj)
        order = np.lexsort((scores[1], scores[0]))[:many]
        kept = Pairs(both.outer[order], both.inner[order], both.cycles[order], both.energy_pj[order])
    return kept
