"""Words along a rank of several terms (a window that slides), as a number per row of its group of dimensions.

What a level receives of such a rank does not only depend on how many steps there are: the engine (`engine.windows`)
takes the words of the old tile off the new one while the tile keeps moving as before, takes none where it seems not to
move, and all of it after any other move. Along one rank that is a sum over the loops of this rank alone.
"""

from dataclasses import dataclass
from itertools import permutations, product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.exact.hashed import hashed_once
from crisp_hw.mapper.exact.layout import Group, Layout
from crisp_hw.spec.problem import Tensor, Term

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rank = tuple[Term, ...]


def slides(rank: Rank) -> bool:
    """Is a rank more than one dimension as it is?"""
    return len(rank) != 1 or rank[0].coefficient != 1


def sliding_ranks(tensor: Tensor) -> tuple[Rank, ...]:
    """The ranks of a tensor that slide."""
    return tuple(rank for rank in tensor.ranks if slides(rank))


def plain_dims(tensor: Tensor) -> frozenset[str]:
    """The dimensions that are ranks as they are."""
    return frozenset(rank[0].dim for rank in tensor.ranks if not slides(rank))


@hashed_once
@dataclass(frozen=True)
class Window:
    """The words along one rank that arrive at a tile, which spans the factors in `box`.

    `chain` are (dimension, slot) pairs, as bit numbers, of the loops over the rank that move the tile without a loop
    over another rank between them, innermost first; those of the slots `loose` follow in whatever order brings least.
    Without either it is the extent of the tile. `part` are the words of the first loop's steps alone, times the tiles
    that lanes (`lanes`) then want and none of them held before; or those of all other steps.
    """

    rank: Rank
    box: int
    chain: tuple[int, ...] = ()
    loose: tuple[int, ...] = ()
    part: Literal["", "first", "others"] = ""
    lanes: int = 0


@dataclass(frozen=True)
class Lanes:
    """How many tiles that differ the lanes of some spatial loops (`mask`) have along one rank, `less` so many."""

    rank: Rank
    mask: int
    less: int = 0


@dataclass(frozen=True)
class _Loop:
    """A loop over the rank in every row: iterations, and how far one moves the tile."""

    bound: Ints
    advance: Ints


def words_along(window: Window, layout: Layout, group: Group) -> Floats:
    """Words in every row of the rank's group, float64[rows]."""
    extent = extent_of(window, layout, group)
    chain = [_loop(window.rank, bit, layout, group) for bit in window.chain]
    if window.part == "first":
        return _first(extent, chain) * _unheld(window, layout, group)
    if window.part == "others":
        return _arriving(extent, chain) - _first(extent, chain)
    dims = [layout.dims.index(term.dim) for term in window.rank]
    later = []
    for slot in window.loose:
        bits = [dim * len(layout.slots) + slot for dim in dims]
        loops = [_loop(window.rank, bit, layout, group) for bit in bits]
        later.append([loop for loop in loops if (loop.bound > 1).any()])
    found: Floats | None = None
    for orders in product(*(permutations(loops) for loops in later)):
        words = _arriving(extent, [*chain, *(loop for order in orders for loop in order)])
        found = words if found is None else np.minimum(found, words)
    assert found is not None  # there is one order of no loops
    return found


def _first(extent: Ints, chain: list[_Loop]) -> Floats:
    """Words of the steps of the first loop of a chain."""
    outside = np.prod([loop.bound for loop in chain[1:]], axis=0, dtype=np.float64) if len(chain) > 1 else 1.0
    found: Floats = (chain[0].bound - 1) * outside * np.minimum(chain[0].advance, extent)
    return found


def _unheld(window: Window, layout: Layout, group: Group) -> Floats:
    """How many tiles lanes want after a step of the first loop that none of them held before it."""
    first = _loop(window.rank, window.chain[0], layout, group)
    loops = _loops(window.rank, window.lanes, layout, group)
    rows = [first.advance, *(part for loop in loops for part in (loop.bound, loop.advance))]
    known: dict[tuple[int, ...], int] = {}
    found = []
    for move, *row in np.stack(rows, axis=1).tolist():
        if (move, *row) not in known:
            places = _places(row)
            known[move, *row] = len({place + move for place in places} - places)
        found.append(known[move, *row])
    return np.array(found, dtype=np.float64)


@hashed_once
@dataclass(frozen=True)
class Link:
    """Where a template may say too little of a window: lanes (`lanes`, spatial loops over its rank at one level) may
    have words from neighbours after a step of the loops `steps` over the rank; and with `mixed`, loops that are no part
    of the chain stand between those of it. Bit sets, as in `Window`; `level` is that of the loops, `tensor` is whose
    window it is.
    """

    tensor: int
    level: int
    window: Window
    lanes: int
    steps: int
    mixed: bool

    @property
    def rank(self) -> Rank:
        """The rank that slides."""
        return self.window.rank


