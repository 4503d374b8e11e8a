"""Figures of an evaluation; each function returns a matplotlib Figure and leaves matplotlib's own state alone."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from crisp_hw.errors import InputError
from crisp_hw.report.columns import plain
from crisp_hw.report.records import (
    Record,
    dram_names,
    headline,
    layer_records,
    level_names,
    total_records,
)
from crisp_hw.spec.evaluation import NetworkEvaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure

# Okabe and Ito, "Color Universal Design" (2008): told apart with any kind of colour blindness.
ARCH_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
# Cividis (Nunez, Anderton, Renslow, PLoS ONE 2018), dark to light: levels have an order, outermost on-chip first.
LEVEL_COLOURS = ("#00224E", "#575D6D", "#A59C74", "#FDE737", "#C4B56C", "#35456C")
META_COLOUR, BESIDE_COLOUR = "#009E73", "#D55E00"  # of ARCH_COLOURS, hatched
FEW = 8  # layers whose gains still stand side by side
MANY = 16  # layers whose names still stand upright side by side when they are tilted
NARROW = 9.0  # inches; eight entries of a legend need more
DPI = 150


def figure(network: NetworkEvaluation, kind: str = "speedup") -> "Figure":
    """The figure of that kind: "speedup" or "energy" by layer, or "totals"; InputError for another.

    >>> figure(NetworkEvaluation("nothing", ()), "pie")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: no figure pie; choose one of speedup, energy, totals
    """
    if kind not in KINDS:
        raise InputError(f"no figure {kind}", hint=f"choose one of {', '.join(KINDS)}")
    if not network.rows:
        raise InputError(f"{network.name}: has no evaluated layer to draw")
    return KINDS[kind](network)


def png(drawn: "Figure") -> bytes:
    """A figure as the bytes of a PNG file of 150 dots per inch.

    >>> from matplotlib.figure import Figure
    >>> png(Figure()).startswith(b"\\x89PNG")
    True
    """
    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()


def speedup_figure(network: NetworkEvaluation) -> "Figure":
    """Dense cycles over cycles, a bar per layer and accelerator."""
    names, by_arch = _by_arch(network)
    drawn = _figure(len(names), 4.4)
    axes = drawn.subplots()
    _grouped(axes, names, {arch: [_float(r, "speedup") for r in rows] for arch, rows in by_arch.items()})
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_ylabel("speedup over dense (x)")
    _label_layers(axes, names)
    _titled(drawn, f"{headline(network)}: speedup by layer")
    _legend(drawn, axes)
    return drawn


def energy_figure(network: NetworkEvaluation) -> "Figure":
    """On-chip and DRAM energy over the dense run's, and where the on-chip energy goes: a panel per accelerator.

    Those panels show shares of the layer's own energy, so that what sparsity adds is seen where little energy is left.
    """
    names, by_arch = _by_arch(network)
    drawn = _figure(len(names), 1.9 * (len(by_arch) + 2) + 1.6)
    chip, *own, dram = drawn.subplots(len(by_arch) + 2, sharex=True)
    heights = {arch: [_share(1.0, _float(row, "on_chip_gain")) for row in rows] for arch, rows in by_arch.items()}
    _over_dense(chip, names, heights, "on chip")
    _legend(drawn, chip)
    for axes, (arch, rows) in zip(own, by_arch.items(), strict=True):
        _gains(axes, network, rows, "on_chip_uj")
        axes.set_yticks([0, 0.5, 1])
        axes.set_ylabel(f"{arch}\nshare on chip")
    _legend(drawn, own[0])
    heights = {arch: [_dram_share(network, row) for row in rows] for arch, rows in by_arch.items()}
    _over_dense(dram, names, heights, "DRAM")
    _label_layers(dram, names)
    _titled(
        drawn, f"{headline(network)}: energy by layer, dense run on the same fabric = 1; on top of shares: the gain"
    )
    return drawn


def totals_figure(network: NetworkEvaluation) -> "Figure":
    """Speedup, on-chip energy by level (over dense, and in shares of its own), DRAM energy; a bar per accelerator."""
    from matplotlib.figure import Figure

    records = total_records(network)
    drawn = Figure(figsize=(max(10.0, 2.6 * len(records) + 5), 4.1), layout="constrained")
    speed, chip, own, dram = drawn.subplots(1, 4)
    names = [plain(str(record["arch"])) for record in records]
    _bars(speed, [_float(record, "speedup") for record in records], "{:.2f}x")
    speed.set_ylabel("speedup over dense (x)")
    _gains(chip, network, records, "dense_on_chip_uj")
    chip.set_ylabel("on-chip energy / dense")
    _stacked(own, network, records, "on_chip_uj")
    own.set_ylabel("share of on-chip energy")
    handles, labels = chip.get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower center", ncols=8, frameon=False, fontsize="small")
    _bars(dram, [_dram_share(network, record) for record in records], "{:.2f}")
    dram.set_ylabel("DRAM energy / dense")
    for axes in (speed, chip, own, dram):
        if axes is not own:
            axes.axhline(1, color="black", linewidth=0.8)
        axes.set_xticks(range(len(names)), names, rotation=0 if len(names) < 4 else 30)
        axes.margins(x=0.1, y=0.12)
    _titled(drawn, f"{headline(network)}: {records[0]['layers']} layers together, dense run on the same fabric = 1")
    return drawn


KINDS: Mapping[str, Callable[[NetworkEvaluation], "Figure"]] = {
    "speedup": speedup_figure,
    "energy": energy_figure,
    "totals": totals_figure,
}


def _figure(layers: int, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(min(24.0, max(7.0, 2.0 + 0.27 * layers)), height), layout="constrained")


def _by_arch(network: NetworkEvaluation) -> tuple[list[str], dict[str, list[Record]]]:
    """Layer names in order, and the records of every accelerator."""
    groups = groupby(layer_records(network), key=lambda record: plain(str(record["arch"])))
    by_arch = {arch: list(rows) for arch, rows in groups}
    return [plain(str(row["layer"])) for row in next(iter(by_arch.values()))], by_arch


def _grouped(axes: "Axes", names: Sequence[str], heights: Mapping[str, Sequence[float]]) -> None:
    """Bars of every accelerator side by side at each layer."""
    width = 0.8 / len(heights)
    for number, (arch, values) in enumerate(heights.items()):
        left = [place - 0.4 + number * width for place in range(len(names))]
        axes.bar(left, values, width, align="edge", label=arch, color=ARCH_COLOURS[number % len(ARCH_COLOURS)])


def _over_dense(axes: "Axes", names: Sequence[str], heights: Mapping[str, Sequence[float]], what: str) -> None:
    _grouped(axes, names, heights)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_ylabel(f"{what} / dense")


def _gains(axes: "Axes", network: NetworkEvaluation, records: Sequence[Record], whole: str) -> None:
    """On-chip energy over that of a key, the gain over the dense run on top."""
    shown = _stacked(axes, network, records, whole)
    gains = [f"{_float(row, 'on_chip_gain'):#.3g}x" for row in records]
    crowded = len(records) > FEW
    size, angle = ("x-small", 90) if crowded else ("medium", 0)
    behind = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}  # the line at 1 must not cross the digits
    axes.bar_label(shown, gains, padding=3, rotation=angle, fontsize=size, bbox=behind)
    axes.margins(y=0.35 if crowded else 0.15)


def _stacked(axes: "Axes", network: NetworkEvaluation, records: Sequence[Record], whole: str) -> "BarContainer":
    """On-chip energy over that of a key: levels, innermost at the bottom, metadata, overhead; returns the top ones."""
    bottoms = [0.0] * len(records)
    for label, colour, hatch, values in _segments(network, records):
        shares = [_share(uj, _float(row, whole)) for uj, row in zip(values, records, strict=True)]
        shown = axes.bar(range(len(records)), shares, 0.8, bottoms, label=label, color=colour)
        if hatch:
            for bar in shown:
                bar.set(hatch=hatch, facecolor=_tint(colour), edgecolor=colour, linewidth=0)
                bar.sticky_edges.y.clear()  # an empty segment on top must not take the margin away
        bottoms = [bottom + share for bottom, share in zip(bottoms, shares, strict=True)]
    return shown


def _segments(
    network: NetworkEvaluation, records: Sequence[Record]
) -> Iterator[tuple[str, str, str | None, list[float]]]:
    """(label, colour, hatch, uJ of every record) from the bottom: the data of levels, then what sparsity adds."""
    levels = [level for level in level_names(network) if level not in dram_names(network)]
    meta = [f"{level}_metadata_uj" for level in levels if f"{level}_metadata_uj" in records[0]]
    for number, level in reversed(tuple(enumerate(levels))):
        data = [_float(row, f"{level}_uj") - _float(row, f"{level}_metadata_uj", 0.0) for row in records]
        yield level.upper(), LEVEL_COLOURS[number % len(LEVEL_COLOURS)], None, data
    yield "metadata", META_COLOUR, "////", [sum(_float(row, key) for key in meta) for row in records]
    beside = [_float(row, "selection_uj") + _float(row, "decoder_uj") for row in records]
    yield "selection, decoders", BESIDE_COLOUR, "xxxx", beside


def _bars(axes: "Axes", heights: Sequence[float], text: str) -> None:
    """A bar per accelerator with its value on top."""
    colours = [ARCH_COLOURS[number % len(ARCH_COLOURS)] for number in range(len(heights))]
    shown = axes.bar(range(len(heights)), heights, 0.7, color=colours)
    axes.bar_label(shown, [text.format(height) for height in heights], padding=2)


def _label_layers(axes: "Axes", names: Sequence[str]) -> None:
    axes.set_xticks(range(len(names)), names, fontsize="small")
    for label in axes.get_xticklabels():
        label.set(rotation=90 if len(names) > MANY else 30, parse_math=False)
        label.set(horizontalalignment="right", rotation_mode="anchor")
        label.set_verticalalignment("center" if len(names) > MANY else "top")
    axes.set_xlim(-0.7, len(names) - 0.3)


def _titled(drawn: "Figure", title: str) -> None:
    drawn.suptitle(plain(title), x=0.01, ha="left", wrap=True, parse_math=False)
    for axes in drawn.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", linewidth=0.4, alpha=0.6)
        axes.set_axisbelow(True)


def _legend(drawn: "Figure", axes: "Axes") -> None:
    """Rows above the first panel, outside of the bars, as wide as the figure lets them be."""
    handles, labels = axes.get_legend_handles_labels()
    columns = 8 if drawn.get_figwidth() > NARROW else 4
    axes.legend(handles, labels, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, frameon=False, borderaxespad=0)


def _dram_share(network: NetworkEvaluation, record: Record) -> float:
    dram = sorted(dram_names(network))
    dense = sum(_float(record, f"dense_{name}_uj") for name in dram)
    return _share(sum(_float(record, f"{name}_uj") for name in dram), dense)


def _tint(colour: str) -> tuple[float, float, float]:
    """The colour, half of the way to white."""
    from matplotlib.colors import to_rgb

    red, green, blue = (0.5 + 0.5 * part for part in to_rgb(colour))
    return red, green, blue


def _share(this: float, dense: float) -> float:
    """0 where the energy table holds only zeros."""
    return this / dense if dense else 0.0


def _float(record: Record, key: str, missing: float | None = None) -> float:
    """The number of a key, 0 for None; a key that is not there is an error unless `missing` stands for it."""
    value = record[key] if missing is None else record.get(key, missing)
    return 0.0 if value is None else float(value)
