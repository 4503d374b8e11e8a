"""What was judged is kept by content, in a storage of Optuna: a journal file in a folder, or a database.

The storage is a bag of points: their order is that of the sampler, which asks for them again in the same way. A point
that is kept is never judged again, whichever study asked for it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from crisp_hw.errors import InputError
from crisp_hw.exploration.extra import optuna
from crisp_hw.exploration.journal import Journal
from crisp_hw.spec.columns import Value
from crisp_hw.spec.study import Axis, Judged, Objective, Point, Space

KEY, RECORD, REASON = "key", "record", "reason"
MOST_CHOICES = 16
"""Choices that stand in every line of a journal; of longer lists it is the place that is kept, and the name beside it.
Not given; assumed because a line without them takes some 1,600 bytes, which 16 names do not double."""

FRESH = 256
"""Points that are written before the storage is made anew, which forgets them. Not given; assumed because the trials
that it keeps then take less than a MiB."""


class Kept:
    """The points that a storage holds, by key; new ones are written at once, so that a killed process loses none."""

    def __init__(self, store: str | Path | None, space: Space, objectives: tuple[Objective, ...]) -> None:
        self._known: dict[str, Judged] = {}
        self._study: Any = None
        self._begin: Callable[[], Any] | None = None  # with the first point that is new, and again from time to time
        self._new = 0
        self._objectives = objectives
        self._axes = {axis.name: _Told(axis, _range(axis)) for axis in space.axes} if store is not None else {}
        if store is None:
            return
        place = _place(store)
        for told in place.trials():
            self._read(told)
        directions = ["maximize" if each.maximised else "minimize" for each in objectives]
        # each space has a study of its own: Optuna takes one set of choices an axis and study
        name = f"crisp-hw-{sha256(repr((space, objectives)).encode()).hexdigest()[:12]}"
        self._begin = lambda: optuna().create_study(
            storage=place.storage(), study_name=name, directions=directions, load_if_exists=True
        )

    def __len__(self) -> int:
        return len(self._known)

    def known(self, key: str) -> Judged | None:
        """What a point costs, where it was judged before."""
        return self._known.get(key)

    def keep(self, key: str, point: Point, judged: Judged) -> None:
        """Keep a point."""
        self._known[key] = judged
        if self._begin is None:
            return
        if self._new % FRESH == 0:
            self._study = self._begin()
        self._new += 1
        states = optuna().trial.TrialState
        values = [float(judged.record[each.name] or 0) for each in self._objectives] if judged.feasible else None
        self._study.add_trial(
            optuna().trial.create_trial(
                state=states.COMPLETE if judged.feasible else states.FAIL,
                values=values,
                params={name: self._axes[name].value(value) for name, value in point.items()},
                distributions={name: self._axes[name].range for name in point},
                user_attrs={
                    **{name: _plain(value) for name, value in point.items() if self._axes[name].by_place},
                    KEY: key,
                    RECORD: json.dumps(judged.record),
                    REASON: judged.reason,
                },
            )
        )

    def _read(self, told: Mapping[str, Any]) -> None:
        with suppress(KeyError, ValueError):  # a trial of somebody else's in the same storage
            self._known[str(told[KEY])] = Judged(json.loads(told[RECORD]), str(told[REASON]))


@dataclass(frozen=True)
class _Told:
    """An axis as others who look into the storage see it: `range` is Optuna's distribution."""

    axis: Axis
    range: Any

    @property
    def by_place(self) -> bool:
        """Is a value told by its place in a list that is too long to stand in every line?"""
        return _is_long(self.axis)

    def value(self, value: Value) -> Value:
        """A value as the distribution has it."""
        return self.axis.values.index(value) if self.by_place else _plain(value)


def _is_long(axis: Axis) -> bool:
    return len(axis.values) > MOST_CHOICES and not _numbers(axis)


def _numbers(axis: Axis) -> list[float]:
    """The values of an axis of numbers alone; none of another."""
    numbers = [each for each in axis.values if isinstance(each, int | float) and not isinstance(each, bool)]
    return numbers if len(numbers) == len(axis.values) else []


def _plain(value: Value) -> Value:
    return "none" if value is None else value


def _range(axis: Axis) -> Any:
    """What an axis may be: numbers as a range, all else as choices, many as their places."""
    kinds = optuna().distributions
    if not axis.values:
        return kinds.FloatDistribution(axis.low, axis.high)
    if numbers := _numbers(axis):
        return kinds.FloatDistribution(min(numbers), max(numbers))
    if _is_long(axis):
        return kinds.IntDistribution(0, len(axis.values) - 1)
    return kinds.CategoricalDistribution([_plain(each) for each in axis.values])


class _Database:
    """A database, which keeps nothing in memory."""

    def __init__(self, url: str) -> None:
        storages = optuna().storages
        from sqlalchemy.exc import ArgumentError, SQLAlchemyError  # Optuna brings it along

        try:
            self._storage = storages.RDBStorage(url)
        except (ImportError, SQLAlchemyError, ValueError) as error:
            match error:
                case ImportError():
                    why = "its driver is not installed"
                case ArgumentError() | ValueError():
                    why = "it is no URL of a kind of database that is known here"
                case _:
                    why = "there is no such database, or it does not answer"
            hint = (
                "give a folder, or a URL such as sqlite:///study.db, whose driver is installed and whose server answers"
            )
            raise InputError(f"the store cannot be opened: {why}", hint=hint) from error

    def trials(self) -> Iterator[Mapping[str, Any]]:
        """What is told beside every trial that there is now."""
        for summary in self._storage.get_all_studies():
            for trial in self._storage.get_all_trials(summary._study_id, deepcopy=False):
                yield trial.user_attrs

    def storage(self) -> Any:
        """The storage."""
        return self._storage


def _place(store: str | Path) -> Journal | _Database:
    return _Database(store) if isinstance(store, str) and "://" in store else Journal(Path(store))
