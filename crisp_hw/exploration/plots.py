"""Figures of a study: its front, what each axis matters, and all points beside each other."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crisp_hw.errors import InputError
from crisp_hw.report.figures.style import INK, RC, RULE, WIDTHS, Width, require_matplotlib, ruled
from crisp_hw.spec.columns import Record, Value, heading
from crisp_hw.spec.kinds import of_kind

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from crisp_hw.exploration.study import Study

FRONT, REST = "#D55E00", "#8FA3B0"  # vermillion of Okabe and Ito; a grey that stands behind it on white
HEIGHT = 2.6  # inches; not given; assumed because a panel is then about square in a column


def pareto(study: "Study", width: Width) -> "Figure":
    """Every feasible point in a panel for each pair of objectives, those of the front in colour."""
    names = [each.name for each in study.objectives]
    pairs = [(a, b) for place, a in enumerate(names) for b in names[place + 1 :]] or [("trial", names[0])]
    figure = _paper(width, len(pairs))
    records, ahead = _feasible(study), study.front_records()
    for axes, (a, b) in zip(figure.axes, pairs, strict=True):
        axes.plot(*_columns(records, a, b), linestyle="", marker="o", markersize=3, color=REST)
        axes.plot(*_columns(ahead, a, b), linestyle="", marker="o", markersize=4, color=FRONT)
        axes.set_xlabel(heading(a))
        axes.set_ylabel(heading(b))
        ruled(axes, "y")
    return figure


def sensitivity(study: "Study", width: Width) -> "Figure":
    """For every axis and objective, the share of the variance of the points that the means by value explain."""
    names = [each.name for each in study.objectives]
    figure = _paper(width, len(names))
    axes_names = [axis.name for axis in study.space.axes]
    for place, (axes, name) in enumerate(zip(figure.axes, names, strict=True)):
        shares = shares_of(_feasible(study), axes_names, name)
        axes.barh(range(len(shares)), list(shares.values()), color=FRONT, height=0.6)
        axes.set_yticks(range(len(shares)), list(shares) if place == 0 else [""] * len(shares))
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.set_xlabel(f"share of the variance\nof {heading(name)}")
        ruled(axes, "x")
    return figure


def shares_of(records: Sequence[Record], axes: Sequence[str], objective: str) -> dict[str, float]:
    """By axis, how much of the variance of an objective lies between the means of its values; 0 where nothing varies.

    >>> found = [{"a": a, "b": b, "cycles": 10 * a} for a in (1, 2) for b in (1, 2)]
    >>> shares_of(found, ["a", "b"], "cycles")
    {'a': 1.0, 'b': 0.0}
    """
    values = np.array([float(each[objective] or 0) for each in records])
    whole = float(np.var(values))
    shares = {}
    for axis in axes:
        groups: dict[Value, list[int]] = {}
        for place, record in enumerate(records):
            groups.setdefault(record[axis], []).append(place)
        between = sum(len(places) * (values[places].mean() - values.mean()) ** 2 for places in groups.values())
        shares[axis] = float(between / len(values) / whole) if whole else 0.0
    return shares


def parallel(study: "Study", width: Width) -> "Figure":
    """A line per feasible point over all axes and objectives, those of the front in colour."""
    keys = [*(axis.name for axis in study.space.axes), *(each.name for each in study.objectives)]
    figure = _paper(width, 1)
    (axes,) = figure.axes
    records = _feasible(study)
    places = {key: _places([each[key] for each in records]) for key in keys}
    front = {each["trial"] for each in study.front_records()}
    for record in sorted(records, key=lambda each: each["trial"] in front):
        ahead = record["trial"] in front
        line = [places[key][record[key]] for key in keys]
        axes.plot(line, color=FRONT if ahead else REST, linewidth=1.0 if ahead else 0.4, alpha=1.0 if ahead else 0.6)
    axes.set_xticks(range(len(keys)), [heading(key).replace(" ", "\n") for key in keys])
    axes.set_yticks([0, 1], ["least", "most"])
    for place in range(len(keys)):
        axes.axvline(place, color=RULE, linewidth=0.6, zorder=0)
    return figure


def _places(values: Sequence[Value]) -> dict[Value, float]:
    """Every value of a column from 0 to 1: numbers by size, all else in the order of appearance."""
    distinct = list(dict.fromkeys(values))
    numbers = [each for each in distinct if isinstance(each, int | float)]
    if len(numbers) < len(distinct):
        return {each: place / max(1, len(distinct) - 1) for place, each in enumerate(distinct)}
    low, high = min(numbers), max(numbers)
    return {each: (each - low) / (high - low) if high > low else 0.5 for each in numbers}


KINDS: Mapping[str, Callable[["Study", Width], "Figure"]] = {
    "pareto": pareto,
    "sensitivity": sensitivity,
    "parallel": parallel,
}


def study_figure(study: "Study", kind: str, width: Width) -> "Figure":
    """The figure of that kind; InputError for a kind that there is not, or where no point is feasible."""
    if of_kind("kind", kind, str) not in KINDS:
        raise InputError(f"no figure {kind}", hint=f"choose one of {', '.join(KINDS)}")
    if of_kind("width", width, Width) and not _feasible(study):
        raise InputError("no point of the study is feasible, so that there is nothing to draw")
    require_matplotlib(f"the figure {kind}")
    from matplotlib import rc_context

    with rc_context(dict(RC)):
        return KINDS[kind](study, width)


def _feasible(study: "Study") -> list[Record]:
    return [each for each in study.records() if each["state"] == "feasible"]


def _columns(records: Sequence[Record], *keys: str) -> list[list[Any]]:
    return [[record[key] for record in records] for key in keys]


def _paper(width: Width, panels: int) -> "Figure":
    from crisp_hw.report.figures.shown import ShownFigure

    figure = ShownFigure(figsize=(WIDTHS[width], HEIGHT), layout="constrained", edgecolor=INK)
    figure.subplots(1, panels)
    return figure
