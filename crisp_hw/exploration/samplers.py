"""Which points a study asks for: all of a grid, random ones, or those that a sampler of Optuna proposes.

Every way is a function of the space, the seed and what it was told, in the order in which it was told: the same study
asks for the same points again, however many workers judge them and however often it is begun anew.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice, product
from math import exp, log
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from crisp_hw.errors import InputError
from crisp_hw.exploration.extra import optuna
from crisp_hw.spec.columns import Value
from crisp_hw.spec.study import Axis, Judged, Objective, Point, Space

if TYPE_CHECKING:
    from optuna.trial import Trial as Asked


class Sampler(Protocol):
    """Proposes points with a value for every axis, and hears what they cost; `learns` where it asks accordingly."""

    learns: bool

    def ask(self, many: int) -> list[Point]:
        """The next points, fewer where there are no more."""

    def tell(self, judged: Sequence[Judged]) -> None:
        """What the points cost that were asked for last, in their order."""


class Listed:
    """Points of an iterator, whatever they cost."""

    learns = False

    def __init__(self, points: Iterator[Point]) -> None:
        self._points = points

    def ask(self, many: int) -> list[Point]:
        """The next points."""
        return list(islice(self._points, many))

    def tell(self, judged: Sequence[Judged]) -> None:
        """Nothing follows from it."""


def grid(space: Space, objectives: Sequence[Objective], seed: int) -> Sampler:
    """Every combination, the last axis fastest."""
    names = [axis.name for axis in space.axes]
    return Listed(dict(zip(names, values, strict=True)) for values in product(*(axis.listed for axis in space.axes)))


def random(space: Space, objectives: Sequence[Objective], seed: int) -> Sampler:
    """Values drawn for every axis alone, without end."""
    generator = np.random.default_rng(seed)

    def points() -> Iterator[Point]:
        while True:
            yield {axis.name: _drawn(axis, float(generator.random())) for axis in space.axes}

    return Listed(points())


def _drawn(axis: Axis, share: float) -> Value:
    """The value of an axis at a share from 0 to 1 of its range."""
    if axis.values or axis.step:
        values = axis.listed
        return values[min(int(share * len(values)), len(values) - 1)]
    if axis.log:
        return exp(log(axis.low) + share * (log(axis.high) - log(axis.low)))
    return axis.low + share * (axis.high - axis.low)


class Proposed:
    """Points of a sampler of Optuna, in a study that lives in memory: what was judged is kept elsewhere, by content."""

    learns = True

    def __init__(self, space: Space, objectives: Sequence[Objective], sampler: Any) -> None:
        self._space, self._objectives = space, objectives
        self._study = optuna().create_study(
            directions=["maximize" if each.maximised else "minimize" for each in objectives], sampler=sampler
        )
        self._distributions = {axis.name: _distribution(axis) for axis in space.axes}
        self._asked: list[Asked] = []

    def ask(self, many: int) -> list[Point]:
        """The next points; there are always more."""
        self._asked = [self._study.ask(self._distributions) for _ in range(many)]
        return [{axis.name: _value(axis, each.params[axis.name]) for axis in self._space.axes} for each in self._asked]

    def tell(self, judged: Sequence[Judged]) -> None:
        """Infeasible points are told as failed, from which samplers of Optuna learn nothing."""
        for asked, one in zip(self._asked, judged, strict=True):
            if one.feasible:
                self._study.tell(asked, [float(one.record[each.name] or 0) for each in self._objectives])
            else:
                self._study.tell(asked, state=optuna().trial.TrialState.FAIL)


def _distribution(axis: Axis) -> Any:
    """Lists of numbers by their place, so that a sampler sees an order; other lists as choices without one."""
    kinds = optuna().distributions
    if axis.values or axis.step:
        values = axis.listed
        ordered = all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)
        if ordered and len(values) > 1:
            return kinds.IntDistribution(0, len(values) - 1)
        return kinds.CategoricalDistribution(list(range(len(values))))
    return kinds.FloatDistribution(axis.low, axis.high, log=axis.log)


def _value(axis: Axis, given: Any) -> Value:
    return axis.listed[given] if axis.values or axis.step else float(given)


def tpe(space: Space, objectives: Sequence[Objective], seed: int) -> Sampler:
    """Optuna's tree-structured Parzen estimator."""
    return Proposed(space, objectives, optuna().samplers.TPESampler(seed=seed, constant_liar=True))


def nsga2(space: Space, objectives: Sequence[Objective], seed: int) -> Sampler:
    """Optuna's NSGA-II."""
    return Proposed(space, objectives, optuna().samplers.NSGAIISampler(seed=seed))


METHODS: dict[str, Callable[[Space, Sequence[Objective], int], Sampler]] = {
    "grid": grid,
    "random": random,
    "tpe": tpe,
    "nsga2": nsga2,
}


def sampler_of(method: str, space: Space, objectives: Sequence[Objective], seed: int) -> Sampler:
    """The sampler of a method; InputError, naming those there are, for any other, and for a seed that draws nothing."""
    if method not in METHODS:
        raise InputError(f"no method {str(method)[:40]!r}", hint=f"there are {', '.join(METHODS)}")
    if seed and method == "grid":
        raise InputError(
            f"seed {seed} has no effect on a grid, which draws nothing", hint="leave it out, or take random"
        )
    return METHODS[method](space, objectives, seed)
