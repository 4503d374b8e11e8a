"""A loop nest step by step on data: the tiles that every level is sent, holds and sends on, and what the MACs multiply.

Each instance of a level holds one tile of every tensor that the level keeps. In every step of the loops outside a level
its instances ask for their tiles; what an instance holds already is not sent again, and what several ask for in one
step is read once; of a window that slides, what an instance does not hold yet. Partial sums go the other way: what
several send in one step is added up on the way and written once, and is read again before something is added to it. A
packed tensor moves the words that it stores alone, and with each of them an offset. A fabric that skips leaves out what
the MACs would read or add up where another operand is not stored.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod
from operator import add

import numpy as np
from numpy.typing import NDArray

from crisp_hw.spec.mapping import Loop, LoopMapping
from crisp_hw.spec.problem import Problem, Tensor

Integers = NDArray[np.int64]
Stored = NDArray[np.bool_]
MACS = -1  # the place inside of the innermost level
Place = tuple[int, ...]
"""A number for every dimension: a coordinate, or how far one is from another."""


@dataclass
class Moved:
    """What crossed the ports of one level for one tensor, all instances together.

    `used` counts, over the steps in `visits`, instances whose tile is not empty (all, where the tensor comes unpacked).
    `tiles` are the words of each tile of a packed tensor.
    """

    reads: int = 0
    fills: int = 0
    updates: int = 0
    offsets_read: int = 0
    offsets_filled: int = 0
    used: int = 0
    visits: int = 0
    tiles: tuple[int, ...] = ()


@dataclass(frozen=True)
class Fabric:
    """What is walked: the problem, its loops, the (level, tensor) that are packed, and the level that squeezes lanes.

    A level that squeezes lanes (None: none does) leaves out those of its MACs whose packed operands are not stored.
    `skips`: the operands without which the MACs neither read a tensor nor add to it.
    """

    problem: Problem
    mapping: LoopMapping
    packed: frozenset[tuple[int, str]] = frozenset()
    squeezes: int | None = None
    skips: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def keepers(self, tensor: Tensor) -> list[int]:
        """The levels that keep a tensor, innermost first."""
        return [level for level, kept in enumerate(self.mapping.nest.keeps) if tensor.name in kept]

    def links(self, tensor: Tensor) -> list[tuple[int, int]]:
        """Every level that keeps a tensor, and the next one inside of it."""
        return list(zip(self.keepers(tensor), [MACS, *self.keepers(tensor)], strict=False))

    def outside(self, level: int) -> list["Turn"]:
        """The loops outside a level that do something, outermost first."""
        inside, turns = dict.fromkeys(self.problem.dims, 1), []
        for loop, bound in zip(self.mapping.nest.loops, self.mapping.bounds, strict=True):
            turns.append(Turn(loop, bound, inside[loop.dim]))
            inside[loop.dim] *= bound
        return [turn for turn in reversed(turns) if turn.bound > 1 and turn.loop.level > level]

    def times(self, level: int) -> list[Place]:
        """Where the steps outside a level begin, in their order."""
        turns = [turn for turn in self.outside(level) if turn.loop.kind == "temporal"]
        return [place for _, place in _iterations(self.problem, turns)]

    def spatial(self, level: int) -> list["Turn"]:
        """The loops over the instances of a level: those over an outer level's come first."""
        return [turn for turn in self.outside(level) if turn.loop.kind != "temporal"]

    def instances(self, level: int) -> list[tuple[Place, Place]]:
        """The instances of a level, and how far the place of each is from the first one's."""
        return list(_iterations(self.problem, self.spatial(level)))

    def tile(self, tensor: Tensor, level: int) -> Place:
        """What an instance of a level takes of a tensor, along each of its ranks; one word for the MACs."""
        sides = dict(zip(self.problem.dims, self.problem.bounds, strict=True))
        for turn in self.outside(level):
            sides[turn.loop.dim] //= turn.bound
        return _extents(tensor, sides)

    def whole(self, tensor: Tensor) -> Place:
        """All of a tensor, along each of its ranks."""
        return _extents(tensor, dict(zip(self.problem.dims, self.problem.bounds, strict=True)))

    def corner(self, tensor: Tensor, place: Place) -> Place:
        """Where a tile of a tensor begins, whose work begins at a place."""
        at = self.problem.place
        return tuple(sum(term.coefficient * place[at[term.dim]] for term in rank) for rank in tensor.ranks)


def _extents(tensor: Tensor, sides: Mapping[str, int]) -> Place:
    """The words along each rank that work of these sides touches: of a window, those between its ends, too."""
    return tuple(1 + sum(term.coefficient * (sides[term.dim] - 1) for term in rank) for rank in tensor.ranks)


