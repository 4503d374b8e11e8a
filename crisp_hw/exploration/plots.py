"""Figures of a study: its front, what each axis matters, and all points beside each other."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crisp_hw.documents.columns import plain
from crisp_hw.errors import InputError
from crisp_hw.report.figures.style import INK, RC, RULE, TEXT, WIDTHS, Width, require_matplotlib, ruled
from crisp_hw.spec.columns import Record, Value, heading
from crisp_hw.spec.kinds import of_kind
from crisp_hw.spec.shown import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from crisp_hw.exploration.study import Study

FRONT, REST = "#D55E00", "#8FA3B0"  # vermillion of Okabe and Ito; a grey that stands behind it on white
HEIGHT = 2.6  # inches; not given; assumed because a panel is then about square on a page
PANELS: Mapping[Width, int] = {"column": 2, "page": 3}
"""Panels beside each other; not given; assumed because more leave no room for the numbers along their axes."""
LARGE = 10_000  # from here on numbers are told in thousands (k) or millions (M)


def pareto(study: "Study", width: Width) -> "Figure":
    """Every feasible point in a panel for each pair of objectives, those of the front in colour."""
    names = [each.name for each in study.objectives]
    pairs = [(a, b) for place, a in enumerate(names) for b in names[place + 1 :]] or [("trial", names[0])]
    figure = _paper(study, width, len(pairs))
    records, ahead = _feasible(study), study.front_records()
    for axes, (a, b) in zip(figure.axes, pairs, strict=True):
        axes.plot(*_columns(records, a, b), linestyle="", marker="o", markersize=3, color=REST)
        axes.plot(*_columns(ahead, a, b), linestyle="", marker="o", markersize=4, color=FRONT)
        axes.set_xlabel(heading(a))
        axes.set_ylabel(heading(b))
        _numbered(axes)
        ruled(axes, "y")
    _legend(figure, figure.axes[0].lines)
    return figure


def sensitivity(study: "Study", width: Width) -> "Figure":
    """For every axis and objective, the share of the variance of the points that the means by value explain."""
    names = [each.name for each in study.objectives]
    figure = _paper(study, width, len(names))
    axes_names = [axis.name for axis in study.space.axes]
    for place, (axes, name) in enumerate(zip(figure.axes, names, strict=True)):
        shares = shares_of(_feasible(study), axes_names, name)
        axes.barh(range(len(shares)), list(shares.values()), color=FRONT, height=0.6)
        begins = place % PANELS[width] == 0
        axes.set_yticks(range(len(shares)), [heading(each) if begins else "" for each in shares])
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.set_xlabel(heading(name))
        ruled(axes, "x")
    figure.supxlabel("share of the variance that an axis explains alone", fontsize=TEXT)
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
    figure = _paper(study, width, 1)
    (axes,) = figure.axes
    records = _feasible(study)
    places = {key: _places([each[key] for each in records]) for key in keys}
    front = {each["trial"] for each in study.front_records()}
    drawn = {}
    for record in sorted(records, key=lambda each: each["trial"] in front):
        ahead = record["trial"] in front
        line = [places[key][record[key]] for key in keys]
        look = {"color": FRONT, "linewidth": 1.0} if ahead else {"color": REST, "linewidth": 0.4, "alpha": 0.6}
        (drawn[ahead],) = axes.plot(line, **look)  # type: ignore[arg-type]  # colours are text, widths numbers
    axes.set_xticks(range(len(keys)), [heading(key).replace(" ", "\n") for key in keys])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.1, 1.1)
    for place, key in enumerate(keys):
        axes.axvline(place, 0.1 / 1.2, 1.1 / 1.2, color=RULE, linewidth=0.6, zorder=0)
        for share, above in ((0, "top"), (1, "bottom")):
            ends = [value for value, at in places[key].items() if at == share]
            for value in ends[:1]:
                text = axes.text(place, share * 1.04 - 0.02, _told(value), ha="center", va=above, color=INK)
                text.set_parse_math(False)
    _legend(figure, [drawn[each] for each in (False, True) if each in drawn])
    return figure


def _told(value: Value) -> str:
    """A value as it stands at the end of a line.

    >>> _told(1250000.0), _told(1024), _told(None)
    ('1.25M', '1024', 'none')
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "none" if value is None else str(value)
    from matplotlib.ticker import EngFormatter

    return EngFormatter(sep="").format_eng(float(f"{value:.4g}")) if abs(value) >= LARGE else f"{value:.4g}"


def _numbered(axes: "Axes") -> None:
    """Few numbers along both axes, which stand for themselves: k and M for large ones, no power of ten at the end."""
    from matplotlib.ticker import EngFormatter, MaxNLocator, ScalarFormatter

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(4))
        large = max(map(abs, axis.get_view_interval())) >= LARGE
        axis.set_major_formatter(EngFormatter(sep="") if large else ScalarFormatter(useOffset=False))


def _legend(figure: "Figure", lines: Sequence[Any]) -> None:
    """Say what the colours are."""
    words = {REST: "beaten by another", FRONT: "on the front"}
    told = [words[each.get_color()] for each in lines]
    figure.legend(lines, told, loc="outside lower center", ncols=2, frameon=False)


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


def _paper(study: "Study", width: Width, panels: int) -> "Figure":
    """A figure of some panels in rows, with the study and its points above."""
    from crisp_hw.report.figures.shown import ShownFigure

    across = min(panels, PANELS[width])
    rows = -(-panels // across)
    figure = ShownFigure(figsize=(WIDTHS[width], HEIGHT * rows), layout="constrained", edgecolor=INK)
    for place in range(panels):
        figure.add_subplot(rows, across, place + 1)
    good, ahead = len(_feasible(study)), len(study.front_records())
    said = f"{plain(study.name)}: {counted(good, 'feasible point')} of {len(study):,}, {ahead:,} on the front"
    figure.suptitle(said).set_parse_math(False)
    return figure
