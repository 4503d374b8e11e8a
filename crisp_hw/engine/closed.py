"""Occupancies of tiles over all masks of a pattern, from its closed form: how many nonzeros, and when none at all."""

from functools import lru_cache
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine import hybrid, lines
from crisp_hw.engine.lattice import Distribution
from crisp_hw.spec.patterns import HybridBlocks, PatternedLines

Int = NDArray[np.int64]
Float = NDArray[np.float64]
Extents = tuple[int, ...]
"""Size of a tile along each rank, in words."""

NEGLIGIBLE = 1e-30  # a probability that no double-precision sum can notice


@lru_cache(maxsize=4096)
def histogram(density: HybridBlocks | PatternedLines, tile: Extents) -> tuple[Int, Float]:
    """Occupancies, ascending, and their probabilities, [K] each: every k that a sum can notice, and 0 if possible.

    The mean over all masks of the pattern of `actual.histogram`.
    """
    found = _joint(density, tile, tile, hole=False)
    occupancy, probability = found.occupancies, found.mass / found.mass.sum()
    seen = (probability > NEGLIGIBLE) | (occupancy == 0)
    return occupancy[seen], probability[seen]


def extremes(density: HybridBlocks | PatternedLines, tile: Extents) -> tuple[int, int]:
    """The fewest and the most nonzeros that a tile of the aligned grid can hold in any mask of the pattern."""
    found = _joint(density, tile, tile, hole=False)
    return found.low, found.high


@lru_cache(maxsize=65536)
def empty_given(density: HybridBlocks | PatternedLines, inner: Extents, outer: Extents) -> Float:
    """P(an `inner` tile of an `outer` tile is empty | occupancy of the outer), [K] as `histogram(density, outer)`."""
    whole = _joint(density, inner, outer, hole=False)
    holed = _joint(density, inner, outer, hole=True)
    wanted = histogram(density, outer)[0]
    joint, total = holed.at(wanted), whole.at(wanted)
    return np.divide(joint, total, out=np.zeros(len(wanted)), where=total > 0)


def _joint(density: HybridBlocks | PatternedLines, inner: Extents, outer: Extents, hole: bool) -> Distribution:
    match density:
        case HybridBlocks():
            return hybrid.joint(density, inner, outer, hole)
        case PatternedLines():
            return lines.joint(density, inner, outer, hole)
    assert_never(density)
