"""Energy over the dense run's by component, by layer or by stage."""

from typing import TYPE_CHECKING

from crisp_hw.documents.columns import plain
from crisp_hw.report.figures.components import OVER_DENSE, components, stack
from crisp_hw.report.figures.groups import Bars, axis, draw_axis
from crisp_hw.report.figures.scene import Scene, finish, paper
from crisp_hw.report.figures.speedup import number_on, reference_line
from crisp_hw.report.figures.style import LINE, POINTS, ruled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure

    from crisp_hw.report.figures.scene import Key

SUMMARY = "sum"
HEIGHT = 2.0  # inches; not given; assumed because up to nine components stand on each other
STRIP = 0.035  # of the height of the panel: what tells the accelerator below each bar


def energy(where: Scene) -> "Figure":
    """Energy over the dense run's, by component; a bar per accelerator at each layer or stage, marked by its colour.

    Several layers are summed, energies and dense energies each, before they are divided.
    """
    sheet = paper(where.request, (1, 1), HEIGHT)
    (axes,) = sheet.axes
    many = len(where.compared)
    places = axis(where.layers, many, sheet.span_pt, SUMMARY)
    bars = Bars(places, many, sheet.span_pt)
    parts: dict[str, BarContainer] = {}
    tops = [top for number in range(many) for top in _bars(axes, where, bars, number, parts)]
    highest = bars.headroom([1.0, *tops], HEIGHT)
    axes.set_ylim(-highest * STRIP, highest)
    strips = [_strip(axes, where, bars, number) for number in range(many)]
    taken = draw_axis(axes, places, sheet.span_pt)
    axes.set_ylabel(OVER_DENSE)
    ruled(axes, "y")
    keys: list[Key] = [
        *strips,
        reference_line(axes),
        *(parts[c.name] for c in components(where.network) if c.name in parts),
    ]
    if sheet.own:
        sheet.drawn.set_figheight(HEIGHT + (taken + LINE * bool(places.named)) / POINTS)
    return finish(sheet, where, f"energy by {'stage' if places.staged else 'layer'}", keys)


def _bars(axes: "Axes", where: Scene, bars: Bars, number: int, parts: "dict[str, BarContainer]") -> list[float]:
    """The stacked bars of one accelerator; returns their tops and notes one artist of every component seen."""
    stacks = [stack(where.network, where.rows(where.compared[number], group.layers)) for group in bars.axis.groups]
    middles, tops = bars.middles(number), [0.0] * len(stacks)
    for component in components(where.network):
        heights = [each.shares[component.name] for each in stacks]
        if any(heights):
            drawn = axes.bar(
                middles, heights, bars.width * 0.94, tops, linewidth=0, label=component.name, **component.fill
            )
            parts.setdefault(component.name, drawn)
        tops = [top + height for top, height in zip(tops, heights, strict=True)]
    for group, middle, top in zip(bars.axis.groups, middles, tops, strict=True):
        if bars.numbered(group):
            number_on(axes, bars, group, (middle, top), f"{top:.2f}")
    return tops


def _strip(axes: "Axes", where: Scene, bars: Bars, number: int) -> "BarContainer":
    """What tells below every bar which accelerator it is of."""
    arch, low = where.compared[number], axes.get_ylim()[0]
    look = where.looks[arch].bars()
    return axes.bar(bars.middles(number), low, bars.width * 0.94, label=plain(arch), linewidth=0, **look)
