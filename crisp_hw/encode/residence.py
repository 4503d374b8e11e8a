"""Does a round of work stay in the buffers, or must its columns be split above the accumulators?"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil, isqrt, prod

import numpy as np

from crisp_hw.encode.shape import Fabric, Gemm, Steps
from crisp_hw.engine.content import fullest_at_least
from crisp_hw.spec.problem import Problem


@dataclass(frozen=True)
class Room:
    """The words of a buffer (None: no limit), and the operands that it keeps."""

    words: int | None
    keeps: frozenset[str] = frozenset("AB")


def column_splits(problem: Problem, fabric: Fabric, steps: Steps, rooms: Sequence[Room]) -> int:
    """The fewest equal parts of K for which one round fits every buffer.

    A round is what the cores work on at once: a strip of rows on every core, all columns, and one tile of positions.
    Splitting K sends partial sums to the backing store, so it is worth no more parts than these. Occupancies are
    Timeloop's worst case (engine: density). Where even one step across the lanes does not fit, all parts are allowed.

    >>> from crisp_hw.spec.problem import Tensor
    >>> a, b = Tensor("A", ()), Tensor("B", ())  # dense; their projections do not matter here
    >>> wide = Problem("gemm", ("G", "M", "N", "K"), (8, 64, 196, 4608), (a, b))
    >>> column_splits(wide, Fabric(4, 16, 4, 64), Steps(columns=4), [Room(262144)])
    2
    """
    sizes = dict(zip(problem.dims, problem.bounds, strict=True))
    gemm = Gemm(sizes["G"], sizes["M"], sizes["N"], sizes["K"], own_b="G" in problem.tensor("B").dims)
    steps_of_k = gemm.columns // steps.columns
    parts = _divisors(steps_of_k) if steps_of_k else tuple(range(1, gemm.columns + 1))  # all divide 0
    limits = [room for room in rooms if room.words is not None]
    fitting = (part for part in parts if all(_fits(problem, gemm, fabric, part, room) for room in limits))
    return next(fitting, parts[-1])


@cache
def _divisors(number: int) -> tuple[int, ...]:
    """All divisors, ascending."""
    small = [part for part in range(1, isqrt(number) + 1) if number % part == 0]
    return tuple(dict.fromkeys([*small, *(number // part for part in reversed(small))]))


def _fits(problem: Problem, gemm: Gemm, fabric: Fabric, part: int, room: Room) -> bool:
    """Do the operands of one round over a `part`th of the columns fit a buffer?"""
    columns = gemm.columns // part
    strips = min(fabric.cores, ceil(gemm.rows / fabric.rows))
    groups = min(gemm.groups, fabric.cores // strips) if gemm.own_b else 1
    tile = max(size for size in range(1, min(gemm.positions, fabric.positions) + 1) if gemm.positions % size == 0)
    words = {"A": groups * gemm.rows * columns, "B": groups * columns * tile}
    used = sum(_occupancy(count, problem, name) for name, count in words.items() if name in room.keeps)
    return room.words is None or used <= room.words


def _occupancy(tile: int, problem: Problem, name: str) -> int:
    """Nonzeros of a tile of `tile` elements in the worst case, as far as its size tells."""
    tensor = problem.tensor(name)
    size = prod(problem.bound(dim) for dim in tensor.dims)
    return int(fullest_at_least(tensor.density, size, np.array([tile]))[0])
