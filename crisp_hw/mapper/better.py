"""When a bound shows that nothing better than the best so far is left."""

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

EQUAL = 1e-10  # relative: sums of floats that differ by less are taken for equal (they lose about 1e-15 per term)


def no_better(scores: tuple[Floats, Floats], best: tuple[float, ...] | None, gap: float = 0.0) -> Bools:
    """Which scores are no better than the best so far, but for the rounding of floats, or better by less than a gap.

    >>> no_better((np.array([3.0, 2.0, 1.0]), np.array([0.0, 5.0, 9.0])), (2.0, 5.0)).tolist()
    [True, True, False]
    """
    first, second = scores
    if best is None:
        return np.zeros(first.shape, dtype=np.bool_)
    if gap:
        near: Bools = first >= best[0] / (1 + gap)
        return near
    found: Bools = (first > best[0] * (1 + EQUAL)) | (
        (first >= best[0] * (1 - EQUAL)) & (second >= best[1] * (1 - EQUAL))
    )
    return found
