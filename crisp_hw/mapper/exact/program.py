"""A template as arrays: bounds of any number of partial mappings at once, and their exact values at the last join."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.exact.columns import Column, Form, Values
from crisp_hw.mapper.exact.demands import EXACT as EXACT
from crisp_hw.mapper.exact.demands import Demands
from crisp_hw.mapper.exact.forms import Template
from crisp_hw.mapper.exact.leaving import Leaving, Shares, tiles_of

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Sums = Callable[[Floats], Floats]

FEW = 4  # a product of a pair takes as long as the sums of so many pairs in matrices (measured)


@dataclass(frozen=True)
class Costs:
    """Energy in pJ and cycles of partial mappings, at least; `fits` is False where no completion fits."""

    energy_pj: Floats
    cycles: Floats
    fits: Bools


@dataclass(frozen=True)
class Pairs:
    """States with rows that fit, by their numbers, int64[n] each, and the costs of these n."""

    state: Ints
    row: Ints
    costs: Costs


@dataclass(frozen=True)
class Rest:
    """The least and the most that the groups still open multiply each column with, float64[columns] each."""

    least: Floats
    most: Floats


@dataclass(frozen=True)
class Term:
    """Weights of columns that grow, and of those taken off, of which the same shares leave something."""

    shares: Shares
    plus: Floats
    minus: Floats

    def open(self, rest: Rest) -> Floats:
        """One weight per column, with the least that is open of what grows and the most of what is taken off."""
        return np.where(self.plus, self.plus * rest.least, 0.0) - np.where(self.minus, self.minus * rest.most, 0.0)


@dataclass(frozen=True)
class Program:
    """The columns of a template and, over them, its forms; `leaving` knows what shares leave."""

    template: Template
    demands: Demands
    leaving: Leaving

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """All columns, once each."""
        one, asked = self.template, self.demands
        forms: list[Iterable[Column]] = [one.energy_pj, one.unread_pj, one.leaks_pj, one.steps]
        forms += [one.or_pj, one.or_unread_pj]
        for port in one.ports:
            forms += [port.words, port.unread]
        forms += [room.words for room in one.rooms]
        forms += [one.less, one.more]
        forms.append(column for column, _ in asked.lanes)
        if asked.share is not None:
            forms.append([asked.share[0]])
        tiles = (column for shares in self._shares for column in tiles_of(shares))
        return tuple(dict.fromkeys((*(column.bare for form in forms for column in form), *tiles)))

    @cached_property
    def _shares(self) -> tuple[Shares, ...]:
        """What may leave something of a term, once each."""
        one = self.template
        forms = [one.energy_pj, one.unread_pj, one.steps]
        forms += [form for port in one.ports for form in (port.words, port.unread)]
        return tuple(dict.fromkeys(column.shares for form in forms for column in form if column.shares))

    @cached_property
    def _place(self) -> dict[Column, int]:
        return {column: place for place, column in enumerate(self.columns)}

    def _weights(self, form: Form) -> Floats:
        found = np.zeros(len(self.columns))
        for column, weight in form.items():
            found[self._place[column.bare]] += weight
        return found

    def _terms(self, plus: Form, minus: Form) -> tuple[Term, ...]:
        """What is left of what grows less what is taken off, by what leaves it."""
        found = []
        for shares in dict.fromkeys(column.shares for column in (*plus, *minus)):
            grows, taken = (
                self._weights({column: w for column, w in form.items() if column.shares == shares})
                for form in (plus, minus)
            )
            found.append(Term(shares, grows, taken))
        return tuple(found)

    @cached_property
    def senses(self) -> tuple[Bools, Bools]:
        """Of which columns less is better (or allows more), and of which more is, bool[columns] each."""
        one, low, high = self.template, np.zeros(len(self.columns), bool), np.zeros(len(self.columns), bool)
        less = [one.energy_pj, one.leaks_pj, one.steps, *(port.words for port in one.ports)]
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
            "rooms": [(self._weights(r.words), nothing, float(r.size)) for r in one.rooms if r.size is not None],
            "least": [(self._weights(r.words), nothing, float(r.least)) for r in one.rooms if r.least],
            "lanes": [(self._weights({column: 1.0}), nothing, float(n)) for column, n in self.demands.lanes],
            "leaks": [(self._weights({column: 1.0}), nothing, pj) for column, pj in one.leaks_pj.items()],
        }

    @cached_property
    def _energy(self) -> tuple[Term, ...]:
        return self._terms(self.template.energy_pj, self.template.unread_pj)

    @cached_property
    def _times(self) -> tuple[tuple[tuple[Term, ...], float], ...]:
        """What takes time, and how much of it takes one cycle."""
        ports = tuple((self._terms(p.words, p.unread), p.bandwidth) for p in self.template.ports)
        return ((self._terms(self.template.steps, {}), 1.0), *ports)

    @cached_property
    def _tiles(self) -> list[int]:
        """The columns of the tiles that decide what is left."""
        return [self._place[column] for shares in self._shares for column in tiles_of(shares)]

    def pairs(self, states: Floats, rows: Floats, rest: Rest) -> Pairs:
        """Those of `costs` that fit. Where they are few, sums are worked out of their products alone."""
        if self._tiles:
            costs = self.costs(states, rows, rest)
            state, row = np.nonzero(costs.fits)
            return _paired(state, row, (costs.energy_pj[state, row], costs.cycles[state, row]))
        sums, shape = _crossed(states, rows), (len(states), len(rows))
        state, row = np.divmod(np.flatnonzero(np.broadcast_to(self._fits(sums, rest), shape)), shape[1])
        if len(state) * FEW < len(states) * len(rows):
            found = states.take(state, axis=0)
            found *= rows.take(row, axis=0)
            return _paired(state, row, self._taken(lambda weights: found @ weights, rest, {}))
        energy, cycles = (np.broadcast_to(each, shape)[state, row] for each in self._taken(sums, rest, {}))
        return _paired(state, row, (energy, cycles))

    def costs(self, states: Floats, rows: Floats, rest: Rest) -> Costs:
        """Of every state with every row, float64[states, rows]: `states` float64[s, columns] are products of the rows
        taken so far, `rows` float64[r, columns] those of the next group, and `rest` stands for the groups after it.
        """
        tiles = self._tiles
        if not tiles:
            return self._costs(states, rows, rest, {})
        energy, cycles = np.empty((len(states), len(rows))), np.empty((len(states), len(rows)))
        fits = np.empty((len(states), len(rows)), dtype=np.bool_)
        # rows that add the same to every tile that decides have the same left of each state
        kinds, which = np.unique(rows[:, tiles], axis=0, return_inverse=True)
        for number, kind in enumerate(kinds):
            found = (states[:, tiles] * (kind * rest.least[tiles])).T
            sizes = {self.columns[t]: each for t, each in zip(tiles, found, strict=True)}
            left = {shares: self.leaving.left(shares, sizes)[:, None] for shares in self._shares}
            here = np.flatnonzero(which.ravel() == number)
            costs = self._costs(states, rows[here], rest, left)
            energy[:, here], cycles[:, here], fits[:, here] = costs.energy_pj, costs.cycles, costs.fits
        return Costs(energy, cycles, fits)

    def _costs(self, states: Floats, rows: Floats, rest: Rest, left: Mapping[Shares, Floats]) -> Costs:
        """The same of rows of which the same is `left`, float64[s, 1] by shares."""
        sums, shape = _crossed(states, rows), (len(states), len(rows))
        fits = self._fits(sums, rest)
        energy, cycles = self._taken(sums, rest, left)
        return Costs(np.broadcast_to(energy, shape), np.broadcast_to(cycles, shape), np.broadcast_to(fits, shape))

    def _taken(self, sums: Sums, rest: Rest, left: Mapping[Shares, Floats]) -> tuple[Floats, Floats]:
        """Energy in pJ and cycles, at least; `sums` are those of the columns with some weights."""

        def total(terms: tuple[Term, ...]) -> Floats:
            found = np.zeros(())
            for place, term in enumerate(terms):
                value = sums(term.open(rest))
                value = np.maximum(value, 0.0) * left[term.shares] if term.shares else value
                found = found + value if place else value
            return found

        energy = np.maximum(total(self._energy), 0.0) + self.template.compute_pj
        if self.template.or_pj:
            energy = np.maximum(energy, total(self._terms(self.template.or_pj, self.template.or_unread_pj)))
        cycles = np.array(self.demands.least_cycles)
        for terms, bandwidth in self._times:
            cycles = np.maximum(cycles, total(terms) if bandwidth == 1 else total(terms) / bandwidth)
        cycles = np.ceil(cycles * (1 - EXACT))
        for plus, _, pj in self._forms["leaks"]:
            energy = energy + sums(plus * rest.least) * cycles * pj
        return energy, cycles + self.demands.transit

    def _fits(self, sums: Sums, rest: Rest) -> Bools:
        """Which may be completed to something that fits; `sums` are those of the columns with some weights."""
        forms, fits = self._forms, np.ones((1, 1), dtype=np.bool_)
        for name in ("rooms", "lanes"):
            for plus, _, most in forms[name]:
                fits = fits & (sums(plus * rest.least) <= most)
        for plus, _, least in forms["least"]:
            fits = fits & (sums(plus * rest.most) >= least)
        if self.demands.share is not None:
            column, share = self.demands.share
            fits = fits & (sums(self._weights({column: 1.0}) * rest.most) >= share)
        return fits

    def outlook(self, values: Values) -> Costs:
        """The costs of no row at all: what every mapping of the template takes at least, float64[1, 1]."""
        groups, which = range(len(values.groups)), self.template.open
        ends = np.array([values.ends(g, which, self.columns) for g in groups])
        with np.errstate(invalid="ignore"):  # where nothing is open, inf times a count that may be 0
            least, most = ends[:, :, 0].prod(axis=0), ends[:, :, 1].prod(axis=0)
        one = np.ones((1, len(self.columns)))
        if not np.isfinite(least).all():
            return Costs(np.full((1, 1), np.inf), np.full((1, 1), np.inf), np.zeros((1, 1), dtype=np.bool_))
        return self.costs(one, one, Rest(least, most))


def _crossed(states: Floats, rows: Floats) -> Sums:
    """Sums of columns with some weights, of every state with every row."""

    def sums(weights: Floats) -> Floats:
        used = np.flatnonzero(weights)
        if not len(used):
            return np.zeros((1, 1))
        found: Floats = (states[:, used] * weights[used]) @ rows[:, used].T
        return found

    return sums


def _paired(state: Ints, row: Ints, taken: tuple[Floats, Floats]) -> Pairs:
    energy, cycles = (np.broadcast_to(each, state.shape) for each in taken)
    return Pairs(state, row, Costs(energy, cycles, np.ones(len(state), dtype=np.bool_)))
