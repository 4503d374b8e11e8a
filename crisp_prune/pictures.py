"""The pictures of a run: accuracy and loss over the epochs, sparsity by layer, and the masks themselves."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from crisp_prune.evaluate import Accuracy
from crisp_prune.iterate import MatrixMasks, sparsity_of
from crisp_prune.training import EpochRow

COURSE, LAYERS, MASKS = "accuracy.png", "sparsity.png", "masks.png"
PICTURED = 12
"""Layers whose masks are drawn, those with the most weights: what fits on one page."""
PIXELS = 192
"""Most pixels on a side of a mask; larger masks are averaged down to it."""


def draw_run(
    folder: Path, rows: Sequence[EpochRow], before: Accuracy, masks: Mapping[str, MatrixMasks]
) -> tuple[str, ...]:
    """The names of the pictures made in a folder; none where matplotlib is missing.

    `rows` are the epochs of `fit`, `before` the accuracy of the network that it began with, `masks` those at the end.
    """
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        return ()
    with mpl.rc_context({"backend": "agg"}):
        made = [_course(rows, before, folder)] if rows else []
        return (*made, _layers(masks, folder), _masks(masks, folder)) if masks else tuple(made)


def _course(rows: Sequence[EpochRow], before: Accuracy, folder: Path) -> str:
    """Accuracy and sparsity above, loss below; a line stands where blocks were pruned."""
    import matplotlib.pyplot as plt

    _, (top, under) = plt.subplots(2, 1, sharex=True, figsize=(7, 6), height_ratios=(3, 1))
    epochs = [row.epoch for row in rows]
    known = [(row.epoch, row.top1_all, row.top1_classes) for row in rows if row.top1_all is not None]
    for place, label, first in (
        (1, "over all outputs", before.top1_all),
        (2, "among the classes", before.top1_classes),
    ):
        values = [first * 100, *(100 * float(entry[place] or 0.0) for entry in known)]
        top.plot(
            [0, *(entry[0] for entry in known)],
            values,
            marker="o",
            markersize=3,
            linewidth=5 - 2 * place,
            label=f"top-1 {label}",
        )
    top.step([0, *epochs], [0.0, *(row.sparsity * 100 for row in rows)], "k--", where="post", label="sparsity")
    before_iteration = 0
    for row in rows:
        if row.iteration != before_iteration:
            top.axvline(row.epoch, color="0.85", zorder=0)
        before_iteration = row.iteration
    top.set_ylabel("%")
    top.set_ylim(0, 102)
    top.legend(fontsize="small")
    under.plot(epochs, [row.loss for row in rows], color="C3")
    under.set_ylabel("loss")
    under.set_xlabel("epoch (grey lines: an iteration pruned in it)")
    return _saved(folder, COURSE)


def _layers(masks: Mapping[str, MatrixMasks], folder: Path) -> str:
    """The sparsity of every pruned layer, in order of execution, and of all together."""
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(figsize=(max(6.0, 0.22 * len(masks)), 4))
    axes.bar(range(len(masks)), [100 * (1 - float(one.keep.float().mean())) for one in masks.values()])
    axes.set_xticks(range(len(masks)), list(masks), rotation=60, ha="right", fontsize="x-small")
    axes.axhline(100 * sparsity_of(masks), color="k", linestyle="--", label="all together")
    axes.set_ylabel("sparsity (%)")
    axes.set_ylim(0, 100)
    axes.set_xlabel("pruned layers, in order of execution")
    axes.legend(fontsize="small")
    return _saved(folder, LAYERS)


def _masks(masks: Mapping[str, MatrixMasks], folder: Path) -> str:
    """The masks of the largest layers as matrices: black is kept."""
    import matplotlib.pyplot as plt

    largest = sorted(masks, key=lambda name: masks[name].nm.numel(), reverse=True)[:PICTURED]
    chosen = [name for name in masks if name in largest]
    across = min(3, len(chosen))
    down = -(-len(chosen) // across)
    _, places = plt.subplots(down, across, figsize=(3.4 * across, 2.4 * down), squeeze=False)
    for axes in places.flat:
        axes.axis("off")
    for name, axes in zip(chosen, places.flat, strict=False):
        shown = _small(masks[name].keep)
        axes.imshow(shown.numpy(), cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        rows, columns = masks[name].keep.shape
        axes.set_title(f"{name}: {rows} x {columns}", fontsize="small")
    return _saved(folder, MASKS)


def _small(keep: Tensor) -> Tensor:
    """A mask of at most `PIXELS` on a side: the shares that are kept."""
    rows, columns = keep.shape
    size = min(rows, PIXELS), min(columns, PIXELS)
    return adaptive_avg_pool2d(keep.float()[None], size)[0]


def _saved(folder: Path, name: str) -> str:
    """The current figure as a file of a folder."""
    import matplotlib.pyplot as plt

    plt.tight_layout()
    plt.savefig(folder / name, dpi=120)
    plt.close()
    return name
