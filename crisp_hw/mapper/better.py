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


def behind(costs: tuple[Floats, Floats], front: tuple[Floats, Floats], gap: float = 0.0) -> Bools:
    """Which bounds of cycles and energy a point of a front does not exceed, but for the rounding of floats, or a gap.

    The front goes by rising cycles, and so by falling energy.

    >>> front = np.array([2.0, 4.0]), np.array([9.0, 5.0])
    >>> behind((np.array([1.0, 3.0, 3.0, 5.0]), np.array([9.0, 9.0, 8.0, 5.0])), front).tolist()
    [False, True, False, True]
    """
    cycles, energy = costs
    place = np.searchsorted(front[0], cycles, side="right")
    least = np.concatenate([[np.inf], front[1]])[place]
    found: Bools = least <= energy * (1 + max(gap, EQUAL))
    return found
