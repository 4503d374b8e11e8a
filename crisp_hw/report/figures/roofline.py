"""Every layer against the roofs of its accelerator, a panel for every port that has a bandwidth."""

from collections.abc import Sequence
from math import log2
from typing import TYPE_CHECKING

from crisp_hw.documents.columns import plain
from crisp_hw.report.figures.scene import Scene, finish, paper
from crisp_hw.report.figures.style import INK, LINE, POINTS, RULE
from crisp_hw.report.roofline import Point, Port, points, ports

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from crisp_hw.spec.arch import Architecture

HEIGHT = 2.1  # inches of a panel; not given; assumed because panels side by side are then about square
ABREAST = {"column": 1, "page": 3}  # panels beside each other
ABOVE_ONE = 0.9  # doublings of MACs between the highest roof and the edge; the bandwidth stands beside its name
ABOVE_MANY = 1.8  # and where several bandwidths take the width of a panel and stand above it
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "p", "h")  # MACs first, then levels from the outside


def roofline(where: Scene) -> "Figure":
    """Executed MACs per cycle over MACs per word, with the bandwidth's roof and that of the MACs.

    A colour per accelerator, a marker for what binds the layer.
    """
    shown = ports(where.network)
    columns = min(len(shown), ABREAST[where.request.width])
    rows = -(-len(shown) // columns)
    sheet = paper(
        where.request, (rows, columns) if not where.request.axes else (1, len(shown)), HEIGHT + 2 * LINE / POINTS
    )
    marks = _marks(where)
    found = [points(where.network, port) for port in shown]
    for axes, port, here in zip(sheet.axes, shown, found, strict=False):
        _roofs(axes, where, here)
        for point in here:
            axes.plot(
                point.intensity,
                point.performance,
                linestyle="",
                zorder=3,
                markeredgewidth=0.4,
                markeredgecolor="white",
                marker=marks[point.bound_by],
                markersize=4,
                color=where.looks[point.arch].colour,
            )
        _label(axes, where, port)
        _say_missing(axes, where, port, len(here))
    for axes in sheet.axes[len(shown) :]:
        axes.set_axis_off()
    return finish(sheet, where, "roofline", _keys(where, [p for here in found for p in here], marks))


def _marks(where: Scene) -> dict[str, str]:
    """A marker for each thing that may bind."""
    units = list(dict.fromkeys(row.point.design.architecture.compute.name for row in where.network.rows))
    chains = (row.point.design.architecture.levels for row in where.network.rows)
    levels = dict.fromkeys(level.name for chain in chains for level in reversed(chain))
    return {name: MARKERS[i % len(MARKERS)] for i, name in enumerate(dict.fromkeys((*units, *levels, "")))}


def _roofs(axes: "Axes", where: Scene, here: Sequence[Point]) -> None:
    """The lines of every pair of bandwidth and peak; in the colour of an accelerator that alone has it, else black."""
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    if not here:
        return
    pairs: dict[tuple[float | None, int], set[str]] = {}
    for point in here:
        pairs.setdefault((point.bandwidth, point.peak), set()).add(point.arch)
    least, most = min(p.intensity for p in here), max(p.intensity for p in here)
    ridges = [peak / bandwidth for bandwidth, peak in pairs if bandwidth]
    low, high = 2 ** (log2(min([least, *ridges])) - 0.7), 2 ** (log2(max([most, *ridges])) + 0.7)
    for (bandwidth, peak), archs in pairs.items():
        colour = where.looks[min(archs)].colour if len(archs) == 1 < len(pairs) else INK
        ridge = low if not bandwidth else peak / bandwidth
        corners = [(low, low * bandwidth)] if bandwidth else []
        corners += [(max(ridge, low), float(peak)), (high, float(peak))]
        axes.plot(*zip(*corners, strict=True), color=colour, linewidth=0.9, zorder=2)
    floor = min(p.performance for p in here)
    axes.set_xlim(low, high)
    above = ABOVE_ONE if len(pairs) == 1 else ABOVE_MANY
    axes.set_ylim(2 ** (log2(floor) - 0.7), 2 ** (log2(max(p.peak for p in here)) + above))
    _names(axes, list(pairs), (low, high))


def _names(axes: "Axes", pairs: Sequence[tuple[float | None, int]], ends: tuple[float, float]) -> None:
    """What the roofs are: MACs per cycle on each, words per cycle above them."""
    for peak in dict.fromkeys(peak for _, peak in pairs):
        axes.annotate(
            f"{peak:,} MACs", (ends[1], peak), (-2, 2), textcoords="offset points", ha="right", va="bottom", zorder=4
        )
    limits = sorted({bandwidth for bandwidth, _ in pairs if bandwidth})
    endless = [] if all(bandwidth for bandwidth, _ in pairs) else ["no limit"]
    told = f"{', '.join([*(f'{each:g}' for each in limits), *endless])} words/cycle" if limits else "no bandwidth limit"
    axes.annotate(told, (0.03, 0.97), xycoords="axes fraction", ha="left", va="top")


def _architectures(where: Scene, port: Port) -> "list[Architecture]":
    """Of every row whose accelerator has the level."""
    every = (row.point.design.architecture for row in where.network.rows)
    return [arch for arch in every if any(level.name == port.level for level in arch.levels)]


def _say_missing(axes: "Axes", where: Scene, port: Port, shown: int) -> None:
    """How many layers move no word there, each on every accelerator that has the level."""
    if missing := len(_architectures(where, port)) - shown:
        said = f"{missing} layer{'s' * (missing > 1)} without any"
        axes.annotate(said, (0.97, 0.03), xycoords="axes fraction", ha="right", va="bottom")


def _label(axes: "Axes", where: Scene, port: Port) -> None:
    bits = {arch.level(port.level).word_bits for arch in _architectures(where, port)}
    width = f" of {bits.pop()} bits" if len(bits) == 1 else ""
    axes.set_xlabel(
        f"executed MACs per word{width}\n{port.way} in one {plain(port.level)},\nmetadata included", parse_math=False
    )
    axes.set_ylabel("executed MACs per cycle")
    axes.set_title(plain(f"{port.level}: words {port.way}"), loc="left", parse_math=False)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.tick_params(which="minor", length=0)
    axes.grid(linewidth=0.4, color=RULE, alpha=0.7)


def _keys(where: Scene, found: Sequence[Point], marks: dict[str, str]) -> "list[Artist]":
    from matplotlib.lines import Line2D

    def key(label: str, colour: str, marker: str, edge: str) -> "Artist":
        shape = {"marker": marker, "markersize": 4.5, "markeredgewidth": 0.6, "markeredgecolor": edge}
        return Line2D([], [], linestyle="", color=colour, label=plain(label), **shape)  # type: ignore[arg-type]

    bound = [name for name in marks if any(point.bound_by == name for point in found)]
    return [
        *(key(arch, where.looks[arch].colour, "o", where.looks[arch].colour) for arch in where.archs),
        *(key(f"bound by {name or 'nothing'}", "white", marks[name], INK) for name in bound),
    ]
