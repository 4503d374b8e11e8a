"""Places along the axis of layers: single layers where their names fit, stages where not, and all of them together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crisp_hw.documents.columns import plain
from crisp_hw.report.figures.style import BAND, INK, LINE, POINTS, TEXT, width_pt
from crisp_hw.report.stages import Stage, do_group, stages

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW = 8  # places; not given; assumed because more numbers on bars are a table
LEAST_BAR_PT = 2.0  # not given; assumed because thinner bars run into each other in print
NUMBER_PT = 30.0  # points; a number of six letters that stands upright
MOST_BAR_PT = 40.0  # not given; assumed because wider bars look like areas
BARS = 0.84  # share of a place that its bars take


@dataclass(frozen=True)
class Group:
    """One place on the axis: what stands below it, its layers, where it is, and whether it sums others up."""

    label: str
    layers: tuple[str, ...]
    at: float
    summary: bool = False
    half: float = 0.5


@dataclass(frozen=True)
class Span:
    """The name of a stage, and the first and last place above which it stands."""

    name: str
    first: float
    last: float


@dataclass(frozen=True)
class Axis:
    """All places, and the stages to name above them."""

    groups: tuple[Group, ...]
    named: tuple[Span, ...] = ()

    @property
    def ends(self) -> tuple[float, float]:
        """Limits of the axis."""
        return self.groups[0].at - 0.5, self.groups[-1].at + self.groups[-1].half

    @property
    def staged(self) -> bool:
        """Do places stand for several layers, besides the sums?"""
        return any(len(group.layers) > 1 and not group.summary for group in self.groups)

    def slot_pt(self, span_pt: float) -> float:
        """Points that one place is wide."""
        low, high = self.ends
        return span_pt / (high - low)


@dataclass(frozen=True)
class Bars:
    """Where the bars of so many accelerators stand at every place of an axis that is `span_pt` points wide."""

    axis: Axis
    many: int
    span_pt: float

    @property
    def width(self) -> float:
        """Of one bar, in places."""
        share = min(BARS, self.many * MOST_BAR_PT / self.axis.slot_pt(self.span_pt))
        return share / self.many

    @property
    def room_pt(self) -> float:
        """Width of one bar in points."""
        return self.axis.slot_pt(self.span_pt) * self.width

    def middles(self, number: int) -> list[float]:
        """Of the bars of one accelerator."""
        return [group.at + (number + 0.5 - self.many / 2) * self.width for group in self.axis.groups]

    def numbered(self, group: Group) -> bool:
        """Do numbers fit on the bars of that place?"""
        return self.room_pt >= TEXT and (group.summary or len(self.axis.groups) <= FEW)

    def headroom(self, tops: Iterable[float], height_inches: float) -> float:
        """The end of the upright axis that leaves room for numbers on the highest bars."""
        needed = NUMBER_PT if any(map(self.numbered, self.axis.groups)) else LINE / 2
        return max(tops) / (1 - needed / (height_inches * POINTS))


def axis(names: Sequence[str], bars: int, span_pt: float, summary: str) -> Axis:
    """Layers one by one where every name has a line of its own and every bar two points, else stages.

    Stages of several layers, and the whole, end with a group of the name `summary`.

    >>> [group.label for group in axis(["conv1", "layer1.0.a", "layer1.0.b"], 3, 200, "mean").groups]
    ['conv1', '0.a', '0.b', 'mean', 'mean\\nof all']
    >>> [group.label for group in axis(["conv1", "layer1.0.a", "layer1.0.b"], 3, 40, "mean").groups]
    ['conv1', 'layer1', 'mean\\nof all']
    """
    found = stages(names)
    fine = _by_layer(found, names, summary)
    slot = fine.slot_pt(span_pt)
    if not do_group(found) or (slot >= LINE and slot * BARS / bars >= LEAST_BAR_PT):
        fits = all(width_pt(span.name) <= (span.last - span.first + 1) * slot for span in fine.named)
        return fine if fits else _by_layer(found, names, summary, short=False)
    groups = [Group(stage.name, stage.layers, float(place)) for place, stage in enumerate(found)]
    return Axis((*groups, _whole(names, len(found) + 0.5, summary)))


def _by_layer(found: Sequence[Stage], names: Sequence[str], summary: str, short: bool = True) -> Axis:
    groups: list[Group] = []
    named: list[Span] = []
    at = 0.0
    several = do_group(found)
    for stage in found:
        first = at
        grouped = len(stage.layers) > 1
        for layer in stage.layers:
            groups.append(Group(stage.short(layer) if short and grouped else layer, (layer,), at))
            at += 1
        if grouped and several:
            groups.append(Group(summary, stage.layers, at, summary=True))
            at += 1
        if grouped and short:
            named.append(Span(stage.name, first, at - 1))
        at += 0.3 if several else 0.0
    if len(names) > 1:
        groups.append(_whole(names, at + (0.2 if several else 0.5), summary))
    return Axis(tuple(groups), tuple(named))


def _whole(names: Sequence[str], at: float, summary: str) -> Group:
    return Group(f"{summary}\nof all", tuple(names), at, summary=True, half=0.7)


def draw_axis(axes: "Axes", where: Axis, span_pt: float) -> float:
    """Ticks with names, grey bands behind sums, names of stages above; returns the points that the names take."""
    slot = where.slot_pt(span_pt)
    labels = ["\n".join(map(plain, group.label.split("\n"))) for group in where.groups]
    flat = all(width_pt(label) + 3 <= 2 * g.half * slot for label, g in zip(labels, where.groups, strict=True))
    labels = labels if flat else [label.replace("\n", " ") for label in labels]
    each = max(1, -(-int(LINE) // max(1, int(slot)))) if not flat else 1  # of more names than fit, every so many
    kept = [i for i in range(len(labels)) if i % each == 0 or i == len(labels) - 1]
    if len(kept) > 1 and kept[-1] - kept[-2] < each:
        kept.pop(-2)
    axes.set_xticks([where.groups[i].at for i in kept], [labels[i] for i in kept])
    for label in axes.get_xticklabels():
        label.set(parse_math=False, rotation=0 if flat else 90)
    axes.tick_params(axis="x", length=0, pad=2)
    axes.set_xlim(*where.ends)
    for group in where.groups:
        if group.summary:
            axes.axvspan(group.at - group.half, group.at + group.half, color=BAND, zorder=0, linewidth=0)
    for span in where.named:
        axes.plot(
            [span.first - 0.4, span.last + 0.4],
            [1.01, 1.01],
            color=INK,
            linewidth=0.6,
            clip_on=False,
            transform=axes.get_xaxis_transform(),
        )
        axes.annotate(
            plain(span.name),
            ((span.first + span.last) / 2, 1.01),
            (0, 1.5),
            xycoords=axes.get_xaxis_transform(),
            textcoords="offset points",
            ha="center",
            va="bottom",
            parse_math=False,
        )
    return LINE * max(label.count("\n") + 1 for label in labels) if flat else max(map(width_pt, labels))
