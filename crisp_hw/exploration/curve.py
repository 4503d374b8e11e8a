"""An accuracy that was measured at some sparsities, and what it is between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.io.accuracy_study import Cell, read_accuracy_study
from crisp_hw.machine.yaml_files import did_you_mean
from crisp_hw.spec.kinds import only_known, wrong_kind

FIGURES = ("top1_classes", "top1_all")
KEYS = ("study", "method", "figure")
FORM = (
    "a mapping from sparsity to accuracy, such as {0.5: 0.76, 0.9: 0.72}, or "
    '{"study": "results.json", "method": "CRISP 2:4, block 16"} of crisp-prune compare'
)


@dataclass(frozen=True)
class Curve:
    """Accuracies by rising sparsity."""

    sparsities: tuple[float, ...]
    accuracies: tuple[float, ...]

    def at(self, sparsity: float) -> float:
        """The accuracy on the line between the two nearest that were measured; InputError outside of all.

        >>> Curve((0.5, 0.9), (0.76, 0.72)).at(0.7)
        0.74
        """
        if not self.sparsities[0] <= sparsity <= self.sparsities[-1]:
            known = f"from {self.sparsities[0]:g} to {self.sparsities[-1]:g}"
            raise InputError(f"the accuracy at sparsity {sparsity:g} is not known, only {known}")
        return float(np.interp(sparsity, self.sparsities, self.accuracies))


def curve_of(accuracy: Any) -> Curve | None:
    """The curve of a mapping from sparsity to accuracy, or of a method in a study; InputError for what is none.

    >>> curve_of({0.9: 0.72, 0.5: 0.76}).sparsities
    (0.5, 0.9)
    """
    if accuracy is None:
        return None
    if isinstance(accuracy, Mapping) and any(isinstance(each, str) for each in accuracy):
        return _measured(accuracy)
    pairs = sorted(accuracy.items()) if isinstance(accuracy, Mapping) else []
    numbers = [each for pair in pairs for each in pair]
    if not pairs or any(isinstance(each, bool) or not isinstance(each, int | float) for each in numbers):
        raise wrong_kind("accuracy", accuracy, FORM)
    return Curve(tuple(float(one) for one, _ in pairs), tuple(float(other) for _, other in pairs))


def _measured(said: Mapping[Any, Any]) -> Curve:
    """The mean accuracy of a method over seeds and sets of classes, by the sparsity that was asked for."""
    only_known(said, KEYS)
    file, method, figure = said.get("study"), said.get("method"), said.get("figure", FIGURES[0])
    if not isinstance(file, str | Path) or not isinstance(method, str):
        raise wrong_kind("accuracy", dict(said), FORM)
    if figure not in FIGURES:
        raise InputError(f"accuracy has no figure {figure}", hint=f"there are {', '.join(FIGURES)}")
    cells = read_accuracy_study(Path(file)).cells
    at = Where(mark=Mark(str(file)))
    pruned = [each for each in cells if each.target is not None]
    if not any(each.method == method for each in pruned):
        known = dict.fromkeys(each.method for each in pruned)
        raise InputError(f"has no pruned network of method {method}", at, did_you_mean(method, known))
    found: dict[float, list[float]] = {}
    for each in pruned:
        if each.method == method:
            found.setdefault(float(each.target or 0), []).append(_accuracy(each, figure, at))
    targets = sorted(found)
    return Curve(tuple(targets), tuple(fmean(found[target]) for target in targets))


def _accuracy(cell: Cell, figure: str, at: Where) -> float:
    value = cell.top1_classes if figure == "top1_classes" else cell.top1_all
    if value is None:
        raise InputError(f"has no {figure} of {cell.method}", at, f"give figure: {FIGURES[1]}")
    return value
