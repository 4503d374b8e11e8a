"""CRISP's claims about accuracy beside a study of `crisp-prune compare`, whose networks are not the paper's."""

from statistics import mean, stdev

from crisp_hw.errors import InputError
from crisp_hw.io.accuracy_study import Results, read_accuracy_study
from crisp_hw.reproduction.request import Request
from crisp_hw.spec.reproduction import Bound, Panel, Reproduction, Series

WITHIN_DENSE = 0.02
"""Top-1 that pruned may lie below fine-tuned dense: not given in numbers ("comparable accuracy"); assumed."""


def crisp_accuracy(request: Request) -> Reproduction:
    """How far the first of each pair lies below the second, over equal seeds; within a deviation is no difference."""
    if request.results is None:
        raise InputError("needs the results of a study", hint="give --results DIR/results.json of crisp-prune compare")
    found = read_accuracy_study(request.results)
    groups = list(dict.fromkeys((tuple(cell.classes), cell.target) for cell in found.cells if cell.target is not None))
    bounds = [bound for pair in found.study.pairs for group in groups for bound in _bounds(found, pair, *group)]
    return Reproduction(
        "crisp-accuracy",
        "CRISP: accuracy against sparsity",
        "Aggarwal, Binici, Mitra, arXiv 2311.14272: accuracy comparable to others', above that of block pruning alone",
        claims=(),
        bounds=tuple(bounds),
        panels=tuple(_panel(found, classes) for classes in dict.fromkeys(classes for classes, _ in groups)),
        notes=(
            f"networks, images and epochs are those of {request.results.name}, not the paper's",
            "a figure is how far the first lies below the second, in top-1, mean over seeds; against a pruned network "
            f"one deviation is allowed, against a dense one {WITHIN_DENSE:.0%}",
        ),
    )


def _bounds(found: Results, pair: list[str], classes: tuple[int, ...], target: float | None) -> list[Bound]:
    """One figure for a pair at a target, where both have cells of the same seeds."""
    mine = [cell for cell in found.cells if tuple(cell.classes) == classes]
    first = {cell.seed: cell.top1_all for cell in mine if cell.method == pair[0] and cell.target == target}
    second = {c.seed: c.top1_all for c in mine if c.method == pair[1] and c.target in (target, None)}
    dense = any(cell.method == pair[1] and cell.target is None for cell in mine)
    below = [second[seed] - first[seed] for seed in first if seed in second]
    if not below:
        return []
    allowed = WITHIN_DENSE if dense else (stdev(below) if len(below) > 1 else 0.0)
    name = f"top-1 of {pair[0]} below {pair[1]} at {target:g}, {len(classes)} classes"
    return [Bound(name, mean(below), allowed)]


def _panel(found: Results, classes: tuple[int, ...]) -> Panel:
    """Mean accuracy by sparsity for one set of classes."""
    mine = [cell for cell in found.cells if tuple(cell.classes) == classes]
    targets = sorted({cell.target for cell in mine if cell.target is not None})

    def value(method: str, target: float) -> float | None:
        of = [cell.top1_all for cell in mine if cell.method == method and cell.target in (target, None)]
        return 100 * mean(of) if of else None

    methods = dict.fromkeys(cell.method for cell in mine)
    series = tuple(Series(method, tuple(value(method, target) for target in targets)) for method in methods)
    return Panel(f"{len(classes)} classes", "top-1 in %", tuple(f"{target:g}" for target in targets), series)
