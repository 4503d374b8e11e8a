"""Factorizations of all dimensions as a stream of large arrays: joined dimension by dimension, in bounded memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.fits import fits
from crisp_hw.mapper.space import Space

Ints = NDArray[np.int64]
Keep = Callable[[Ints, tuple[str, ...]], NDArray[np.bool_]]


@dataclass(frozen=True)
class Chunk:
    """Factors int64[b, blocks, dims] (dimensions in problem order) and how many candidates are done with it."""

    rows: Ints
    done: int


@dataclass(frozen=True)
class _Partial:
    """Factors of the dimensions joined so far, int64[b, blocks, joined], and each row's place in their product."""

    rows: Ints
    places: Ints


def factorizations(space: Space, chunk_rows: int, keep: Keep | None = None) -> Iterator[Chunk]:
    """All factorizations that break no necessary condition (`fits`), about `chunk_rows` rows at a time.

    Their order does not depend on `chunk_rows`; `done` counts candidates out of `space.size`, those dropped
    included. `keep(rows, dims)` replaces `fits`: it must not drop rows of which some completion is wanted.

    >>> from crisp_hw.mapper.space import enumerate_space
    >>> from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
    >>> from crisp_hw.spec.constraints import Constraints
    >>> from crisp_hw.spec.design import Design
    >>> from crisp_hw.spec.problem import Problem, Tensor, Term
    >>> chain = Architecture((StorageLevel("RF", size_words=2), StorageLevel("DRAM", "DRAM")), ComputeLevel())
    >>> vector = Problem("vector", ("K",), (4,), (Tensor("A", ((Term("K"),),)),))
    >>> space = enumerate_space(Design(chain, vector), Constraints())
    >>> [chunk.rows[:, :, 0].tolist() for chunk in factorizations(space, 8)]
    [[[1, 4], [2, 2]]]
    """
    dims = sorted(space.design.problem.dims, key=lambda dim: len(space.factors[dim]))
    start = _Partial(np.empty((1, len(space.blocks), 0), dtype=np.int64), np.zeros(1, dtype=np.int64))
    partials = iter((start,))
    for index in range(len(dims)):
        partials = _join(space, partials, tuple(dims[: index + 1]), chunk_rows, keep or partial(fits, space))
    order = [dims.index(dim) for dim in space.design.problem.dims]
    for held in _gather(partials, chunk_rows):
        yield Chunk(held.rows[:, :, order], int(held.places[-1]) + 1)


def _join(
    space: Space, partials: Iterator[_Partial], dims: tuple[str, ...], chunk_rows: int, keep: Keep
) -> Iterator[_Partial]:
    """Every partial row with every factorization of the last of `dims`, less those that cannot fit."""
    table = space.factors[dims[-1]]
    step = max(1, chunk_rows // len(table))
    for one in partials:
        for begin in range(0, len(one.rows), step):
            rows = np.repeat(one.rows[begin : begin + step], len(table), axis=0)
            column = np.tile(table, (len(rows) // len(table), 1))
            rows = np.concatenate([rows, column[:, :, None]], axis=2)
            places = (one.places[begin : begin + step, None] * len(table) + np.arange(len(table))).reshape(-1)
            kept = keep(rows, dims)
            if kept.any():
                yield _Partial(rows[kept], places[kept])


def _gather(partials: Iterator[_Partial], chunk_rows: int) -> Iterator[_Partial]:
    """Consecutive partials put together until they hold `chunk_rows` rows."""
    held: list[_Partial] = []
    for one in partials:
        held.append(one)
        if sum(len(one.rows) for one in held) >= chunk_rows:
            yield _merged(held)
            held = []
    if held:
        yield _merged(held)


def _merged(held: list[_Partial]) -> _Partial:
    return _Partial(np.concatenate([one.rows for one in held]), np.concatenate([one.places for one in held]))


def completions(space: Space, dims: tuple[str, ...]) -> int:
    """Factorizations that one partial row with these dimensions stands for."""
    return prod(len(table) for dim, table in space.factors.items() if dim not in dims)
