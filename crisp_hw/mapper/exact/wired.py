"""Networks that take energy: what a word costs at least on its way through one (`engine.wires`).

A word passes one router and enters once. Where hops are counted by lane, those of x lanes along a row are on average
at least (x - 1) / 2: every group of lanes that take one word alike is as large as the others, the word runs to the
furthest column of its group, and that is no nearer than the mean column of the group. Lanes of several loops are a
product, which exceeds 1 by no less than the sum of what its factors exceed 1 by.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from crisp_hw.engine.wires import hop_energy
from crisp_hw.mapper.exact.columns import Column
from crisp_hw.mapper.exact.layout import Layout
from crisp_hw.mapper.exact.windows import Lanes, sliding_ranks
from crisp_hw.mapper.space import Space
from crisp_hw.spec.arch import StorageLevel
from crisp_hw.spec.dialect import Rules
from crisp_hw.spec.problem import Term


@dataclass(frozen=True)
class Way:
    """pJ of a word through the network of a level, and pJ for every lane but the first along x of each dimension."""

    word_pj: float
    lane_pj: float


def way_of(level: StorageLevel, rules: Rules) -> Way:
    """What the network of a level takes of a word at least."""
    network, hop = level.wires, hop_energy(level)
    word = (network.router_pj or 0.0) + (network.ingress_pj or 0.0) * rules.ingress_energy
    return Way(word, hop / 2) if rules.hops_by_lane else Way(word + hop / 2, 0.0)


def carried(
    space: Space, layout: Layout, where: tuple[int, int], sent: tuple[Column, ...]
) -> Iterator[tuple[Column, float]]:
    """pJ of the words of a tensor (its index) that one instance of a level (its index) sends, of all instances."""
    (index, level), design = where, space.design
    way = way_of(design.architecture.levels[level], design.rules)
    if not way.word_pj and not way.lane_pj:
        return
    outside = layout.bits(layout.every, "spatial", level + 1, len(space.keeps) - 1)
    for words in sent:
        yield words.times(outside), way.word_pj
        if not sliding_ranks(design.problem.tensors[index]):  # groups of lanes that slide differ in size
            for lanes in lanes_beyond_one(layout, level):
                yield words.times(outside, (lanes,)), way.lane_pj


def lanes_beyond_one(layout: Layout, level: int) -> list[Lanes]:
    """Of every dimension the lanes along x below a level, less one."""
    found = []
    for d, dim in enumerate(layout.dims):
        slots = [s for s, slot in enumerate(layout.slots) if (slot.level, slot.kind) == (level, "x")]
        found += [Lanes((Term(dim),), layout.bit(d, slot), less=1) for slot in slots]
    return found
