"""A loop nest step by step on data: the tiles that every level is sent, holds and sends on, and what the MACs multiply.

Each instance of a level holds one tile of every tensor that the level keeps. In every step of the loops outside a level
its instances ask for their tiles; what an instance holds already is not sent again, and what several ask for in one
step is read once; of a window that slides, what an instance does not hold yet. Partial sums go the other way: what
several send in one step is added up on the way and written once, and is read again before something is added to it. A
packed tensor moves the words that it stores alone, and with each of them an offset. A fabric that skips leaves out what
the MACs would read or add up where another operand is not stored, and tiles that meet nothing stored while they are
held. A word that a neighbour of a MAC had in the step before can come from there.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod
from operator import add

import numpy as np
from numpy.typing import NDArray

from crisp_hw.spec.problem import Tensor
from crisp_hw.walk.bitmaps import bits_held, bits_sent
from crisp_hw.walk.fabric import MACS, Fabric, Place
from crisp_hw.walk.skipped import Missing, left_out

Integers = NDArray[np.int64]
Stored = NDArray[np.bool_]


@dataclass
class Moved:
    """What crossed the ports of one level for one tensor, all instances together; of bitmaps, offsets are bits.

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


@dataclass
class Walked:
    """The product in the problem's coordinates, and what was counted; `lanes` are the most that a row of them took.

    `missing`: the instances whose tile is left out, by level and tensor and for every step.
    """

    product: Integers
    steps: int = 0
    products: int = 0
    lanes: int = 0
    moved: dict[tuple[int, str], Moved] = field(default_factory=dict)
    missing: Missing = field(default_factory=dict)


def walk(fabric: Fabric, data: dict[str, Integers], stored: dict[str, Stored]) -> Walked:
    """Walk all steps of the nest on operands in the problem's coordinates; `stored` words are moved of packed ones.

    >>> from crisp_hw.spec.mapping import Loop, LoopMapping, LoopNest
    >>> from crisp_hw.spec.problem import Problem, Tensor, Term
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
        for link in reversed(fabric.links(tensor)):
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
    missing = done.missing[child, tensor.name] = left_out(fabric, tensor, stored, link, done.missing)
    near = fabric.neighbours() if child == MACS and tensor.name in fabric.linked else {}
    for number, time in enumerate(fabric.times(child)):
        receiver.visits += 1
        sent: dict[tuple[Place, Place], int] = {}  # from which instance, and which tile: its words
        beside: dict[tuple[Place, Place], int] = {}  # and its offsets, or the bits of its bitmaps
        begins, before = fabric.corner(tensor, time), dict(held) if near else {}
        for lane, far, moves in instances:
            if child == MACS and _skipped(fabric, tensor, stored, tuple(map(add, time, far))):
                continue
            tile = tuple(map(add, begins, moves))
            whole, there = _words(mine, tile, size)
            receiver.used += there > 0 or not leaves
            if child == MACS or held.get(lane) != tile:
                lacks = _less(mine, (whole, there), (tile, None if child == MACS else held.get(lane)), size)
                held[lane] = tile
                if lane in missing[number] or any(before.get(each) == tile for each in near.get(lane, ())):
                    continue
                sent[lane[:above], tile] = lacks[1] if leaves else lacks[0]
                mapped = (parent, tensor.name) in fabric.bitmaps
                beside[lane[:above], tile] = bits_sent(fabric, tensor, mine, link, tile) if mapped else lacks[1]
                filled = lacks[1] if arrives else lacks[0]
                receiver.fills += filled if there or not leaves else 0
                mapped = (child, tensor.name) in fabric.bitmaps
                offsets = bits_held(fabric, tensor, mine, child, tile) if mapped else lacks[1]
                receiver.offsets_filled += offsets if arrives else 0
        sender.reads += sum(sent.values())
        sender.offsets_read += sum(beside.values()) if leaves else 0


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
    near = fabric.neighbours() if child == MACS and tensor.name in fabric.linked else {}
    for time in fabric.times(child):
        sender.visits += 1
        sender.used += len(instances)
        sent: set[tuple[Place, Place]] = set()
        begins, before = fabric.corner(tensor, time), dict(held) if near else {}
        for lane, far, moves in instances:
            tile = tuple(map(add, begins, moves))
            if child == MACS and _skipped(fabric, tensor, stored, tuple(map(add, time, far))):
                continue
            if child == MACS or held.get(lane) != tile:
                held[lane] = tile
                if any(before.get(each) == tile for each in near.get(lane, ())):
                    continue  # its neighbours add to it
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


def _tiles(stored: Stored, size: Place) -> Iterator[int]:
    """The words that are stored of every tile."""
    for tile in product(*(range(0, length, extent) for length, extent in zip(stored.shape, size, strict=True))):
        yield _words(stored, tile, size)[1]


def _words(stored: Stored, tile: Place, size: Place) -> tuple[int, int]:
    """Words of a tile, and those that are stored."""
    part = stored[tuple(slice(at, at + extent) for at, extent in zip(tile, size, strict=True))]
    return part.size, int(np.count_nonzero(part))