@dataclass(frozen=True)
class Turn:
    """A loop and how far one of its iterations moves along its dimension."""

    loop: Loop
    bound: int
    stride: int


@dataclass
class Walked:
    """The product in the problem's coordinates, and what was counted; `lanes` are the most that a row of them took."""

    product: Integers
    steps: int = 0
    products: int = 0
    lanes: int = 0
    moved: dict[tuple[int, str], Moved] = field(default_factory=dict)


def walk(fabric: Fabric, data: dict[str, Integers], stored: dict[str, Stored]) -> Walked:
    """Walk all steps of the nest on operands in the problem's coordinates; `stored` words are moved of packed ones.

    >>> from crisp_hw.spec.mapping import LoopNest
    >>> from crisp_hw.spec.problem import Term
    >>> m, k = (Term("M"),), (Term("K"),)
    >>> problem = Problem("gemv", ("M", "K"), (2, 3), (Tensor("A", (m, k)), Tensor("B", (k,)), Tensor("Z", (m,), True)))
    >>> nest = LoopNest((Loop(0, "K", "temporal"), Loop(0, "M", "temporal")), (frozenset("ABZ"),))
    >>> data = {"A": np.ones((2, 3), int), "B": np.arange(3)}
    >>> done = walk(Fabric(problem, LoopMapping(nest, (3, 2))), data, {name: data[name] != 0 for name in data})
    >>> done.product.tolist(), done.moved[0, "Z"]
    ([3, 3], Moved(reads=4, fills=0, updates=6, offsets_read=0, offsets_filled=0, used=1, visits=1, tiles=()))
    """
    done = Walked(np.zeros(fabric.whole(_output(fabric)), np.int64))
    for tensor in fabric.problem.tensors:
        done.moved |= {(level, tensor.name): Moved() for level in fabric.keepers(tensor)}
        for level in {level for level, name in fabric.packed if name == tensor.name}:
            done.moved[level, tensor.name].tiles = tuple(_tiles(stored[tensor.name], fabric.tile(tensor, level)))
        outermost = max(fabric.keepers(tensor))  # has its tile all the time
        done.moved[outermost, tensor.name].visits = 1
        done.moved[outermost, tensor.name].used = len(fabric.instances(outermost))
        for link in fabric.links(tensor):
            if tensor.is_output:
                _send_out(fabric, done, tensor, stored, link)
            else:
                _send_in(fabric, done, tensor, stored, link)
    _multiply(fabric, done, data, stored)
    return done


def _send_in(fabric: Fabric, done: Walked, tensor: Tensor, stored: Mapping[str, Stored], link: tuple[int, int]) -> None:
    """An operand, from a level to the next one inside that keeps it, or to the MACs, which hold nothing."""
    parent, child = link
    sender, receiver = done.moved[parent, tensor.name], done.moved.get((child, tensor.name), Moved())
    leaves, arrives = ((level, tensor.name) in fabric.packed for level in link)
    size, above, mine = fabric.tile(tensor, child), len(fabric.spatial(parent)), stored[tensor.name]
    instances, held = _corners(fabric, tensor, child), dict[Place, Place]()
    for time in fabric.times(child):
        receiver.visits += 1
        sent: dict[tuple[Place, Place], int] = {}  # from which instance, and which tile: its words
        begins = fabric.corner(tensor, time)
        for lane, far, moves in instances:
            if child == MACS and _skipped(fabric, tensor, stored, tuple(map(add, time, far))):
                continue
            tile = tuple(map(add, begins, moves))
            whole, there = _words(mine, tile, size)
            receiver.used += there > 0 or not leaves
            if child == MACS or held.get(lane) != tile:
                lacks = _less(mine, (whole, there), (tile, held.get(lane)), size)
                if child != MACS:
                    held[lane] = tile
                sent[lane[:above], tile] = lacks[1] if leaves else lacks[0]
                filled = lacks[1] if arrives else lacks[0]
                receiver.fills += filled if there or not leaves else 0
                receiver.offsets_filled += lacks[1] if arrives else 0
        sender.reads += sum(sent.values())
        sender.offsets_read += sum(sent.values()) if leaves else 0


def _less(stored: Stored, words: tuple[int, int], tiles: tuple[Place, Place | None], size: Place) -> tuple[int, int]:
    """The words of a tile, and those that are stored, less those of the tile that an instance holds."""
    new, old = tiles
    if old is None or any(abs(a - b) >= extent for a, b, extent in zip(new, old, size, strict=True)):
        return words
    shared = tuple(extent - abs(a - b) for a, b, extent in zip(new, old, size, strict=True))
    whole, there = _words(stored, tuple(map(max, new, old)), shared)
    return words[0] - whole, words[1] - there


