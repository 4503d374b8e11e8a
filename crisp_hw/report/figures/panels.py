"""Published figures beside ours: bars side by side, a panel for each table of a publication."""

from typing import TYPE_CHECKING

from crisp_hw.documents.columns import plain
from crisp_hw.errors import InputError
from crisp_hw.report.figures.colours import OTHERS, SHIPPED
from crisp_hw.report.figures.scene import Request, paper, titled
from crisp_hw.report.figures.style import LINE, POINTS, RC, require_matplotlib, ruled, width_pt
from crisp_hw.spec.reproduction import Panel, Reproduction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure

HEIGHT = 1.75  # inches of a panel; as speedup's
FILLED = 0.84  # of a place; not given; assumed because bars of one place are then seen to belong together
COLOURS = (*list(SHIPPED.values())[1:], *OTHERS)  # of the series; dense is a line, and its black no bar


def panels(found: Reproduction, request: Request | None = None) -> "Figure":
    """All panels of a reproduction, one under the other; InputError where it has none."""
    from matplotlib import rc_context

    require_matplotlib(f"the figure of {found.name}")
    if not found.panels:
        raise InputError(f"the reproduction {found.name} has nothing to draw")
    asked = request or Request()
    with rc_context(dict(RC)):
        sheet = paper(asked, (len(found.panels), 1), HEIGHT)
        shared = len({tuple(each.name for each in panel.series) for panel in found.panels}) == 1
        keys: dict[str, BarContainer] = {}
        taken = 0.0
        for axes, panel in zip(sheet.axes, found.panels, strict=True):
            bars = _panel(axes, panel)
            if shared:
                keys = bars
            else:  # a key for all would be longer than the colours
                _keyed(axes, list(bars.values()))
            taken += _labelled(axes, panel, sheet.span_pt)
        if sheet.own:
            sheet.drawn.set_figheight(HEIGHT * len(found.panels) + taken / POINTS)
        return titled(sheet, asked, found.title, list(keys.values()))


def _keyed(axes: "Axes", bars: "list[BarContainer]") -> None:
    """What the bars of one panel are, beside its title."""
    axes.legend(
        handles=bars,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=len(bars),
        frameon=False,
        borderaxespad=0.1,
        handlelength=0.9,
        handletextpad=0.4,
        columnspacing=0.9,
    )


def _panel(axes: "Axes", panel: Panel) -> "dict[str, BarContainer]":
    """The bars of every series, by its name."""
    width = FILLED / len(panel.series)
    found = {}
    for number, series in enumerate(panel.series):
        there = [(at, value) for at, value in enumerate(series.values) if value is not None]
        middles = [at + width * (number - (len(panel.series) - 1) / 2) for at, _ in there]
        bars = axes.bar(
            middles,
            [value for _, value in there],
            width * 0.94,
            color=COLOURS[number % len(COLOURS)],
            label=plain(series.name),
        )
        found[series.name] = bars
    axes.set_title(plain(panel.title), loc="left", parse_math=False)
    axes.set_ylabel(plain(panel.axis), parse_math=False)
    axes.set_xlim(-0.6, len(panel.places) - 0.4)
    ruled(axes, "y")
    return found


def _labelled(axes: "Axes", panel: Panel, span_pt: float) -> float:
    """Names under the places, upright where they are too wide; returns the points that they and the title take."""
    names = [plain(place) for place in panel.places]
    upright = max(map(width_pt, names), default=0.0) > span_pt / max(1, len(names))
    axes.set_xticks(range(len(names)), names, rotation=90 if upright else 0)
    for label in axes.get_xticklabels():
        label.set_parse_math(False)
    axes.tick_params(axis="x", length=0)
    return LINE + (max(map(width_pt, names)) if upright else LINE)
