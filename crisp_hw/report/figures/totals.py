"""The whole network on every accelerator: speedup, and where its energy goes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crisp_hw.documents.columns import plain
from crisp_hw.report.figures.components import OVER_DENSE, components, stack
from crisp_hw.report.figures.scene import Scene, finish, paper
from crisp_hw.report.figures.style import INK, LINE, POINTS, SPEEDUP, ruled, wrapped
from crisp_hw.report.records import Record, total_records

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from crisp_hw.report.figures.scene import Key

NAME_LETTERS = {"column": 15, "page": 30}  # not given; assumed because longer names leave no room for bars


def totals(where: Scene) -> "Figure":
    """Speedup over the dense run, and energy over the dense run's by component; numbers stand at the bars."""
    records = {str(record["arch"]): record for record in total_records(where.network)}
    shown = [records[arch] for arch in where.compared]
    names = [wrapped(plain(str(r["arch"])), NAME_LETTERS[where.request.width]) for r in shown]
    places, height = _places(names)
    sheet = paper(where.request, (1, 2), height / POINTS + 0.45, sharey=True)
    speed, energy = sheet.axes
    _speedups(speed, where, shown, places)
    keys = _energies(energy, where, shown, places)
    for axes in sheet.axes:
        axes.axvline(1, color=INK, linewidth=0.9, linestyle=(0, (4, 2)), zorder=3)
        axes.set_ylim(height, 0)
        ruled(axes, "x")
        axes.set_xlim(left=0)
    speed.set_yticks(places, names)
    for label in speed.get_yticklabels():
        label.set_parse_math(False)
    speed.tick_params(axis="y", length=0)
    energy.tick_params(axis="y", length=0, labelleft=not sheet.own)
    many = len(where.layers)
    return finish(sheet, where, f"{many} layer{'s' * (many > 1)}; dashed: dense", keys)


def _places(names: Sequence[str]) -> tuple[list[float], float]:
    """The middle of each bar in points from the top, and the height of all."""
    heights = [LINE * (name.count("\n") + 1) + 5 for name in names]
    ends = [sum(heights[: i + 1]) for i in range(len(heights))]
    return [end - height / 2 for end, height in zip(ends, heights, strict=True)], ends[-1]


def _speedups(axes: "Axes", where: Scene, shown: Sequence[Record], places: Sequence[float]) -> None:
    for record, place in zip(shown, places, strict=True):
        arch, speedup = str(record["arch"]), float(record["speedup"] or 0)
        axes.barh(place, speedup, LINE, linewidth=0, **where.looks[arch].bars())
        _number(axes, speedup, place, f"{speedup:.2f}x")
    axes.set_xlabel(SPEEDUP)
    axes.margins(x=0.25)


def _energies(axes: "Axes", where: Scene, shown: Sequence[Record], places: Sequence[float]) -> "list[Key]":
    """Stacked bars with their sums; returns what the legend shows."""
    stacks = [stack(where.network, where.rows(str(r["arch"]), where.layers)) for r in shown]
    starts = [0.0] * len(stacks)
    keys: list[Key] = []
    for component in components(where.network):
        widths = [each.shares[component.name] for each in stacks]
        if any(widths):
            keys.append(axes.barh(places, widths, LINE, starts, label=component.name, linewidth=0, **component.fill))
        starts = [start + width for start, width in zip(starts, widths, strict=True)]
    for end, place, record in zip(starts, places, shown, strict=True):
        gain = record["energy_gain"]
        told = "" if gain is None or where.request.width == "column" else f" (gain {gain:.2f}x)"
        _number(axes, end, place, f"{end:.2f}{told}")
    axes.set_xlabel(OVER_DENSE)
    axes.margins(x=0.3)
    return keys


def _number(axes: "Axes", end: float, place: float, text: str) -> None:
    behind = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # the line at 1 must not cross the digits
    axes.annotate(
        text, (end, place), (2.5, 0), textcoords="offset points", ha="left", va="center_baseline", bbox=behind, zorder=4
    )
