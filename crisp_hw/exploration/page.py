"""A study as a page: its best points, its front, what each axis matters, all points."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from crisp_hw.documents.columns import Column, cell, plain
from crisp_hw.documents.document import versions
from crisp_hw.exploration.plots import FRONT, REST, shares_of
from crisp_hw.exploration.study import Study
from crisp_hw.exploration.words import column_of
from crisp_hw.report.page.charts import bars, coloured, scatter
from crisp_hw.report.page.page import Card, Chart, Grid, Page, grid
from crisp_hw.spec.columns import Record
from crisp_hw.spec.shown import counted
from crisp_hw.spec.study import Axis, Objective

MOST_DRAWN = 1500  # points; not given; assumed because a page of them stays below 1.5 MB and draws in a second
MOST_ROWS = 500
"""Points in the table of all; points.csv has every one."""
MOST_REASONS = 50
AHEAD, BEATEN = "on the front", "beaten by another"


def study_page(study: Study, command: str = "") -> Page:
    """Cards, scatters of every pair of objectives, shares of the variance, front and points.

    >>> from crisp_hw.spec.study import Space
    >>> study_page(Study("nothing", Space(()), (), ())).about
    '0 points, 0 feasible, 0 on the front'
    """
    records, ahead = study.records(), study.front_records()
    good = [each for each in records if each["state"] == "feasible"]
    keys = [*(axis.name for axis in study.space.axes), *(each.name for each in study.objectives)]
    shown = tuple(column_of(key, records) for key in ("trial", *keys))
    more = tuple(column_of(key, records) for key in ("state", "reason"))
    front = _grid("The front: points that no other beats", "front.csv", shown, ahead)
    points = _grid("Points", "points.csv", (*shown, *more), records)
    return Page(
        f"Study of {plain(study.name)}",
        f"{counted(len(records), 'point')}, {len(good):,} feasible, {len(ahead):,} on the front",
        [_card(study, each) for each in study.objectives if good],
        _charts(study, good, ahead) if good else (),
        [each for each in (front, points) if each.rows],
        command=plain(command),
        folded=_folded(study, records),
    )


def _grid(title: str, file: str, shown: Sequence[Column], records: Sequence[Record]) -> Grid:
    """A table of the first records."""
    cut = f" (the first {MOST_ROWS:,} of {len(records):,}; {file} has all)" if len(records) > MOST_ROWS else ""
    return grid(f"{title}{cut}", shown, records[:MOST_ROWS])


def _card(study: Study, objective: Objective) -> Card:
    best = study.best(objective.name)
    column = column_of(objective.name, [best])
    where = ", ".join(f"{axis.name} {best[axis.name]}" for axis in study.space.axes if best[axis.name] is not None)
    word = "most" if objective.maximised else "least"
    value = cell(best[objective.name], column.style)
    return Card(f"{word} {column.heading}", value, plain(f"point {best['trial']}: {where}"))


def _charts(study: Study, good: list[Record], ahead: list[Record]) -> list[Chart]:
    names = [each.name for each in study.objectives]
    keys = ["trial", *(axis.name for axis in study.space.axes), *names]
    first = {each["trial"] for each in ahead}
    beaten = [each for each in good if each["trial"] not in first]
    step = -(-len(good) // MOST_DRAWN) or 1
    drawn: list[Record] = [
        {**{key: each[key] for key in keys}, "place": place}
        for place, some in ((BEATEN, beaten[::step]), (AHEAD, ahead[::step]))
        for each in some
    ]
    left_out = f", one of {step}" if step > 1 else ""
    shown = [column_of(key, good) for key in keys]
    colours = coloured("place", "", {AHEAD: FRONT, BEATEN: REST})
    charts = []
    for a, b in list(combinations(names, 2)) or [("trial", names[0])]:
        axes = (column_of(a, good), column_of(b, good))
        title = f"{axes[1].heading} over {axes[0].heading}"
        words = f"A mark per feasible point of the study{left_out}; colour says whether another beats it."
        charts.append(Chart(f"of-{a}-{b}", title, words, scatter(drawn, axes, shown, colours)))
    return [*charts, _matter(study, good)]


def _matter(study: Study, good: list[Record]) -> Chart:
    """How much of the variance of each objective an axis explains alone."""
    names = [axis.name for axis in study.space.axes]
    rows: list[Record] = [
        {"axis": column_of(axis, good).heading, "share": share, "objective": column_of(objective.name, good).heading}
        for objective in study.objectives
        for axis, share in shares_of(good, names, objective.name).items()
    ]
    share = Column("share", "share of the variance", "number")
    shown = (Column("axis", "axis"), share, Column("objective", "objective"))
    words = "For every axis and objective, the share of the variance of the points that lies between the axis's values."
    return Chart("matter", "What each axis matters", words, bars(rows, shown))


def _folded(study: Study, records: list[Record]) -> dict[str, list[str]]:
    reasons = Counter(str(each["reason"]) for each in records if each["reason"]).most_common(MOST_REASONS)
    return {
        "Why points are infeasible": [plain(f"{counted(many, 'point')}: {why}") for why, many in reasons],
        "The space": [plain(_axis(each)) for each in study.space.axes],
        "Conditions": list(map(plain, study.space.conditions)),
        "Provenance": [f"made with {name}: {version}" for name, version in versions().items()],
    }


def _axis(axis: Axis) -> str:
    """An axis in a line.

    >>> _axis(Axis("cores", low=2, high=8, step=2, whole=True)), _axis(Axis("nm", ("2:4", None), when="cores > 2"))
    ('cores: from 2 to 8 in steps of 2', 'nm: 2:4, none, where cores > 2')
    """
    if axis.values:
        said = ", ".join("none" if each is None else str(each) for each in axis.values)
    else:
        how = f" in steps of {axis.step:g}" if axis.step else ", evenly in the logarithm" if axis.log else ""
        said = f"from {axis.low:g} to {axis.high:g}{how}"
    return f"{axis.name}: {said}{f', where {axis.when}' if axis.when else ''}"
