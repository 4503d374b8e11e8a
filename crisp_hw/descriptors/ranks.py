"""What a mask obeys beyond one N:M: N:M of groups of N:M, and another N:M in every row."""

import numpy as np
from numpy.typing import NDArray

from crisp_hw.spec.patterns import NM, RowPattern, TwoRank

OUTER = (2, 4, 8)  # groups that HighLight's upper rank picks from (up to 8), powers of two: the rest is not looked for
CHUNK = 2**18  # weights that are looked at at once, whose counts take as much memory again


def two_rank(mask: NDArray[np.bool_], m: int) -> TwoRank | None:
    """The sparsest N:M of groups of `m` columns; None where every group may hold something, and for groups of one.

    >>> str(two_rank(np.tile(np.array([1, 1, 0, 0, 0, 0, 0, 0], dtype=bool), (2, 3)), 4))
    '1:2 of 2:4'
    """
    if m < 2 or mask.shape[1] < m * OUTER[0]:
        return None
    inner, fullest = 0, dict.fromkeys(OUTER, 0)
    for counts in _counts(mask, m):
        inner = max(inner, int(counts.max()))
        for outer in OUTER:
            fullest[outer] = max(fullest[outer], int(_sums(counts > 0, outer).max()))
    groups = -(-mask.shape[1] // m)
    found = [NM(n, outer) for outer, n in fullest.items() if 0 < n < min(outer, groups)]
    return TwoRank(min(found, key=lambda nm: (nm.n / min(nm.m, groups), nm.m)), NM(inner, m)) if found else None


def row_patterns(mask: NDArray[np.bool_], m: int) -> tuple[RowPattern, ...]:
    """The tightest N:M of every row, sparsest first, with the rows that have it; nothing where all rows have the same.

    >>> [str(each) for each in row_patterns(np.array([[1, 0, 0, 0], [1, 0, 1, 0]], dtype=bool), 4)]
    ['1:4 in 1', '2:4 in 1']
    """
    tightest = np.concatenate([counts.max(axis=1) for counts in _counts(mask, m)])
    values, rows = np.unique(tightest, return_counts=True)
    found = tuple(RowPattern(NM(int(n), m), int(count)) for n, count in zip(values, rows, strict=True))
    return found if len(found) > 1 else ()


def _counts(mask: NDArray[np.bool_], m: int) -> list[NDArray[np.int32]]:
    """Nonzeros of the groups of some rows after some others, int[rows, groups]."""
    step = max(1, CHUNK // mask.shape[1])
    return [_sums(mask[start : start + step], m) for start in range(0, mask.shape[0], step)]


def _sums(mask: NDArray[np.bool_], m: int) -> NDArray[np.int32]:
    """Nonzeros of every aligned group of m columns, the last one cut off."""
    sums = np.zeros((mask.shape[0], -(-mask.shape[1] // m)), np.int32)
    for place in range(min(m, mask.shape[1])):
        members = mask[:, place::m]
        sums[:, : members.shape[1]] += members
    return sums
