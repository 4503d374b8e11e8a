"""Speedup over the dense run, by layer or by stage."""

from collections.abc import Sequence
from statistics import geometric_mean
from typing import TYPE_CHECKING

from crisp_hw.documents.columns import plain
from crisp_hw.report.figures.groups import Bars, Group, axis, draw_axis
from crisp_hw.report.figures.scene import Scene, finish, paper
from crisp_hw.report.figures.style import BAND, INK, LINE, POINTS, SPEEDUP, ruled, width_pt

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure

    from crisp_hw.report.figures.scene import Key

SUMMARY = "geomean"
LEAST_DOTS_PT = 5.0  # of a bar; not given; assumed because dots beside each other then still lie on it
HEIGHT = 1.75  # inches; not given; assumed so that a column-wide figure is as high as half its width


def speedup(where: Scene) -> "Figure":
    """Dense cycles over cycles: a bar per accelerator at each layer, or at each stage with its layers as dots.

    A bar of several layers is the geometric mean of their speedups.
    """
    sheet = paper(where.request, (1, 1), HEIGHT)
    (axes,) = sheet.axes
    many = len(where.compared)
    places = axis(where.layers, many, sheet.span_pt, SUMMARY)
    bars = Bars(places, many, sheet.span_pt)
    keys: list[Key] = [_bars(axes, where, bars, number) for number in range(many)]
    taken = draw_axis(axes, places, sheet.span_pt)
    keys += [reference_line(axes)]
    axes.set_ylabel(SPEEDUP)
    shown = [row.speedup for arch in where.compared for row in where.rows(arch, where.layers)]
    axes.set_ylim(0, bars.headroom([1.0, *shown], HEIGHT))
    ruled(axes, "y")
    if sheet.own:
        sheet.drawn.set_figheight(HEIGHT + (taken + LINE * bool(places.named)) / POINTS)
    return finish(sheet, where, f"speedup by {'stage (geomean; marks: layers)' if places.staged else 'layer'}", keys)


def reference_line(axes: "Axes") -> "Artist":
    """The dense run, which is 1 by definition."""
    line: Artist = axes.axhline(1, color=INK, linewidth=0.9, linestyle=(0, (4, 2)), zorder=3, label="dense")
    return line


def _bars(axes: "Axes", where: Scene, bars: Bars, number: int) -> "BarContainer":
    """The bars of one accelerator, the layers behind a stage, and numbers where there is room."""
    arch = where.compared[number]
    by_layer = {row.layer: row.speedup for row in where.rows(arch, where.layers)}
    means = [_mean([by_layer[layer] for layer in group.layers]) for group in bars.axis.groups]
    middles = bars.middles(number)
    drawn = axes.bar(middles, means, bars.width * 0.94, label=plain(arch), linewidth=0, **where.looks[arch].bars())
    for group, middle, mean in zip(bars.axis.groups, middles, means, strict=True):
        if len(group.layers) > 1 and not group.summary:
            _mark_layers(axes, bars, middle, [by_layer[layer] for layer in group.layers])
        elif bars.numbered(group) and (group.summary or not bars.axis.staged):
            number_on(axes, bars, group, (middle, mean), f"{mean:.2f}x")
    return drawn


def _mean(speedups: Sequence[float]) -> float:
    """The geometric mean, which of one number is that number to the last bit."""
    return speedups[0] if len(speedups) == 1 else geometric_mean(speedups)


def number_on(axes: "Axes", bars: Bars, group: Group, top: tuple[float, float], text: str) -> None:
    """A number above a bar at one place, upright where it is wider than the bar, with the line at 1 behind it."""
    angle = 0 if bars.room_pt >= width_pt(text) else 90
    paper_there = BAND if group.summary else "white"
    behind = {"facecolor": paper_there, "edgecolor": "none", "pad": 0.4} if top[1] <= 1 else None
    written = axes.annotate(text, top, (0, 2), textcoords="offset points", rotation=angle, bbox=behind, zorder=4)
    written.set(ha="center", va="bottom")


def _mark_layers(axes: "Axes", bars: Bars, middle: float, heights: Sequence[float]) -> None:
    """The layers of a stage in order of execution across its bar; where bars are thin, a line from least to most."""
    if bars.room_pt < LEAST_DOTS_PT:
        axes.vlines(middle, min(heights), max(heights), color=INK, linewidth=0.6, zorder=4)
        return
    many = len(heights)
    across = [middle + bars.width * 0.7 * ((i + 0.5) / many - 0.5) for i in range(many)]
    axes.scatter(across, heights, s=2.5, color="white", edgecolors=INK, linewidths=0.4, zorder=4)
