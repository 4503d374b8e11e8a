"""What a figure shows, and the paper that it is drawn on."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from crisp_hw.documents.columns import plain
from crisp_hw.errors import InputError
from crisp_hw.report.figures.colours import REFERENCE, Look, base, looks
from crisp_hw.report.figures.style import LETTER, LINE, POINTS, TEXT, WIDTHS, Width
from crisp_hw.report.records import arch_names, headline
from crisp_hw.spec.evaluation import LayerEvaluation, NetworkEvaluation
from crisp_hw.spec.kinds import of_kind, wrong_kind
from crisp_hw.spec.shown import listed

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure

    Key = Artist | BarContainer  # what a legend shows


KEY_PT = 26.0  # points; the handle of a legend entry (1.4 letters' heights) and the room beside it


@dataclass(frozen=True)
class Request:
    """What a caller may say of a figure: width, a glob of layers, an accelerator, a title, axes to draw in.

    A title of None is the network and what is shown, "" none.
    """

    width: Width = "page"
    layer: str | None = None
    arch: str | None = None
    title: str | None = None
    axes: tuple["Axes", ...] = ()

    def __post_init__(self) -> None:
        """Refuse values of a wrong kind, and a width that there is not."""
        of_kind("width", self.width, Width)
        for name in ("layer", "arch", "title"):
            of_kind(name, getattr(self, name), str | None)
        for each in self.axes:
            if not hasattr(each, "get_position"):
                raise wrong_kind("ax", each, "axes of matplotlib, or a list of them")

    @property
    def inches(self) -> float:
        """Width of the whole figure."""
        return WIDTHS[self.width]


@dataclass(frozen=True)
class Scene:
    """The rows that a figure shows and the look of every accelerator of the evaluation that they come from."""

    network: NetworkEvaluation
    request: Request = field(default_factory=Request)
    looks: Mapping[str, Look] = field(default_factory=dict)

    @property
    def archs(self) -> tuple[str, ...]:
        """The accelerators in order."""
        return arch_names(self.network)

    @property
    def compared(self) -> tuple[str, ...]:
        """Those beside the reference, or the reference where there is nothing else."""
        return tuple(arch for arch in self.archs if not self._is_reference(arch)) or self.archs

    def _is_reference(self, arch: str) -> bool:
        """A dense core, or a variant of it, that really runs every layer as the dense run does."""
        rows = self.rows(arch, self.layers)
        return base(arch) == REFERENCE and all(row.result.cycles == row.dense.cycles for row in rows)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers in order of execution."""
        return tuple(dict.fromkeys(row.layer for row in self.network.rows))

    def rows(self, arch: str, layers: Iterable[str]) -> list[LayerEvaluation]:
        """The rows of some layers on one accelerator."""
        wanted = set(layers)
        return [row for row in self.network.rows if row.arch == arch and row.layer in wanted]


def scene(network: NetworkEvaluation, request: Request) -> Scene:
    """What a request leaves of an evaluation; InputError where that is nothing."""
    if not network.rows:
        raise InputError(f"{network.name}: has no evaluated layer to draw")
    found = [
        row
        for row in network.rows
        if (request.layer is None or row.layer == request.layer or fnmatchcase(row.layer, request.layer))
        and (request.arch is None or row.arch == request.arch)
    ]
    archs = arch_names(network)
    if request.arch is not None and request.arch not in archs:
        raise InputError(f"no accelerator {request.arch} was evaluated", hint=f"there are {', '.join(archs)}")
    if not found:
        names = list(dict.fromkeys(row.layer for row in network.rows))
        raise InputError(f"no layer matches {request.layer!r}", hint=f"there are {listed(names, 5)}")
    by_arch = {arch: [row.layer for row in found if row.arch == arch] for arch in dict.fromkeys(r.arch for r in found)}
    (first, there), *others = by_arch.items()
    if uneven := next((arch for arch, layers in others if sorted(layers) != sorted(there)), None):
        raise InputError(
            f"{first} and {uneven} were evaluated on different layers", hint="choose the layers of both, or arch=NAME"
        )
    return Scene(replace(network, rows=tuple(found)), request, looks(archs))


