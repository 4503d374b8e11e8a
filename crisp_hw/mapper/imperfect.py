"""Factors that do not divide what is left of their dimension: the loop ends earlier in the last iteration outside it.

A dimension of N is counted from 0 to N - 1, and its loops are the digits of a number, each with its factor as its base,
the innermost first: so the factors settle the residuals, which are the digits of N - 1, each plus 1. A factor is no
larger than what is left, so that no two rows are one mapping.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crisp_hw.spec.mapping import LoopMapping, LoopNest
from crisp_hw.spec.problem import Problem

Ints = NDArray[np.int64]


@lru_cache(maxsize=1024)
def divisors_of(number: int) -> Ints:
    """All divisors, ascending; layers of a network and blocks of a mapspace ask for the same over and over.

    >>> divisors_of(12).tolist()
    [1, 2, 3, 4, 6, 12]
    """
    candidates = np.arange(1, int(number**0.5) + 1, dtype=np.int64)
    small = candidates[number % candidates == 0]
    large = number // small[::-1]
    divisors: Ints = np.concatenate([small, large[int(large[0] == small[-1]) :]])  # the root of a square once
    divisors.flags.writeable = False
    return divisors


def factorizations_of(bound: int, allowed: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """All rows of one factor per block with product `bound`, in ascending lexicographic order: int64[f, blocks].

    Those that a block allows ascend.
    """
    rows = np.empty((1, 0), dtype=np.int64)
    rest = np.array([bound], dtype=np.int64)
    for divisors in allowed[:-1]:
        row, pick = np.nonzero(rest[:, None] % divisors == 0)
        rows = np.column_stack([rows[row], divisors[pick]])
        rest = rest[row] // divisors[pick]
    complete: NDArray[np.int64] = np.column_stack([rows, rest])[_among(rest, allowed[-1])]
    return complete


def _among(numbers: Ints, ascending: Ints) -> NDArray[np.bool_]:
    """Which numbers stand in a list: of a short one sooner known than by NumPy's isin."""
    if not len(ascending):
        return np.zeros(len(numbers), dtype=np.bool_)
    place = np.searchsorted(ascending, numbers)
    found: NDArray[np.bool_] = ascending[np.minimum(place, len(ascending) - 1)] == numbers
    return found


def ragged_factorizations(bound: int, allowed: Sequence[Ints]) -> Ints:
    """All rows of one factor per block that count to `bound`, in ascending lexicographic order: int64[f, blocks].

    >>> ragged_factorizations(5, [np.arange(1, 6)] * 2).tolist()  # 5 = 2 + 2 + 1 = 3 + 2 = 4 + 1
    [[1, 5], [2, 3], [3, 2], [4, 2], [5, 1]]
    """
    rows = np.empty((1, 0), dtype=np.int64)
    rest = np.array([bound], dtype=np.int64)
    for factors in allowed[:-1]:
        row, pick = np.nonzero(factors[None, :] <= rest[:, None])
        rows = np.column_stack([rows[row], factors[pick]])
        rest = -(-rest[row] // factors[pick])
    complete: Ints = np.column_stack([rows, rest])[_among(rest, allowed[-1])]
    return complete


def digits_of(number: Ints | int, bases: Ints) -> Ints:
    """The digits of a number, one or one a row, in the bases int64[n, slots] of each row, the innermost first."""
    rest = np.broadcast_to(np.asarray(number, dtype=np.int64), len(bases))
    found = np.empty_like(bases)
    for place in range(bases.shape[1]):
        found[:, place] = rest % bases[:, place]
        rest = rest // bases[:, place]
    return found


def residuals_of(problem: Problem, nest: LoopNest, bounds: Ints) -> Ints:
    """The bound of each loop in the last iteration of those over its dimension outside it; `bounds` is int64[b, L].

    >>> from crisp_hw.spec.mapping import Loop
    >>> nest = LoopNest((Loop(0, "K", "temporal"), Loop(1, "K", "temporal")), (frozenset(), frozenset()))
    >>> residuals_of(Problem("vector", ("K",), (5,), ()), nest, np.array([[3, 2]])).tolist()
    [[2, 2]]
    """
    found = np.ones_like(bounds)
    for dim, size in zip(problem.dims, problem.bounds, strict=True):
        columns = [j for j, loop in enumerate(nest.loops) if loop.dim == dim]
        found[:, columns] = digits_of(size - 1, bounds[:, columns]) + 1
    return found


def mapping_of(problem: Problem, nest: LoopNest, bounds: Ints) -> LoopMapping:
    """One mapping, int64[L]; without residuals where its factors are perfect."""
    rest = residuals_of(problem, nest, bounds[None])[0]
    mine = tuple(int(bound) for bound in bounds)
    return LoopMapping(nest, mine, None if (rest == bounds).all() else tuple(int(last) for last in rest))
