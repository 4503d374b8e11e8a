"""Sparse designs: how much of every count formats and SAFs leave at least, as shares of the columns of a template.

A count of the dense design is a column. What a SAF leaves of it is 1 - P(some leader's tile is empty), and the tile is
a product again: as `engine.safs.probability` has it, it spans what the next inner keeper of the target holds, and of
the leader's other dimensions all lanes down to there and the loops in which the target stands still. Where the engine
takes more (blocks of several words, loops over a leader's dimensions in the wrong order), the tile only grows, and
what is left with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

from crisp_hw.engine.energy import compute_energy
from crisp_hw.engine.formats import format_of
from crisp_hw.mapper.exact.columns import Column, Form, Leader, Share
from crisp_hw.mapper.exact.layout import Layout
from crisp_hw.mapper.exact.shrunk import at_work, density_at_least
from crisp_hw.mapper.exact.stills import Still
from crisp_hw.mapper.exact.windows import Window, slides
from crisp_hw.mapper.space import Space
from crisp_hw.spec.problem import FULL, Tensor
from crisp_hw.spec.sparse import Condition

Stills = tuple[Still, ...]
MICRO = 2e-6  # the engine rounds densities and probabilities of operands to 1e-6 (engine.safs.compute: MICRO), twice
SLACK = 1e-5  # by which P(nonzero) may lie above 1 there, and is cut
FLOORS = 4.0  # more than what whole numbers take off the multiply-accumulates left: two SAFs, skipped, gated, absent
ALL_STORED = 2  # operands: the engine counts the multiply-accumulates of a sparse design for two


@dataclass(frozen=True)
class Act:
    """An optimization in the level that keeps its target; one of several where the engine chooses between options."""

    level: int
    target: int
    kind: str
    option: Condition
    alone: bool


@dataclass(frozen=True)
class Computes:
    """Multiply-accumulates: pJ in all, and of the steps those that take a cycle, as forms without factors."""

    energy_pj: Form
    busy: Form


@dataclass(frozen=True)
class Thinner:
    """What is left of the counts of one space."""

    space: Space
    layout: Layout

    @property
    def active(self) -> bool:
        """Is anything left out at all?"""
        return self.space.design.sparse.active

    def sent(self, stills: Stills, level: int, tensor: int) -> tuple[Share, ...]:
        """Of words that a level sends inwards (and of the partial sums that come back)."""
        if not self.active:
            return ()
        at = level if self._in_time(level, tensor) else self.outside(level, tensor)
        return (*self._left(stills, at, tensor), *self._held(level, tensor))

    def through(self, stills: Stills, level: int, tensor: int) -> tuple[Share, ...]:
        """The same of words that take their time: gated ones do, too."""
        acts = self._in_time(level, tensor)
        if not self.active or all(act.kind == "skipping" for act in acts):
            return self.sent(stills, level, tensor)
        return self.filled(stills, level, tensor)

    def filled(self, stills: Stills, level: int, tensor: int) -> tuple[Share, ...]:
        """Of words that a level is filled with."""
        if not self.active:
            return ()
        return (*self._left(stills, self.outside(level, tensor), tensor), *self._held(level, tensor))

    def ends(self, level: int, tensor: int) -> bool:
        """Does a level round up what it takes off the reads of an output?"""
        return self.active and bool(self._in_time(level, tensor))

    def computed(self, stills: Stills) -> tuple[Share, ...]:
        """Of the multiply-accumulates, those that the SAFs of the operands let through."""
        found: list[Share] = []
        if self.active:
            for index, tensor in enumerate(self.space.design.problem.tensors):
                levels = [act.level for act in self.acts if act.target == index]
                if levels and not tensor.is_output:
                    found += self._left(stills, min(levels), index)
        return tuple(found)

    def computes(self, stills: Stills) -> "Computes":
        """The multiply-accumulates of the whole problem: pJ, and how many take a cycle (random and gated ones)."""
        design, total = self.space.design, prod(self.space.design.problem.bounds)
        random, gated, skipped = (
            compute_energy(design.energy, design.architecture.compute, kind) for kind in ("random", "gated", "skipped")
        )
        through, spec, stored = Column(0, shares=self.computed(stills)), design.sparse, self._stored
        if not spec.compute and len(stored) < ALL_STORED:
            return Computes({through: random * total}, {through: 1.0})
        both = max(0.0, total * self._both - FLOORS)
        if len(stored) == ALL_STORED:  # two operands that are not there are no multiply-accumulate at all
            return Computes({Column(0): random * both}, {Column(0): both / total})
        least = min(random, gated, skipped)
        busy = {Column(0): both / total} if stored and "skipping" in spec.compute else {through: 1.0}
        return Computes({through: least * total, Column(0): (random - least) * both}, busy)

    @cached_property
    def at_work(self) -> tuple[tuple[float, ...], ...]:
        """By tensor and level, the least share of the instances that works on average."""
        return tuple(at_work(self.space, tensor) for tensor in self.space.design.problem.tensors)

    @cached_property
    def acts(self) -> tuple[Act, ...]:
        """All optimizations where they act in this space."""
        names = [level.name for level in self.space.design.architecture.levels]
        indices = {tensor.name: index for index, tensor in enumerate(self.space.design.problem.tensors)}
        found = []
        for action in self.space.design.sparse.actions:
            for option in action.options:
                first = names.index(action.level)
                kept = [k for k in range(first, len(names)) if option.target in self.space.keeps[k]]
                at = first if action.kind == "skipping_spatial" else kept[0]
                found.append(Act(at, indices[option.target], action.kind, option, len(action.options) == 1))
        return tuple(found)

    @cached_property
    def idles(self) -> bool:
        """May instances have nothing to do in a part of the time?"""
        spatial = any(act.kind == "skipping_spatial" for act in self.acts)
        return self.active and (spatial or bool(self.space.design.sparse.formats))

    def stored(self, level: int, tensor: Tensor) -> bool:
        """Does a level keep a tensor in a format?"""
        names, spec = self.space.design.architecture.levels, self.space.design.sparse
        return tensor.name in self.space.keeps[level] and format_of(spec, names[level].name, tensor.name) is not None

    def fullest(self, level: int, tensor: Tensor) -> float:
        """Of the words of a tile, those that a level holds at least in the worst case."""
        return self._density(tensor) * (1 - 1e-9) if self.stored(level, tensor) else 1.0

    def weight(self, level: int, tensor: Tensor) -> float:
        """Of the words of a tile, those that move where the level keeps them in a format."""
        return self._density(tensor) if self.active and self.stored(level, tensor) else 1.0

    @cached_property
    def _both(self) -> float:
        """Of all multiply-accumulates, those with two operands that are not zero, at least."""
        found = 1.0
        for tensor in self.space.design.problem.tensors:
            if not tensor.is_output:
                found *= max(0.0, self._density(tensor) - MICRO)
        return found * (1 - SLACK) ** 2

    @cached_property
    def _stored(self) -> tuple[str, ...]:
        """The operands whose zeros do not reach the MACs."""
        found = []
        for tensor in self.space.design.problem.tensors:
            kept = [level for level, keeps in enumerate(self.space.keeps) if tensor.name in keeps]
            if not tensor.is_output and self.stored(kept[0], tensor):
                found.append(tensor.name)
        return tuple(found)

    def _density(self, tensor: Tensor) -> float:
        return density_at_least(self.space.design.problem, tensor)

    def _in_time(self, level: int, tensor: int) -> list[Act]:
        return [a for a in self.acts if (a.level, a.target) == (level, tensor) and a.kind != "skipping_spatial"]

    def outside(self, level: int, tensor: int) -> int | None:
        """The next level outside whose SAF a level feels."""
        return min((act.level for act in self.acts if act.target == tensor and act.level > level), default=None)

    def _left(self, stills: Stills, level: int | None, tensor: int) -> tuple[Share, ...]:
        if level is None:
            return ()
        acts = [act for act in self.acts if (act.level, act.target) == (level, tensor)]
        choices = tuple(dict.fromkeys(tuple(self._leaders(stills, act)) for act in acts))
        return (Share(choices),) if choices else ()

    def _leaders(self, stills: Stills, act: Act) -> Iterator[Leader]:
        tensors = self.space.design.problem.tensors
        for name in act.option.condition_on:
            index = next(i for i, tensor in enumerate(tensors) if tensor.name == name)
            if act.kind == "skipping_spatial":
                yield Leader(index, (Column(0),))
            else:
                yield self._leader(stills, act, index)

    def _leader(self, stills: Stills, act: Act, index: int) -> Leader:
        """The least tile of a leader that one access of the target spans."""
        tensors, layout = self.space.design.problem.tensors, self.layout
        target, leader = tensors[act.target], tensors[index]
        child = max((k for k in range(act.level) if target.name in self.space.keeps[k]), default=-1)
        own = [d for d in layout.every if layout.dims[d] in leader.dims]
        other = [d for d in own if layout.dims[d] not in target.dims]
        lanes = layout.bits(other, "spatial", child + 1, act.level)
        if child < 0:
            first = next((slot.kind for slot in layout.slots if slot.level == 0), "temporal")
            if first == "temporal":  # one point, times all lanes
                lanes = layout.bits(own, "spatial", 0, act.level)
            return Leader(index, self._tile(leader, lanes))
        box = layout.bits(own, "all", 0, child) | lanes
        for level in range(child + 1, act.level + 1):
            still = stills[level]
            if still.undecided:
                break
            free = [d for d in other if layout.dims[d] in still.free[act.target]]
            box |= layout.bits(free, "temporal", level, level)
            if not still.passes[act.target]:
                break
        return Leader(index, self._tile(leader, box))

    def _held(self, level: int, tensor: int) -> tuple[Share, ...]:
        """Tiles that are empty never come where they come out of a format.

        What is in a format itself is `weight`ed: the tiles that come hold more, by as much. Only blocks that they do
        not fill are counted as if all of them came (engine.energy).
        """
        one = self.space.design.problem.tensors[tensor]
        if not self.unpacks(level, tensor):
            return ()
        own = [d for d in self.layout.every if self.layout.dims[d] in one.dims]
        return (Share(((Leader(tensor, self._tile(one, self.layout.bits(own, "all", 0, level))),),)),)

    def unpacks(self, level: int, tensor: int) -> bool:
        """Do empty tiles never come to a level, because they come out of a format, and is that not `weight`ed?"""
        one, hardware = self.space.design.problem.tensors[tensor], self.space.design.architecture.levels[level]
        above = [k for k in range(level + 1, len(self.space.keeps)) if one.name in self.space.keeps[k]]
        filled = hardware.block_size == 1 and self.stored(level, one)
        return not (filled or one.density == FULL or not above or not self.stored(above[0], one))

    def _tile(self, tensor: Tensor, box: int) -> tuple[Column, ...]:
        """The extents of a tile along the ranks of a tensor."""
        layout = self.layout
        found = []
        for rank in tensor.ranks:
            dims = [layout.dims.index(term.dim) for term in rank]
            inside = layout.bits(dims, "all", 0, len(self.space.keeps) - 1) & box
            found.append(Column(0, (Window(rank, inside),)) if slides(rank) else Column(inside))
        return tuple(found)
