"""How many instances of a level, and of the MACs, a mapping uses, and what part of the mesh it spans."""

import numpy as np

from crisp_hw.engine.tiling import COMPUTE, Float, Int, Tiling


def instances(tiling: Tiling, level: int) -> Int:
    """Instances of a level (COMPUTE: MACs) that the mapping uses: the product of all spatial loops outside it.

    Of a loop with a residual, the average over the run; the product is cut to a whole number, and the loops of level 0
    always count in full (Timeloop: InitNumSpatialElems, CollectWorkingSets).
    """
    if tiling.residuals is None:
        return tiling.product(_spatial_from(tiling, tiling.ends[level] if level >= 0 else 0))
    whole = tiling.product(_spatial_from(tiling, 0)) // tiling.product(_spatial_from(tiling, tiling.ends[0]))
    average = np.ones(tiling.batch)
    for j in reversed(_spatial_from(tiling, tiling.ends[max(level, 0)])):
        average = average * _average_bound(tiling, tiling.residuals, j)
    used: Int = (average * whole if level == COMPUTE else average).astype(np.int64)
    return used


def _spatial_from(tiling: Tiling, first: int) -> list[int]:
    """Active spatial loops from index `first` outwards."""
    return [j for j in range(first, len(tiling.nest.loops)) if tiling.active[j] and not tiling.temporal(j)]


def _average_bound(tiling: Tiling, residuals: Int, j: int) -> Float:
    """Mean bound of loop j: its residual in the last of the iterations of all loops over its dimension outside it."""
    outer = np.ones(tiling.batch)
    for k in range(len(tiling.nest.loops) - 1, j, -1):
        if tiling.nest.loops[k].dim == tiling.nest.loops[j].dim:
            outer = residuals[k] + tiling.bounds[k] * (outer - 1.0)
    mean: Float = (residuals[j] + tiling.bounds[j] * (outer - 1.0)) / outer
    return mean


def expansion(tiling: Tiling, level: int) -> tuple[Int, Int]:
    """(x, y) extent of the mesh of a level (COMPUTE: MACs) that the mapping spans."""
    outside = _spatial_from(tiling, tiling.ends[level] if level >= 0 else 0)
    return tiling.product_along(outside, "x"), tiling.product_along(outside, "y")