def _skipped(fabric: Fabric, tensor: Tensor, stored: Mapping[str, Stored], place: Place) -> bool:
    """Does a MAC leave a tensor alone, because another operand of its place is not stored?"""
    asked = fabric.skips.get(tensor.name, frozenset())
    others = (each for each in fabric.problem.tensors if each.name in asked)
    return not all(stored[each.name][fabric.corner(each, place)] for each in others)


def _send_out(
    fabric: Fabric, done: Walked, tensor: Tensor, stored: Mapping[str, Stored], link: tuple[int, int]
) -> None:
    """Sums, from a level or the MACs to the next level outside that keeps them, and those that come back in between."""
    parent, child = link
    words, above = prod(fabric.tile(tensor, child)), len(fabric.spatial(parent))
    receiver, sender = done.moved[parent, tensor.name], done.moved.get((child, tensor.name), Moved())
    instances, held = _corners(fabric, tensor, child), dict[Place, Place]()
    had: set[tuple[Place, Place]] = set()  # tiles that an instance of the level inside had before
    known: set[tuple[Place, Place]] = set()  # and those that the level outside has sums of
    for time in fabric.times(child):
        sender.visits += 1
        sender.used += len(instances)
        sent: set[tuple[Place, Place]] = set()
        begins = fabric.corner(tensor, time)
        for lane, far, moves in instances:
            tile = tuple(map(add, begins, moves))
            if child == MACS and _skipped(fabric, tensor, stored, tuple(map(add, time, far))):
                continue
            if child == MACS or held.get(lane) != tile:
                held[lane] = tile
                sender.fills += words if (lane, tile) in had else 0
                had.add((lane, tile))
                sent.add((lane[:above], tile))
        receiver.updates += words * len(sent)  # counted as a tile comes; it is sent when it goes
        receiver.reads += words * len(sent & known)
        known |= sent


def _corners(fabric: Fabric, tensor: Tensor, level: int) -> list[tuple[Place, Place, Place]]:
    """The instances of a level, how far the place of each is from the first one's, and its tile from that one's."""
    return [(lane, far, fabric.corner(tensor, far)) for lane, far in fabric.instances(level)]


def _multiply(fabric: Fabric, done: Walked, data: dict[str, Integers], stored: dict[str, Stored]) -> None:
    """Every MAC multiplies the words of its place; one whose packed operand is not stored has no lane."""
    inputs = [each for each in fabric.problem.tensors if not each.is_output]
    packed = {each.name for each in inputs if (min(fabric.keepers(each)), each.name) in fabric.packed}
    instances = fabric.instances(MACS)
    rows = [_row(fabric, lane) for lane, _ in instances]
    moves = [{each.name: fabric.corner(each, far) for each in fabric.problem.tensors} for _, far in instances]
    result = _output(fabric).name
    for time in fabric.times(MACS):
        done.steps += 1
        busy: Counter[Place] = Counter()
        begins = {each.name: fabric.corner(each, time) for each in fabric.problem.tensors}
        for row, move in zip(rows, moves, strict=True):
            at = {name: tuple(map(add, begin, move[name])) for name, begin in begins.items()}
            if all(stored[name][at[name]] for name in packed):
                done.products += 1
                done.product[at[result]] += prod(int(data[each.name][at[each.name]]) for each in inputs)
                busy[row] += 1
        done.lanes = max(done.lanes, *busy.values(), 0)


def _output(fabric: Fabric) -> Tensor:
    return next(each for each in fabric.problem.tensors if each.is_output)


def _row(fabric: Fabric, lane: Place) -> Place:
    """The row of MACs in which one lies: those of a row differ along x below the level that squeezes lanes alone."""
    places = zip(fabric.spatial(MACS), lane, strict=True)
    return tuple(0 if t.loop.kind == "x" and t.loop.level == fabric.squeezes else number for t, number in places)


def _iterations(problem: Problem, turns: list[Turn]) -> Iterator[tuple[Place, Place]]:
    """All iterations of some loops, the innermost fastest, and the place where each begins."""
    for iteration in product(*(range(turn.bound) for turn in turns)):
        place = dict.fromkeys(problem.dims, 0)
        for turn, number in zip(turns, iteration, strict=True):
            place[turn.loop.dim] += number * turn.stride
        yield iteration, tuple(place.values())


def _tiles(stored: Stored, size: Place) -> Iterator[int]:
    """The words that are stored of every tile."""
    for tile in product(*(range(0, length, extent) for length, extent in zip(stored.shape, size, strict=True))):
        yield _words(stored, tile, size)[1]


def _words(stored: Stored, tile: Place, size: Place) -> tuple[int, int]:
    """Words of a tile, and those that are stored."""
    part = stored[tuple(slice(at, at + extent) for at, extent in zip(tile, size, strict=True))]
    return part.size, int(np.count_nonzero(part))