def uncertain(link: Link, layout: Layout, group: Group) -> Bools:
    """The rows of which a template may say too little, bool[rows].

    A lane finds its tile with a neighbour only where a step moves the tile as far as two lanes lie apart. The first
    loop of the chain moves it by its advance; any other step by its own advance, or not at all, less those of loops
    inside it, the first one always among them.
    """
    extent = extent_of(link.window, layout, group)
    chain = [_loop(link.rank, bit, layout, group) for bit in link.window.chain]
    found = np.zeros(len(extent), dtype=np.bool_)
    if link.mixed:
        found |= _partial(extent, chain)
    if not link.lanes:
        return found
    lanes = _loops(link.rank, link.lanes, layout, group)
    others = _loops(link.rank, link.steps & ~(1 << link.window.chain[0]), layout, group)
    parts = [each for loop in [*lanes, chain[0], *others] for each in (loop.bound, loop.advance)]
    known: dict[tuple[int, ...], bool] = {}
    for index, row in enumerate(np.stack(parts, axis=1).tolist()):
        key = tuple(row)
        if key not in known:
            known[key] = _may_serve(row[: 2 * len(lanes)], row[2 * len(lanes) :])
        found[index] |= known[key]
    return found


def _may_serve(lanes: list[int], steps: list[int]) -> bool:
    """May a move of the steps' loops (bounds and advances, the first loop first) be a distance between two lanes?"""
    bound, first, *others = steps
    places = _places(lanes)
    apart = {here - there for here in places for there in places}
    sums = {first}
    advances = [step for many, step in zip(others[::2], others[1::2], strict=True) if many > 1]
    for advance in advances:
        sums |= {total + advance for total in sums}
    moves = {first} | {-total for total in sums} | {advance - total for advance in advances for total in sums}
    return bound > 1 and not moves.isdisjoint(apart)


def _partial(extent: Ints, chain: list[_Loop]) -> Bools:
    """Where a loop of the chain, but the first, brings less than a whole tile."""
    found = np.zeros(len(extent), dtype=np.bool_)
    returned, usual = np.zeros_like(extent), np.zeros_like(extent)
    for place, loop in enumerate(chain):
        active, move = loop.bound > 1, loop.advance - returned
        found |= active & (place > 0) & ((move == 0) | ((move == usual) & (usual < extent)))
        usual = np.where((usual == 0) & active, move, usual)
        returned = returned + np.where(active, loop.advance, 0)
    return found


def extent_of(window: Window, layout: Layout, group: Group) -> Ints:
    """The extent of the tile along the rank, int64[rows]."""
    found = np.ones(len(group.factors), dtype=np.int64)
    for term in window.rank:
        found = found + term.coefficient * (_size(term.dim, window.box, layout, group) - 1)
    return found


def lanes_along(lanes: Lanes, layout: Layout, group: Group) -> Floats:
    """Distinct tiles of the lanes along a rank, less those that do not count, float64[rows]."""
    loops = _loops(lanes.rank, lanes.mask, layout, group)
    if not loops:
        return np.full(len(group.factors), 1.0 - lanes.less)
    rows = np.stack([part for loop in loops for part in (loop.bound, loop.advance)], axis=1).tolist()
    known: dict[tuple[int, ...], int] = {}
    found = [known.setdefault(tuple(row), len(_places(row))) for row in rows]
    return np.array(found, dtype=np.float64) - lanes.less


def _places(row: list[int]) -> set[int]:
    """Where the lanes of some loops lie: bounds and advances in turn."""
    places = {0}
    for bound, advance in zip(row[::2], row[1::2], strict=True):
        places = {place + step * advance for place in places for step in range(bound)}
    return places


def _loops(rank: Rank, mask: int, layout: Layout, group: Group) -> list[_Loop]:
    """The loops over a rank in a set of bits."""
    bits = [
        layout.dims.index(term.dim) * len(layout.slots) + slot for slot in range(len(layout.slots)) for term in rank
    ]
    return [_loop(rank, bit, layout, group) for bit in bits if mask >> bit & 1]


def _size(dim: str, mask: int, layout: Layout, group: Group) -> Ints:
    """The product of a dimension's factors in a mask, int64[rows]."""
    index = layout.dims.index(dim)
    slots = [s for s in range(len(layout.slots)) if mask & layout.bit(index, s)]
    found: Ints = group.factors[:, group.dims.index(index), slots].prod(axis=1)
    return found


def _loop(rank: Rank, bit: int, layout: Layout, group: Group) -> _Loop:
    index, slot = divmod(bit, len(layout.slots))
    inside = sum(layout.bit(index, s) for s in range(slot))
    coefficient = next(term.coefficient for term in rank if term.dim == layout.dims[index])
    advance = coefficient * _size(layout.dims[index], inside, layout, group)
    return _Loop(group.factors[:, group.dims.index(index), slot], advance)


def _arriving(extent: Ints, loops: list[_Loop]) -> Floats:
    """Words along the rank: the first tile, and what every step of each loop brings (engine.windows.arrivals)."""
    outside = np.ones(len(extent))
    after = []
    for loop in reversed(loops):
        after.append(outside)
        outside = outside * loop.bound
    total, returned, usual = extent.astype(np.float64), np.zeros_like(extent), np.zeros_like(extent)
    for loop, times in zip(loops, reversed(after), strict=True):
        active = loop.bound > 1
        move = loop.advance - returned
        usual = np.where((usual == 0) & active & (move != 0), move, usual)
        brought = np.where(move == usual, np.minimum(np.abs(move), extent), extent)
        brought = np.where(move == 0, 0, brought)
        total = total + np.where(active, (loop.bound - 1) * times * brought, 0.0)
        returned = returned + np.where(active, loop.advance, 0)
    return total
