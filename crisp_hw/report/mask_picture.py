"""A picture of one layer's mask: which blocks live, and the N:M groups inside one of them."""

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crisp_hw.documents.columns import plain
from crisp_hw.errors import InputError
from crisp_hw.report.figures.style import RC, WIDTHS
from crisp_hw.spec.descriptors import PrunedLayer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Mask = NDArray[np.bool_]
KEPT = "#0072B2"  # Okabe and Ito's blue on white: told apart with any kind of colour blindness
MARK = "#D55E00"  # their vermillion
PIXELS = 600  # cells along an axis above which the matrix is averaged into as many
HEIGHT = 3.2  # inches; not given; assumed because the zoom is then about square
ZOOM = 16  # rows and columns of the zoom: four groups of 2:4


@dataclass(frozen=True)
class Window:
    """A part of the matrix in elements."""

    top: int
    left: int
    height: int
    width: int


def mask_figure(pruned: PrunedLayer) -> "Figure":
    """The whole matrix (rows: output channels; columns: kernel positions, input channel fastest), and a zoom.

    The matrix is shaded by the density of its blocks' cells and ruled where the file claims blocks; the zoom shows
    the first elements of the first live block, ruled by N:M groups. Raises InputError for a layer without a mask.

    >>> from crisp_hw.spec.layer import Layer
    >>> mask_figure(PrunedLayer(Layer("fc", "linear", 2, 4), "dense"))
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: layer 'fc' is dense and has no mask to draw; choose another
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    mask = pruned.mask
    if mask is None:
        raise InputError(f"layer '{pruned.layer.name}' is dense and has no mask to draw", hint="choose another")
    window = first_live(mask, pruned)
    with rc_context(dict(RC)):
        drawn = Figure(figsize=(WIDTHS["page"], HEIGHT), layout="constrained")
        whole, zoom = drawn.subplots(1, 2, width_ratios=(3, 2))
        _draw_matrix(whole, mask, pruned, window)
        _draw_zoom(zoom, mask, pruned, window)
        drawn.suptitle(mask_title(pruned, mask), x=0.01, ha="left", wrap=True, parse_math=False)
    return drawn


def mask_title(pruned: PrunedLayer, mask: Mask) -> str:
    """What a mask is, in a line."""
    claim = [f"{pruned.nm.n}:{pruned.nm.m}"] if pruned.nm else []
    claim += [f"blocks of {pruned.block}"] if pruned.block else []
    rows, columns = mask.shape
    pattern = f", said to be {' in '.join(claim)}" if claim else ""
    return f"{plain(pruned.layer.name)}: {rows} x {columns}, {mask.mean():.1%} kept{pattern}"


def first_live(mask: Mask, pruned: PrunedLayer) -> Window:
    """The start of the first block that holds a nonzero, cut to the zoom."""
    side = pruned.block or ZOOM
    top, left = (int(x) // side * side for x in np.argwhere(mask)[0]) if mask.any() else (0, 0)
    group = pruned.nm.m if pruned.nm else 4
    width = max(1, ZOOM // group) * group
    return Window(top, left, min(ZOOM, side, mask.shape[0] - top), min(width, max(side, group), mask.shape[1] - left))


def _draw_matrix(axes: "Axes", mask: Mask, pruned: PrunedLayer, window: Window) -> None:
    from matplotlib.patches import Rectangle

    rows, columns = mask.shape
    shown = averaged(mask, (ceil(rows / PIXELS), ceil(columns / PIXELS)))
    image = axes.imshow(
        shown, cmap="Blues", vmin=0, vmax=1, extent=(0, columns, rows, 0), aspect="auto", interpolation="nearest"
    )
    axes.figure.colorbar(image, ax=axes, label="share of weights kept", fraction=0.04)
    if pruned.block:
        _rule(axes, mask.shape, pruned.block, (0.5, "0.6"))
    size = (window.left, window.top), window.width, window.height
    axes.add_patch(Rectangle(*size, fill=False, edgecolor=MARK, linewidth=1.6))
    axes.set_xlabel("columns: kernel height, width, input channel")
    axes.set_ylabel("rows: output channels")


def _draw_zoom(axes: "Axes", mask: Mask, pruned: PrunedLayer, window: Window) -> None:
    from matplotlib.colors import ListedColormap

    part = mask[window.top : window.top + window.height, window.left : window.left + window.width]
    edges = (window.left, window.left + window.width, window.top + window.height, window.top)
    axes.imshow(part, cmap=ListedColormap(["white", KEPT]), vmin=0, vmax=1, extent=edges, interpolation="nearest")
    for x in range(window.left, window.left + window.width + 1):
        group_edge = pruned.nm is not None and x % pruned.nm.m == 0
        axes.axvline(x, color="black" if group_edge else "0.8", linewidth=1.4 if group_edge else 0.5)
    for y in range(window.top, window.top + window.height + 1):
        axes.axhline(y, color="0.8", linewidth=0.5)
    step = pruned.nm.m if pruned.nm else 4
    axes.set_xticks(range(window.left, window.left + window.width + 1, step))
    axes.set_yticks(range(window.top, window.top + window.height + 1, 4))
    groups = f", groups of {pruned.nm.m}" if pruned.nm else ""
    axes.set_title(f"zoom: {window.height} rows, {window.width} columns{groups}", color=MARK)
    axes.set_xlabel("columns")
    axes.spines[:].set_color(MARK)


def averaged(mask: Mask, tile: tuple[int, int]) -> NDArray[np.float64]:
    """Mean of the mask over tiles of so many rows and columns, so that no stripe of a fine pattern is lost.

    >>> averaged(np.eye(4, dtype=bool), (2, 2))
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    starts = [np.arange(0, size, side) for size, side in zip(mask.shape, tile, strict=True)]
    sums = np.add.reduceat(np.add.reduceat(mask, starts[0], axis=0, dtype=np.int64), starts[1], axis=1)
    heights, widths = (np.diff(start, append=size) for start, size in zip(starts, mask.shape, strict=True))
    means: NDArray[np.float64] = sums / np.multiply.outer(heights, widths)
    return means


def _rule(axes: "Axes", shape: tuple[int, ...], block: int, line: tuple[float, str]) -> None:
    """Lines between blocks, left out where they would cover the picture."""
    if max(shape) / block > 80:
        return
    for x in range(block, shape[1], block):
        axes.axvline(x, linewidth=line[0], color=line[1])
    for y in range(block, shape[0], block):
        axes.axhline(y, linewidth=line[0], color=line[1])
