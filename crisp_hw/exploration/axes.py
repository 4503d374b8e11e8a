"""The axes of a space as a user gives them: lists of values, or numbers from one to another."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from crisp_hw.errors import InputError
from crisp_hw.machine.expressions import evaluate, names_in
from crisp_hw.spec.columns import Value
from crisp_hw.spec.kinds import only_known, wrong_kind
from crisp_hw.spec.patterns import NM, nm_of
from crisp_hw.spec.study import Axis, Point, Space

KEYS = ("values", "low", "high", "step", "log", "when")
FORMS = 'a list of values, or a mapping such as {"low": 8, "high": 64, "step": 8} or {"values": [...], "when": "..."}'
MOST_STEPS = 1_000_000  # of an axis; not given; assumed because their list takes 40 MiB
NONE = {"none": None}
"""Words that conditions may use, and what they stand for."""


def space_of(space: Mapping[str, Any], conditions: Sequence[str] = ()) -> Space:
    """The axes and conditions that a user gave; InputError for what is none.

    >>> space_of({"cores": [2, 4], "smem_kb": {"low": 64, "high": 256, "step": 64}}).axes[1].listed
    (64, 128, 192, 256)
    """
    if not isinstance(space, Mapping):
        raise wrong_kind("space", space, "a mapping from the names of axes to their values")
    if not space:
        raise InputError("the space has no axis", hint='give one, such as {"smem_kb": [128, 256]}')
    axes = tuple(_axis(name, given) for name, given in space.items())
    for place, axis in enumerate(axes):
        _check_names(f"when of axis {axis.name}", axis.when, [each.name for each in axes[:place]])
    for condition in conditions:
        _check_names("a condition", condition, [each.name for each in axes])
    return Space(axes, tuple(conditions))


def _axis(name: Any, given: Any) -> Axis:
    if not isinstance(name, str):
        raise wrong_kind("the name of an axis", name, "text, such as smem_kb")
    if isinstance(given, Mapping):
        return _described(name, given)
    return Axis(name, _values(name, given))


def _values(name: str, given: Any) -> tuple[Value, ...]:
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise wrong_kind(f"axis {name}", given, FORMS)
    values = tuple(map(label, given))
    if not values:
        raise InputError(f"axis {name} has no values", hint="list some")
    if endless := [each for each in values if isinstance(each, float) and not isfinite(each)]:
        raise InputError(f"axis {name} has the value {endless[0]}", hint="give finite numbers")
    if twice := [each for place, each in enumerate(values) if each in values[:place]]:
        raise InputError(f"axis {name} has the value {twice[0]} twice", hint="list it once")
    if name == "nm":
        return tuple(None if each is None else str(nm_of(str(each))) for each in values)
    return values


def label(value: Any) -> Value:
    """How a value of an axis is told: plain ones as they are, nouns by their name.

    >>> label(NM(2, 4)), label(8.0), label(None)
    ('2:4', 8, None)
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, NM):
        return str(value)
    if hasattr(value, "item") and not hasattr(value, "name"):  # a number of NumPy
        value = value.item()
    if isinstance(value, int | float):
        return int(value) if isfinite(value) and value == int(value) else float(value)
    return str(getattr(value, "name", value))


def _described(name: str, given: Mapping[str, Any]) -> Axis:
    only_known(given, KEYS)
    when = given.get("when", "")
    if not isinstance(when, str):
        raise wrong_kind(f"when of axis {name}", when, "a condition as text")
    if "values" in given:
        if beside := [key for key in ("low", "high", "step", "log") if key in given]:
            raise InputError(f"axis {name}: {beside[0]} has no effect beside values", hint="give one of them")
        return Axis(name, _values(name, given["values"]), when=when)
    axis = _between(name, given)
    if axis.step and axis.steps > MOST_STEPS:
        said = f"axis {name} has {axis.steps + 1:,} values from {axis.low:g} to {axis.high:g} in steps of {axis.step:g}"
        raise InputError(said, hint=f"give a larger step ({MOST_STEPS:,} at most are listed), or none, for all between")
    return axis


def _between(name: str, given: Mapping[str, Any]) -> Axis:
    """The numbers from one to another."""
    when = given.get("when", "")
    numbers = {key: _number(name, key, given.get(key)) for key in ("low", "high")}
    step = _number(name, "step", given["step"]) if given.get("step") is not None else 0.0
    log = given.get("log", False)
    if not isinstance(log, bool):
        raise wrong_kind(f"log of axis {name}", log, "True or False")
    if not numbers["low"] < numbers["high"] or step < 0 or (log and (step or numbers["low"] <= 0)):
        said = f"axis {name} goes from {numbers['low']:g} to {numbers['high']:g} in steps of {step:g}"
        raise InputError(said, hint="let low be below high, step above 0, and give log without step and above 0")
    whole = all(float(each).is_integer() for each in (*numbers.values(), step)) and bool(step)
    return Axis(name, low=numbers["low"], high=numbers["high"], step=step, log=log, whole=whole, when=when)


def _number(name: str, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise wrong_kind(f"{key} of axis {name}", value, "a number")
    return float(value)


def _check_names(what: str, condition: str, known: Sequence[str]) -> None:
    """InputError for a condition that is none, or that reads what there is not."""
    if not isinstance(condition, str):
        raise wrong_kind(what, condition, "text, such as smem_kb >= 4 * rf_kb")
    if not condition:
        return
    unknown = [each for each in names_in(condition) if each not in map(named, known) and each not in NONE]
    if unknown:
        there = f"it may read {', '.join(map(named, known)) or 'nothing, as the first'}"
        raise InputError(f"{what} reads {unknown[0]}, which is no axis before it", hint=there)


def named(axis: str) -> str:
    """The name of an axis as conditions write it: dots become underscores.

    >>> named("levels.SMEM.size")
    'levels_SMEM_size'
    """
    return axis.replace(".", "_").replace("-", "_")


def active(space: Space, whole: Point) -> Point:
    """The values that concern a point, of values for all axes."""
    point: dict[str, Value] = {}
    for axis in space.axes:
        if not axis.when or _holds(axis.when, point, space):
            point[axis.name] = whole[axis.name]
    return point


def broken(space: Space, point: Point) -> str:
    """The reason why the conditions make a point infeasible; "" where all hold.

    >>> where = space_of({"a": [1, 2], "b": [1]}, ["a > b"])
    >>> broken(where, {"a": 1, "b": 1}), broken(where, {"a": 2, "b": 1})
    ('the condition a > b does not hold', '')
    """
    for condition in space.conditions:
        if not _holds(condition, point, space):
            return f"the condition {condition} does not hold"
    return ""


def _holds(condition: str, point: Point, space: Space) -> bool:
    """Does a condition hold? An axis that does not concern the point is none, and less or greater than nothing."""
    names = {named(axis.name): point.get(axis.name) for axis in space.axes}
    try:
        return bool(evaluate(condition, {**names, **NONE}))
    except InputError:
        if any(names.get(each) is None for each in names_in(condition) if each not in NONE):
            return True  # it compares what this point does not have
        raise
