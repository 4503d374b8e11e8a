"""The schema of a study of a design space."""

from typing import Literal

from pydantic import Field

from crisp_hw.schemas.base import Number, Open, Strict, Value, Versions


class Axis(Strict):
    """What a study varies: values, or numbers from low to high (in steps, or, where step is 0, all)."""

    name: str
    values: list[Value]
    low: Number
    high: Number
    step: Number
    log: bool
    whole: bool
    when: str


class Objective(Strict):
    """A figure that is made small, or, where it is maximised, large."""

    name: str
    maximised: bool


class Point(Open):
    """One point: its number, its value on every axis, and its figures; those of an infeasible one are null."""

    trial: int
    state: Literal["feasible", "infeasible"]
    reason: str | None


class Exploration(Strict):
    """The points of a design space: `crisp-hw explore`, and its study.json; `front` are the trials that none beats."""

    schema_: Literal["crisp-hw/exploration/1"] = Field(alias="schema")
    name: str
    versions: Versions
    axes: list[Axis]
    conditions: list[str]
    objectives: list[Objective]
    interrupted: bool
    front: list[int]
    points: list[Point]
