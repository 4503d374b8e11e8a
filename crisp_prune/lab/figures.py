"""The figures of a study: accuracy against sparsity or classes with the work left under it, and sparsity by layer."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from crisp_hw.errors import InputError
from crisp_prune.lab.cell import Measured
from crisp_prune.lab.results import Row, rows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(cells: Sequence[Measured], folder: Path) -> list[Path]:
    """The figures for which a study has cells: against sparsity for each number of classes, against classes, by layer.

    InputError where matplotlib is missing.
    """
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        raise InputError("figures need matplotlib", hint='pip install "crisp-hw[plot]"') from None
    with mpl.rc_context({"backend": "agg"}):
        rows, made = rows_of(cells), list[Path]()
        for classes in dict.fromkeys(row.classes for row in rows):
            mine = [row for row in rows if row.classes == classes]
            bought = [row for row in mine if row.cost is not None or row.target is None]
            mine = [row for row in mine if row.cost is None]
            if any(row.cost is not None for row in bought):
                made.append(_lines(bought, folder / f"accuracy-against-cost-{len(classes)}.png", _cost))
            if len({row.target for row in mine} - {None}) > 1:
                made.append(_lines(mine, folder / f"accuracy-against-sparsity-{len(classes)}.png", _sparsity))
        for target in sorted({row.target for row in rows if row.target is not None}):
            mine = [row for row in rows if row.target in (target, None)]
            if len({row.classes for row in mine}) > 1:
                made.append(_lines(mine, folder / f"accuracy-against-classes-{target:g}.png", _classes))
        if trails := {cell.method: cell.trail for cell in cells if len(cell.trail) > 1}:
            made.append(_trails(trails, folder / "accuracy-of-choices.png"))
        return [
            *made,
            *([_layers(cells, folder / "sparsity-by-layer.png")] if any(cell.sparsity for cell in cells) else []),
        ]


def _sparsity(row: Row) -> float | None:
    return row.target


def _cost(row: Row) -> float | None:
    return row.cost


def _classes(row: Row) -> float:
    return float(len(row.classes))


_AXES: dict[Callable[[Row], float | None], str] = {
    _sparsity: "sparsity",
    _cost: "cost, as a share of the dense network's",
    _classes: "classes",
}


def _lines(rows: Sequence[Row], path: Path, place: Callable[[Row], float | None]) -> Path:
    """Accuracy with its deviation above, the multiply-accumulates that are left below; a line for each method.

    Against classes it is the accuracy among them: heads that were cut have no other outputs.
    """
    import matplotlib.pyplot as plt

    _, (top, under) = plt.subplots(2, 1, sharex=True, figsize=(6, 6), height_ratios=(3, 1))
    for method in dict.fromkeys(row.method for row in rows):
        mine = [row for row in rows if row.method == method]
        _line(top, under, mine, place)
    top.set_ylabel(f"top-1 {'among the classes' if place is _classes else 'over all outputs'} (%)")
    under.set_ylabel("MACs left (%)")
    under.set_ylim(0, 105)
    under.set_xlabel(_AXES[place])
    top.legend(fontsize="small")
    return _saved(path)


def _line(top: "Axes", under: "Axes", rows: Sequence[Row], place: Callable[[Row], float | None]) -> None:
    """One method: a line over its places, or one across where it has none."""
    placed = sorted(((at, row) for row in rows if (at := place(row)) is not None), key=itemgetter(0))
    if not placed:
        top.axhline(_top1(rows[0], place)[0], color="black", linestyle="--", label=rows[0].method)
        under.axhline(rows[0].macs * 100, color="black", linestyle="--")
        return
    places = [at for at, _ in placed]
    accuracy, deviation = zip(*(_top1(row, place) for _, row in placed), strict=True)
    drawn = top.errorbar(places, accuracy, deviation, marker="o", capsize=3, label=rows[0].method)
    under.plot(places, [row.macs * 100 for _, row in placed], marker="o", color=drawn.lines[0].get_color())


def _top1(row: Row, place: Callable[[Row], float | None]) -> tuple[float, float]:
    """Accuracy and its deviation in per cent."""
    if place is _classes:
        return row.top1_classes * 100, row.top1_classes_std * 100
    return row.top1 * 100, row.top1_std * 100


def _trails(trails: Mapping[str, Sequence[float]], path: Path) -> Path:
    """The accuracy of every choice that a driver asked for, in order: a reward curve for AMC."""
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(figsize=(6, 4))
    for method, trail in trails.items():
        axes.plot([value * 100 for value in trail], label=method, linewidth=0.8)
    axes.set_xlabel("choice")
    axes.set_ylabel("top-1 where choices are judged (%)")
    axes.legend(fontsize="small")
    return _saved(path)


def _layers(cells: Sequence[Measured], path: Path) -> Path:
    """The sparsity of every layer, as they ran, of the sparsest cell of each method that prunes (first seed)."""
    import matplotlib.pyplot as plt

    chosen: dict[str, Measured] = {}
    for cell in cells:
        if cell.sparsity > (chosen[cell.method].sparsity if cell.method in chosen else 0.0):
            chosen[cell.method] = cell
    _, axes = plt.subplots(figsize=(7, 4))
    for number, cell in enumerate(chosen.values()):
        width = 0.84 / len(chosen)
        middles = [at + width * (number - (len(chosen) - 1) / 2) for at in range(len(cell.by_layer))]
        axes.bar(middles, [value * 100 for value in cell.by_layer.values()], width, label=cell.method)
    names = list(next(iter(chosen.values())).by_layer)
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize="small")
    axes.set_ylabel("sparsity (%)")
    axes.set_ylim(0, 100)
    axes.legend(fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return _saved(path)


def _saved(path: Path) -> Path:
    """The current figure as a file."""
    import matplotlib.pyplot as plt

    plt.tight_layout()
    plt.savefig(path, dpi=150)
    plt.close()
    return path
