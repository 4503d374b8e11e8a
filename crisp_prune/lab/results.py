"""What the cells of a study say together: means and standard deviations over the seeds, and pairs of methods."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from crisp_prune.lab.cell import Measured


@dataclass(frozen=True)
class Row:
    """A method at one target for one set of classes, over all seeds; the deviation of a single seed is 0."""

    method: str
    target: float | None
    classes: tuple[int, ...]
    seeds: int
    sparsity: float
    top1: float
    top1_std: float
    top1_classes: float
    top1_classes_std: float
    macs: float
    cost: float | None = None


@dataclass(frozen=True)
class Pair:
    """Two methods at one target for one set of classes: the mean of differences of equal seeds, and their deviation.

    `found` is "above" or "below" where the mean lies further from 0 than one deviation, else "tie".
    """

    first: str
    second: str
    target: float | None
    classes: tuple[int, ...]
    difference: float
    deviation: float
    found: str
    seeds: int = 1


def _deviation(values: Sequence[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


def rows_of(cells: Iterable[Measured]) -> tuple[Row, ...]:
    """One row for each method, target and set of classes, in the order in which they come."""
    groups: dict[tuple[str, float | None, tuple[int, ...]], list[Measured]] = {}
    for cell in cells:
        groups.setdefault((cell.method, cell.target, cell.classes), []).append(cell)
    return tuple(_row(group) for group in groups.values())


def _row(group: Sequence[Measured]) -> Row:
    """The row of cells that differ in their seed alone."""
    one = group[0]
    top1, among = [cell.top1_all for cell in group], [cell.top1_classes for cell in group]
    costs = [cell.cost for cell in group if cell.cost is not None]
    return Row(
        one.method, one.target, one.classes, len(group), mean(cell.sparsity for cell in group), mean(top1),
        _deviation(top1), mean(among), _deviation(among), mean(cell.macs for cell in group),
        mean(costs) if costs else None,
    )  # fmt: skip


def pairs_of(cells: Sequence[Measured], pairs: Iterable[Sequence[str]]) -> tuple[Pair, ...]:
    """Each pair of methods at every target that both have; a method without a target stands beside each.

    >>> def cell(method, seed, top1):
    ...     return Measured(method, 0.9, (0, 1), seed, "digits", 0.9, top1, top1, 0.1, 1.0, {})
    >>> cells = [cell("a", 0, 0.75), cell("a", 1, 0.8125), cell("b", 0, 0.5), cell("b", 1, 0.5)]
    >>> pairs_of(cells, [("a", "b")])[0].found
    'above'
    """
    found: list[Pair] = []
    for first, second in pairs:
        theirs = {(cell.target, cell.classes, cell.seed): cell.top1_all for cell in cells if cell.method == second}
        groups: dict[tuple[float | None, tuple[int, ...]], list[float]] = {}
        for cell in (each for each in cells if each.method == first):
            other = _beside(theirs, cell)
            if other is not None:
                groups.setdefault((cell.target, cell.classes), []).append(cell.top1_all - other)
        found += [_pair((first, second), key, differences) for key, differences in groups.items()]
    return tuple(found)


def _beside(theirs: Mapping[tuple[float | None, tuple[int, ...], int], float], cell: Measured) -> float | None:
    """The accuracy of the other method for the same classes and seed, at the same target or without one."""
    same = theirs.get((cell.target, cell.classes, cell.seed))
    return theirs.get((None, cell.classes, cell.seed)) if same is None else same


def _pair(names: tuple[str, str], key: tuple[float | None, tuple[int, ...]], differences: Sequence[float]) -> Pair:
    difference, deviation = mean(differences), _deviation(differences)
    found = "tie" if abs(difference) <= deviation else ("above" if difference > 0 else "below")
    return Pair(names[0], names[1], key[0], key[1], difference, deviation, found, len(differences))