@dataclass(frozen=True)
class Paper:
    """A figure with its panels, and whether it is ours to lay out."""

    drawn: "Figure"
    axes: tuple["Axes", ...]
    own: bool

    @property
    def span_pt(self) -> float:
        """About how many points the first panel is wide inside."""
        full = self.drawn.get_figwidth() * POINTS
        return full - 40.0 if self.own else full * self.axes[0].get_position().width


def paper(what: Request, grid: tuple[int, int], panel_inches: float, **more: Any) -> Paper:
    """A new figure with rows x columns of panels, each so many inches high, or the axes of the request."""
    from crisp_hw.report.figures.shown import ShownFigure  # loads matplotlib

    rows, columns = grid
    if what.axes:
        if len(what.axes) != rows * columns:
            raise InputError(
                f"this figure has {rows * columns} panels and was given {len(what.axes)} axes",
                hint=f"give ax={'one axes' if rows * columns == 1 else f'a list of {rows * columns} axes'}, or none",
            )
        owner = what.axes[0].get_figure(root=True)
        if owner is None:
            raise InputError("ax was taken off its figure", hint="give axes that are on one")
        return Paper(owner, what.axes, own=False)
    drawn = ShownFigure(figsize=(what.inches, rows * panel_inches), layout="constrained")
    drawn.get_layout_engine().set(w_pad=0.03, h_pad=0.03, hspace=0.04, wspace=0.04)  # type: ignore[union-attr, call-arg]
    panels = drawn.subplots(rows, columns, squeeze=False, **more)
    return Paper(drawn, tuple(panels.flat), own=True)


def finish(sheet: Paper, where: Scene, said: str, keys: "Sequence[Key]" = ()) -> "Figure":
    """Title and legend above the panels; a figure of our own grows by what they take."""
    return titled(sheet, where.request, f"{headline(where.network)}: {said}", keys)


def titled(sheet: Paper, request: Request, said: str, keys: "Sequence[Key]" = ()) -> "Figure":
    """The same with the title in full; axes that were given keep their size and get a title where one is asked."""
    title = said if request.title is None else request.title
    if not sheet.own:
        if request.title:
            sheet.axes[0].set_title(plain(title), parse_math=False)
        if keys:
            sheet.axes[0].legend(handles=list(keys), frameon=False)
        return sheet.drawn
    inches, height = (float(side) for side in sheet.drawn.get_size_inches())
    lines = textwrap.wrap(plain(title), int((inches * POINTS - 8) // LETTER)) if title else []
    height += legend(sheet.drawn, keys, inches * POINTS, "\n".join(lines)) if keys or lines else 0.0
    sheet.drawn.set_size_inches(inches, height)
    return sheet.drawn


def legend(drawn: "Figure", keys: "Sequence[Key]", span_pt: float, title: str) -> float:
    """Title and one legend for all panels, above them and in as many columns as fit; returns its height in inches."""
    columns = _columns([str(key.get_label()) for key in keys], span_pt - 6) if keys else 1
    rows = -(-len(keys) // columns)
    made = drawn.legend(
        handles=list(keys),
        title=title or None,
        title_fontsize=TEXT + 0.5,
        alignment="left",
        loc="outside upper left",
        ncols=columns,
        frameon=False,
        handlelength=1.4,
        handletextpad=0.5,
        columnspacing=1.0,
        borderaxespad=0.2,
        borderpad=0.2,
        labelspacing=0.25,
    )
    for text in (*made.get_texts(), made.get_title()):
        text.set_parse_math(False)
    return ((rows + len(title.split("\n")) * bool(title)) * LINE + 4) / POINTS


def _columns(labels: Sequence[str], span_pt: float) -> int:
    """The most columns of a legend that fit beside each other; it is filled column by column, the first ones longer."""
    for columns in range(len(labels), 1, -1):
        rows, longer = divmod(len(labels), columns)
        sizes = [rows + (number < longer) for number in range(columns)]
        starts = [sum(sizes[:number]) for number in range(columns)]
        parts = [labels[start : start + size] for start, size in zip(starts, sizes, strict=True)]
        if sum(LETTER * max(map(len, part)) + KEY_PT for part in parts) <= span_pt:
            return columns
    return 1
