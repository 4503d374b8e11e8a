"""The factors that constraints leave a dimension: of every block alone, and of all blocks together."""

from functools import lru_cache
from math import prod
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.imperfect import divisors_of, factorizations_of, ragged_factorizations
from crisp_hw.spec.constraints import Factor, LevelConstraint

FEW_ROWS = 4096  # factorizations that are remembered: of 12 blocks, 400 KB
Asked = tuple[int, Factor | None]
"""The least factor that a block takes for a dimension, and what else it asks of it."""


def asked_of(constraint: LevelConstraint | None, dim: str) -> Asked:
    """What a block asks of the factor of a dimension."""
    return (1, None) if constraint is None else (constraint.at_least.get(dim, 1), constraint.factors.get(dim))


def rows_of(bound: int, asked: tuple[Asked, ...], imperfect: bool) -> NDArray[np.int64]:
    """All factorizations of a dimension with what each block asks of its factor, int64[f, blocks], ascending.

    >>> rows_of(6, ((1, None), (2, None)), imperfect=False).tolist()
    [[1, 6], [2, 3], [3, 2]]
    """
    if imperfect:
        return ragged_factorizations(bound, [allowed(bound, each, imperfect) for each in asked])
    divisors = [_divisors(bound, each) for each in asked]
    most = prod(map(len, divisors[:-1]))
    return _few_rows(bound, asked) if most <= FEW_ROWS else factorizations_of(bound, divisors)


@lru_cache(maxsize=1024)
def _few_rows(bound: int, asked: tuple[Asked, ...]) -> NDArray[np.int64]:
    """The same where there are few; layers of a network ask for the same over and over."""
    rows = factorizations_of(bound, [_divisors(bound, each) for each in asked])
    rows.flags.writeable = False
    return rows


@lru_cache(maxsize=4096)
def _divisors(bound: int, asked: Asked) -> NDArray[np.int64]:
    """The divisors of `bound` that a block admits; a few numbers each."""
    return allowed(bound, asked, imperfect=False)


def allowed(bound: int, asked: Asked, imperfect: bool) -> NDArray[np.int64]:
    """Divisors of `bound`, ascending, that a block admits for a dimension; or those among all numbers up to it."""
    divisors = np.arange(1, bound + 1, dtype=np.int64) if imperfect else divisors_of(bound)
    at_least, factor = asked
    if at_least > 1:
        divisors = divisors[divisors >= at_least]
    if factor is None:
        return divisors
    match factor.relation:
        case "=":
            return divisors[np.equal(divisors, factor.value or bound)]
        case "<=":
            return divisors[divisors <= factor.value]
        case ">=":
            return divisors[divisors >= factor.value]
    assert_never(factor.relation)
