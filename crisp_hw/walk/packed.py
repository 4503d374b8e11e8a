"""Tiles whose nonzeros are packed into the lanes of the array, pass by pass (DSTC): bitmaps of both, condensed.

An array of the innermost level takes a tile of every packed operand, puts the words that are stored side by side on the
lanes of that operand's axis, as many passes as they need, and lets every pass of the one meet every pass of the other.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from operator import add

import numpy as np

from crisp_hw.spec.problem import Tensor
from crisp_hw.walk.fabric import Fabric, Place
from crisp_hw.walk.nested import Stored


@dataclass
class Passes:
    """What arrays of lanes did: passes of all of them, words read of an operand, and lanes at work by operand.

    `lanes` are shares, one for every tile that is not empty. `reads` of what several arrays take at once are those of
    the mean of them: each word once for every pass of its partner, and once where that is empty.
    """

    arrays: int
    passes: int = 0
    reads: dict[str, Fraction] = field(default_factory=dict)
    lanes: dict[str, list[Fraction]] = field(default_factory=dict)

    @property
    def at_work(self) -> float:
        """The mean share of lanes at work, all packed operands together."""
        return float(prod(sum(each) / len(each) if each else Fraction(1) for each in self.lanes.values()))


def pass_by_pass(fabric: Fabric, names: frozenset[str], stored: dict[str, Stored]) -> Passes:
    """Walk the tiles of the innermost level.

    >>> from crisp_hw.spec.mapping import Loop, LoopMapping, LoopNest
    >>> from crisp_hw.spec.problem import Problem, Term
    >>> m, n = (Term("M"),), (Term("N"),)
    >>> tensors = Tensor("A", (m,)), Tensor("B", (n,)), Tensor("Z", (m, n), True)
    >>> problem = Problem("outer", ("M", "N"), (4, 4), tensors)
    >>> loops = Loop(0, "M", "x"), Loop(0, "N", "y"), Loop(0, "M", "temporal"), Loop(0, "N", "temporal")
    >>> fabric = Fabric(problem, LoopMapping(LoopNest(loops, (frozenset("ABZ"),)), (2, 2, 2, 2)))
    >>> stored = {"A": np.array([1, 1, 0, 1], bool), "B": np.array([0, 1, 0, 0], bool)}
    >>> done = pass_by_pass(fabric, frozenset("AB"), stored)
    >>> done.passes, done.reads["A"], done.reads["B"], done.at_work
    (2, Fraction(3, 1), Fraction(2, 1), 0.375)
    """
    operands = [each for each in fabric.problem.tensors if each.name in names]
    instances = fabric.instances(0)
    done = Passes(len(instances), 0, {name: Fraction(0) for name in names}, {name: [] for name in names})
    for time in fabric.times(0):
        asked: dict[tuple[str, Place, Place], tuple[int, list[int]]] = {}  # tiles: words, passes of partners
        for lane, far in instances:
            place = tuple(map(add, time, far))
            held = {each.name: _held(fabric, each, place, stored[each.name]) for each in operands}
            passes = {each.name: -(-held[each.name] // _lanes(fabric, each)) for each in operands}
            done.passes += prod(passes.values())
            for each in operands:
                if held[each.name]:
                    whole = _lanes(fabric, each) * passes[each.name]
                    done.lanes[each.name].append(Fraction(held[each.name], whole))
                above = lane[: len(fabric.spatial(min(fabric.keepers(each))))]
                key = each.name, above, fabric.corner(each, place)
                partners = prod(max(1, passes[other]) for other in names if other != each.name)
                asked.setdefault(key, (held[each.name], []))[1].append(partners)
        for (name, _, _), (words, waits) in asked.items():
            done.reads[name] += words * Fraction(sum(waits), len(waits))
    return done


def _held(fabric: Fabric, tensor: Tensor, place: Place, stored: Stored) -> int:
    """The words that are stored of the tile that one array takes."""
    begins, size = fabric.corner(tensor, place), fabric.tile(tensor, 0)
    part = stored[tuple(slice(at, at + extent) for at, extent in zip(begins, size, strict=True))]
    return int(np.count_nonzero(part))


def _lanes(fabric: Fabric, tensor: Tensor) -> int:
    """Lanes of an array along the axis of an operand."""
    dims = {term.dim for rank in tensor.ranks for term in rank}
    loops = zip(fabric.mapping.nest.loops, fabric.mapping.bounds, strict=True)
    return prod(bound for loop, bound in loops if loop.level == 0 and loop.kind != "temporal" and loop.dim in dims)
