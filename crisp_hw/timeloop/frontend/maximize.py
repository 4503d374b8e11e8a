"""`maximize_dims` of the front end: the largest factors that some lanes, or so many iterations, have room for.

Facts: timeloopfe v4/processors/constraint_macro.py. Levels are filled from the innermost outwards, first across lanes,
then in time; what one level takes is gone for the others.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from math import ceil, prod

from crisp_hw.errors import InputError
from crisp_hw.timeloop.frontend.constraints import BlockConstraints, Shape
from crisp_hw.timeloop.frontend.nodes import Component
from crisp_hw.timeloop.yaml.fields import key_at, word_at

Taken = tuple[tuple[str, int], ...]
"""Dimensions and the factors taken of them; one dimension may stand there several times."""


def maximize(blocks: Mapping[tuple[str, str], BlockConstraints], parts: list[Component], shape: Shape) -> None:
    """Give every block that asks for it the factors of its dimensions; InputError where they are given already."""
    left = dict(shape.sizes)
    for block in blocks.values():
        for dim, factor in block.factors.items():
            left[dim] = ceil(left[dim] / factor)
    for block, lanes in _asking(blocks, parts):
        if block.maximize is None:
            continue
        room = lanes if block.maximize.capacity is None else block.maximize.capacity
        if room is None:
            at = key_at(block.at, block.maximize.node, "maximize_dims")
            raise InputError("maximize_dims in time needs maximize_dims_capacity", at, "add it")
        for dims in block.maximize.dims:
            _fill(block, dims, room, left)


def largest(sizes: Mapping[str, int], room: int) -> dict[str, int]:
    """Factors of some dimensions whose product uses most of the room; not all divide their dimension.

    >>> largest({"M": 12, "C": 5}, 8), largest({"M": 7}, 4)
    ({'M': 4, 'C': 2}, {'M': 4})
    """
    factors = dict.fromkeys(sizes, 1)
    for dim, factor in _best(tuple(sizes.items()), room)[0]:
        factors[dim] *= factor
    return factors


def _asking(
    blocks: Mapping[tuple[str, str], BlockConstraints], parts: list[Component]
) -> Iterator[tuple[BlockConstraints, int | None]]:
    """Blocks with the lanes they have: all spatial ones from the innermost, then all temporal ones."""
    fans = {part.name: prod(inner.mesh) // prod(part.mesh) for part, inner in pairwise(parts)}
    for kind in ("spatial", "temporal"):
        for part in reversed(parts):
            if (part.name, kind) in blocks:
                yield blocks[part.name, kind], fans.get(part.name, 1) if kind == "spatial" else None


def _fill(block: BlockConstraints, dims: list[str], room: int, left: dict[str, int]) -> None:
    """Take factors of some dimensions; what the block's other factors take of the room is gone."""
    asked = block.maximize
    given = {**{dim: value for dim, relation, value, _ in block.limits if relation == ">="}, **block.factors}
    limited = {dim for dim, *_ in block.limits}
    if asked and (named := next((dim for dim in dims if dim in given or dim in limited), None)):
        at = word_at(block.at, asked.node, "maximize_dims", named)
        raise InputError(f"maximize_dims names {named}, which has a factor already", at, "drop one")
    for value in given.values():
        room //= value
    for dim, factor in largest({dim: left[dim] for dim in dims}, room).items():
        block.factors[dim] = factor
        left[dim] = ceil(left[dim] / factor)


@lru_cache(maxsize=65536)
def _best(sizes: tuple[tuple[str, int], ...], room: int) -> tuple[Taken, float]:
    """The factors that use most lanes on average, and how many: whole primes, or at last a part of a dimension.

    A part of n lanes leaves the last of its turns with n' (its remainder); a dimension of 7 on 4 lanes takes 2 turns of
    4 and 3, as timeloopfe counts them.
    """
    taken: Taken = ()
    most = 1.0
    if room <= 1:
        return taken, most
    for place, (dim, size) in enumerate(sizes):
        if size > room:
            turns = ceil(size / room)
            part = ceil(size / turns)
            average = (part * (turns - 1) + size % part) / turns
            if average > most:
                taken, most = ((dim, part),), average
        for prime in _primes(size):
            if prime <= room:
                rest = (*sizes[:place], (dim, size // prime), *sizes[place + 1 :])
                more, average = _best(rest, room // prime)
                if average * prime > most:
                    taken, most = ((dim, prime), *more), average * prime
    return taken, most


def _primes(number: int) -> list[int]:
    """The primes that divide a number, ascending.

    >>> _primes(60)
    [2, 3, 5]
    """
    found, prime = [], 2
    while number > 1:
        if number % prime == 0:
            found.append(prime)
            while number % prime == 0:
                number //= prime
        prime += 1
    return found
