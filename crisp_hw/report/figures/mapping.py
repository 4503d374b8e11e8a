"""One mapping: the loop nest beside the memory hierarchy that it runs on."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from crisp_hw.documents.columns import plain
from crisp_hw.errors import InputError
from crisp_hw.report.figures.scene import Request, Scene, paper, titled
from crisp_hw.report.figures.style import BAND, INK, LETTER, LINE, POINTS, RULE, TEXT
from crisp_hw.report.nest import Floor, Tile, floors
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MONO = 0.602 * TEXT  # points; width of a letter of DejaVu Sans Mono
PAD = 5.0  # points inside a box
GAP = 2.2 * LINE  # points between two levels, where the fanout stands
FILL = "#0072B2"  # Okabe and Ito's blue, as in the picture of a mask


def mapping(where: Scene) -> "Figure":
    """The loop nest and the hierarchy of the one layer and accelerator that the request leaves."""
    if len(where.network.rows) != 1:
        layers, archs = where.layers, where.archs
        asked = [f"layer={layers[0]!r}"] * (len(layers) > 1) + [f"arch={archs[0]!r}"] * (len(archs) > 1)
        raise InputError(
            f"a mapping is of one layer on one accelerator, and here are {len(layers)} layers on {len(archs)}",
            hint=f"choose, for example {' and '.join(asked)}",
        )
    (row,) = where.network.rows
    said = f"{row.layer} on {row.arch}: {row.result.cycles:,} cycles, bound by {row.result.bound_by}"
    return mapping_figure(row.point, row.result, where.request, f"{where.network.name}, {said}")


def mapping_figure(point: DesignPoint, result: Result, request: Request, title: str) -> "Figure":
    """The loop nest on the left, outermost loop first; on the right every level with the tiles of one instance."""
    shown = floors(point, result)
    span = (
        request.axes[0].get_window_extent().width * POINTS / request.axes[0].figure.dpi
        if request.axes
        else (request.inches * POINTS - 8.0)
    )
    longest = max(len(text) for text in _nest(shown))
    split = min(0.5 * span, (longest + 1) * MONO + 2 * PAD)
    blocks = _blocks(shown, _macs(point, result), (split, span))
    height = blocks[-1].bottom + 2.0
    sheet = paper(request, (1, 1), height / POINTS)
    (axes,) = sheet.axes
    axes.set_xlim(0, span)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    for block in blocks:
        _loops(axes, block)
        _box(axes, block, (split, span))
    for upper, lower in pairwise(blocks):
        _fanout(axes, upper, lower)
    for artist in (*axes.texts, *axes.patches):
        artist.set_in_layout(False)  # they lie inside the axes, which then fill the figure
    return titled(sheet, request, title)


@dataclass(frozen=True)
class _Block:
    """What stands in one row of the picture, and where in points from the top: loops on the left, lines on the right.

    `heading` lines of the right are bold, `below` tells what it feeds, `share` how much of it is taken.
    """

    loops: tuple[str, ...]
    heading: str
    lines: tuple[str, ...]
    top: float
    below: str = ""
    share: float | None = None

    @property
    def bottom(self) -> float:
        """Points from the top."""
        bar = 0.0 if self.share is None else 5.0
        return self.top + 2 * PAD + LINE * max(len(self.loops), len(self.lines) + 1) + bar


@dataclass(frozen=True)
class _Macs:
    """The name of the MACs, and how many of them are at work."""

    name: str
    at_work: str


def _nest(shown: Sequence[Floor]) -> list[str]:
    """All loops, each further in than the one around it, and the MAC inside all of them."""
    loops = [loop for floor in shown for loop in floor.loops]
    return [" " * depth + text for depth, text in enumerate([*loops, "multiply-add"])]


def _blocks(shown: Sequence[Floor], macs: _Macs, ends: tuple[float, float]) -> list[_Block]:
    """A block per level, outermost first, and one for the MACs, wrapped to what stands beside each other."""
    split, span = ends
    left, right = int((split - 2 * PAD) // MONO), int((span - split - 2 * PAD) // LETTER)
    nest, found, top = _nest(shown), [], 2.0
    children = [*(plain(floor.level) for floor in shown[1:]), macs.name]
    for floor, child in zip(shown, children, strict=True):
        here, nest = nest[: len(floor.loops)], nest[len(floor.loops) :]
        told = [_size(floor), *(_tile_line(tile) for tile in floor.tiles)]
        share = floor.reserved / floor.size_words if floor.size_words else None
        many = f" (one of {floor.instances:,})" if floor.instances > 1 else ""
        block = _Block(
            _wrapped(here, left),
            plain(floor.level) + many,
            _wrapped(told, right),
            top,
            _fanout_text(floor, child),
            share,
        )
        found.append(block)
        top = block.bottom + GAP
    return [*found, _Block(_wrapped(nest, left), macs.name, _wrapped([macs.at_work], right), top)]


def _wrapped(texts: Sequence[str], letters: int) -> tuple[str, ...]:
    """Lines of so many letters; what a line continues stands further in than its beginning."""
    found: list[str] = []
    for text in texts:
        inner = " " * (len(text) - len(text.lstrip()) + 2)
        found += textwrap.wrap(text, max(letters, 12), subsequent_indent=inner, drop_whitespace=True) or [""]
    return tuple(found)


def _macs(point: DesignPoint, result: Result) -> _Macs:
    compute = point.design.architecture.compute
    busy = result.compute.utilized_instances if result.compute else 0.0
    return _Macs(plain(compute.name), f"{busy:,.6g} of {compute.instances:,} at work (mean)")


def _size(floor: Floor) -> str:
    if floor.size_words is None:
        return "unbounded; tiles in words"
    many = "words" if floor.size_words > 1 else "word"
    return f"{floor.size_words:,} {many}, {100 * floor.reserved / floor.size_words:.0f} % taken"


def _tile_line(tile: Tile) -> str:
    extents = " x ".join(f"{extent:,}" for extent in tile.extents) or "1"
    held = f"; {tile.reserved:,} reserved" if tile.reserved != tile.words else ""
    return f"{plain(tile.tensor)}: {extents} = {tile.words:,}{held}"


def _fanout_text(floor: Floor, child: str) -> str:
    """How many children one instance gives work and how many it has; lanes that skip zeros take more steps."""
    parts = [
        f"{used} steps on {there} in {axis}" if used > there else f"{used} of {there} in {axis}"
        for used, there, axis in zip(floor.used, floor.fanout, "xy", strict=True)
        if there > 1 or used > 1
    ]
    return f"{child}: {', '.join(parts)}" if parts else f"one {child}"


def _loops(axes: "Axes", block: _Block) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((0, block.top), axes.get_xlim()[1], block.bottom - block.top, color=BAND, linewidth=0))
    for number, text in enumerate(block.loops):
        axes.text(
            PAD,
            block.top + PAD + LINE * (number + 0.5),
            plain(text),
            family="DejaVu Sans Mono",
            va="center",
            parse_math=False,
        )


def _box(axes: "Axes", block: _Block, ends: tuple[float, float]) -> None:
    from matplotlib.patches import Rectangle

    left, right = ends
    axes.add_patch(
        Rectangle(
            (left, block.top), right - left, block.bottom - block.top, facecolor="white", edgecolor=INK, linewidth=0.7
        )
    )
    for number, text in enumerate((block.heading, *block.lines)):
        axes.text(
            left + PAD,
            block.top + PAD + LINE * (number + 0.5),
            text,
            va="center",
            parse_math=False,
            weight="bold" if number == 0 else "normal",
        )
    if block.share is not None:
        whole = right - left - 2 * PAD
        at = (left + PAD, block.bottom - 6.0)
        axes.add_patch(Rectangle(at, whole, 3.0, color=RULE, linewidth=0))
        axes.add_patch(Rectangle(at, whole * min(block.share, 1.0), 3.0, color=FILL, linewidth=0))


def _fanout(axes: "Axes", upper: _Block, lower: _Block) -> None:
    """An arrow from a level to the next inner one, and how many of those one instance feeds."""
    right = axes.get_xlim()[1] - 2 * PAD
    line = {"arrowstyle": "-|>", "linewidth": 0.7, "color": INK, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 6}
    axes.annotate("", (right, lower.top), (right, upper.bottom), arrowprops=line)
    axes.text(right - PAD, (upper.bottom + lower.top) / 2, upper.below, ha="right", va="center", parse_math=False)
