"""What is explored: axes of a design space, conditions between them, objectives, and points that were judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from crisp_hw.errors import InputError
from crisp_hw.spec.columns import Record, Value

Point = Mapping[str, Value]
"""A value for every axis that concerns the point, by its name, in the order of the axes."""

MAXIMISED = frozenset(
    {
        *("speedup", "on_chip_gain", "energy_gain", "dense_tops", "effective_tops", "attained_tops", "roof_share"),
        *("on_chip_tops_per_w", "total_tops_per_w", "effective_tops_per_mm2", "mac_bound_share", "accuracy"),
    }
)
"""Figures of which more is better; of all others less is."""


@dataclass(frozen=True)
class Axis:
    """One number or name of a design that a study varies.

    Either `values` are listed, or the numbers from `low` to `high` are meant: in steps of `step`, all of them where it
    is 0, evenly in their logarithm where `log` is set. `whole` numbers are integers. `when` is a condition over axes
    before this one; where it does not hold, a point has no value here and keeps what its base has.
    """

    name: str
    values: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0
    log: bool = False
    whole: bool = False
    when: str = ""

    @property
    def steps(self) -> int:
        """How many steps there are from `low` to `high`.

        >>> Axis("cores", low=2, high=8, step=2, whole=True).steps
        3
        """
        return int((self.high - self.low) / self.step * (1 + 1e-12))

    @cached_property
    def listed(self) -> tuple[Value, ...]:
        """Every value in order; InputError for numbers without steps, of which there is no end.

        >>> Axis("cores", low=2, high=8, step=2, whole=True).listed
        (2, 4, 6, 8)
        """
        if self.values:
            return self.values
        if not self.step:
            said = f"axis {self.name} has no end of values between {self.low:g} and {self.high:g}"
            raise InputError(said, hint="give step, list the values, or take method random, tpe or nsga2")
        numbers = (self.low + place * self.step for place in range(self.steps + 1))
        return tuple(round(each) if self.whole else float(f"{each:.12g}") for each in numbers)


@dataclass(frozen=True)
class Space:
    """The axes of a study, and conditions that a point must meet to be feasible."""

    axes: tuple[Axis, ...]
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Objective:
    """A figure that a study makes as small as it can, or, where it is `maximised`, as large."""

    name: str
    maximised: bool = False

    def least(self, value: float) -> float:
        """The figure as a number of which less is better."""
        return -value if self.maximised else value


@dataclass(frozen=True)
class Judged:
    """What a point costs: its figures by name; or the `reason` why it is infeasible, and no figures."""

    record: Record
    reason: str = ""

    @property
    def feasible(self) -> bool:
        """Are there figures?"""
        return not self.reason


@dataclass(frozen=True)
class Trial:
    """One point of a study, by its number in the order in which points were asked for."""

    number: int
    point: Point
    judged: Judged
