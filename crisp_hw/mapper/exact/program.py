"""A template as arrays: bounds of any number of partial mappings at once, and their exact values at the last join."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.exact.columns import Column, Form, Values
from crisp_hw.mapper.exact.forms import Template
from crisp_hw.mapper.space import Space

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

EXACT = 1e-12  # what a quotient of floats may lose against the whole number that it is


@dataclass(frozen=True)
class Costs:
    """Energy in pJ and cycles of partial mappings, at least; `fits` is False where no completion fits."""

    energy_pj: Floats
    cycles: Floats
    fits: Bools


@dataclass(frozen=True)
class Rest:
    """The least and the most that the groups still open multiply each column with, float64[columns] each."""

    least: Floats
    most: Floats


@dataclass(frozen=True)
class Demands:
    """What the space asks beside a template: lanes per slot, the least lanes at work, cycles that are always there."""

    lanes: tuple[tuple[Column, int], ...]
    share: tuple[Column, float] | None
    least_cycles: float
    transit: float


def demands_of(space: Space, values: Values) -> Demands:
    """The demands of a space."""
    layout, architecture = values.layout, space.design.architecture
    lanes = []
    for slot, limit in enumerate(layout.limits):
        if limit is not None:
            mask = sum(layout.bit(dim, slot) for dim in layout.every)
            lanes.append((Column(mask), limit))
    there = prod(prod(fanout) for fanout in architecture.fanouts)
    every = Column(layout.bits(layout.every, "spatial", 0, len(architecture.levels) - 1))
    share = (every, space.parallelism * there * (1 - EXACT)) if space.parallelism > 0 else None
    wires = [level.wires.fill_cycles + level.wires.drain_cycles for level in architecture.levels]
    transit = sum(wires) if space.design.rules.network_latency else 0
    return Demands(tuple(lanes), share, np.ceil(prod(space.design.problem.bounds) / there * (1 - EXACT)), transit)


@dataclass(frozen=True)
class Program:
    """The columns of a template and, over them, its forms."""

    template: Template
    demands: Demands

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """All columns, once each."""
        one, asked = self.template, self.demands
        forms: list[Iterable[Column]] = [one.energy_pj, one.unread_pj, one.leaks_pj, [one.steps]]
        for port in one.ports:
            forms += [port.words, port.unread]
        forms += [room.words for room in one.rooms]
        forms += [one.less, one.more]
        forms.append(column for column, _ in asked.lanes)
        if asked.share is not None:
            forms.append([asked.share[0]])
        return tuple(dict.fromkeys(column for form in forms for column in form))

    @cached_property
    def _place(self) -> dict[Column, int]:
        return {column: place for place, column in enumerate(self.columns)}

    def _weights(self, form: Form) -> Floats:
        found = np.zeros(len(self.columns))
        for column, weight in form.items():
            found[self._place[column]] += weight
        return found

    @cached_property
    def senses(self) -> tuple[Bools, Bools]:
        """Of which columns less is better (or allows more), and of which more is, bool[columns] each."""
        one, low, high = self.template, np.zeros(len(self.columns), bool), np.zeros(len(self.columns), bool)
        less = [one.energy_pj, one.leaks_pj, {one.steps: 1.0}, *(port.words for port in one.ports)]
        less += [room.words for room in one.rooms if room.size is not None]
        less += [{column: 1.0} for column, _ in self.demands.lanes]
        less += [dict.fromkeys(one.less, 1.0)]
        more = [one.unread_pj, *(port.unread for port in one.ports), *(room.words for room in one.rooms if room.least)]
        more.append(dict.fromkeys(one.more, 1.0))
        if self.demands.share is not None:
            more.append({self.demands.share[0]: 1.0})
        for form in less:
            low |= self._weights(form) != 0
        for form in more:
            high |= self._weights(form) != 0
        return low, high

    @cached_property
    def _forms(self) -> dict[str, list[tuple[Floats, Floats, float]]]:
        """Weights of what grows and of what is taken off, and a number that belongs to them."""
        one = self.template
        nothing = np.zeros(len(self.columns))
        return {
            "energy": [(self._weights(one.energy_pj), self._weights(one.unread_pj), 0.0)],
            "ports": [(self._weights(p.words), self._weights(p.unread), p.bandwidth) for p in one.ports],
            "rooms": [(self._weights(r.words), nothing, float(r.size)) for r in one.rooms if r.size is not None],
            "least": [(self._weights(r.words), nothing, float(r.least)) for r in one.rooms if r.least],
            "lanes": [(self._weights({column: 1.0}), nothing, float(n)) for column, n in self.demands.lanes],
            "leaks": [(self._weights({column: 1.0}), nothing, pj) for column, pj in one.leaks_pj.items()],
            "steps": [(self._weights({one.steps: 1.0}), nothing, 0.0)],
        }

    def costs(self, states: Floats, rows: Floats, rest: Rest) -> Costs:
        """Of every state with every row, float64[states, rows]: `states` float64[s, columns] are products of the rows
        taken so far, `rows` float64[r, columns] those of the next group, and `rest` stands for the groups after it.
        """

        def sums(weights: Floats, by: Floats) -> Floats:
            used = np.flatnonzero(weights)
            if not len(used):
                return np.zeros((1, 1))
            found: Floats = (states[:, used] * (weights * by)[used]) @ rows[:, used].T
            return found

        forms, shape = self._forms, (len(states), len(rows))
        plus, minus, _ = forms["energy"][0]
        energy = np.maximum(sums(plus, rest.least) - sums(minus, rest.most), 0.0) + self.template.compute_pj
        cycles = np.maximum(sums(forms["steps"][0][0], rest.least), self.demands.least_cycles)
        for plus, minus, bandwidth in forms["ports"]:
            cycles = np.maximum(cycles, (sums(plus, rest.least) - sums(minus, rest.most)) / bandwidth)
        fits = np.ones(shape, dtype=np.bool_)
        for name in ("rooms", "lanes"):
            for plus, _, most in forms[name]:
                fits &= sums(plus, rest.least) <= most
        for plus, _, least in forms["least"]:
            fits &= sums(plus, rest.most) >= least
        if self.demands.share is not None:
            column, share = self.demands.share
            fits &= sums(self._weights({column: 1.0}), rest.most) >= share
        cycles = np.ceil(cycles * (1 - EXACT))
        for plus, _, pj in forms["leaks"]:
            energy = energy + sums(plus, rest.least) * cycles * pj
        return Costs(np.broadcast_to(energy, shape), np.broadcast_to(cycles + self.demands.transit, shape), fits)

    def outlook(self, values: Values) -> Costs:
        """The costs of no row at all: what every mapping of the template takes at least, float64[1, 1]."""
        groups, which = range(len(values.groups)), self.template.open
        ends = np.array([values.ends(g, which, self.columns) for g in groups])
        least, most = ends[:, :, 0].prod(axis=0), ends[:, :, 1].prod(axis=0)
        one = np.ones((1, len(self.columns)))
        if not np.isfinite(least).all():
            return Costs(np.full((1, 1), np.inf), np.full((1, 1), np.inf), np.zeros((1, 1), dtype=np.bool_))
        return self.costs(one, one, Rest(least, most))
