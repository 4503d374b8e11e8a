"""An accuracy that was measured at some sparsities, and what it is between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from crisp_hw.errors import InputError
from crisp_hw.spec.kinds import wrong_kind


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
    """The curve of a mapping from sparsity to accuracy; InputError for what is none.

    >>> curve_of({0.9: 0.72, 0.5: 0.76}).sparsities
    (0.5, 0.9)
    """
    if accuracy is None:
        return None
    pairs = sorted(accuracy.items()) if isinstance(accuracy, Mapping) else []
    numbers = [each for pair in pairs for each in pair]
    if not pairs or any(isinstance(each, bool) or not isinstance(each, int | float) for each in numbers):
        raise wrong_kind("accuracy", accuracy, "a mapping from sparsity to accuracy, such as {0.5: 0.76, 0.9: 0.72}")
    return Curve(tuple(float(one) for one, _ in pairs), tuple(float(other) for _, other in pairs))
