"""Branch and bound over templates: which blocks let which tensors stand still, decided from the inside out."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count, product

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from crisp_hw.mapper.exact.columns import Values
from crisp_hw.mapper.exact.join import Joiner
from crisp_hw.mapper.exact.judge import Judge
from crisp_hw.mapper.exact.layout import Layout, groups_of, layout_of
from crisp_hw.mapper.exact.leaving import Leaving
from crisp_hw.mapper.exact.program import Costs, Program, demands_of
from crisp_hw.mapper.exact.sides import sides
from crisp_hw.mapper.exact.stills import Still, every_still, open_still, stills
from crisp_hw.mapper.exact.tables import Tables
from crisp_hw.mapper.exact.template import Templates
from crisp_hw.mapper.exact.variants import Variant
from crisp_hw.mapper.space import Space
from crisp_hw.mapper.tally import OBJECTIVES, Tally

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

EQUAL = 1e-10  # relative: sums of floats that differ by less are taken for equal (they lose about 1e-15 per term)
MOST_PAIRS = 4_000_000_000  # pairs looked at before a search gives up its proof: about two minutes at 30 million/s
PAIRS_AT_ONCE = (1 << 10, 1 << 18)  # fewer are slow; of more, arrays do not stay in the caches
BEAMED, BEAM, JUDGED = 100, 256, 4  # templates, states and mappings each for the first good mapping: a second in all
DIVED = 32  # nodes of each depth that are opened first: some tenths of a second a depth
BYTES_PER_PAIR = 4096  # about 60 columns of 8 bytes in each of eight joins


class SpentError(Exception):
    """The search has looked at as many pairs as it may."""


@dataclass(frozen=True)
class Node:
    """Mappings of one space with some factors at 1 and the classes of the inner blocks decided; where all are, also the
    variant.
    """

    space: int
    forced: int
    decided: tuple[Still, ...]
    variant: Variant | None = None


@dataclass(order=True)
class _Waiting:
    first: float
    second: float
    number: int
    node: Node = field(compare=False)


@dataclass
class Exact:
    """A search under way; `tally` takes what the engine says, `tick` is told how many templates are done, how many
    wait, and the least bound of what is not done. With `judged`, spaces of the same loops under other costs, the engine
    says what mappings cost there, and nothing is bounded. What is better by less than the share
    `gap` need not be found.
    """

    spaces: tuple[Space, ...]
    tally: Tally
    tick: Callable[[int, int, float], None]
    memory_bytes: int = 1 << 30
    most_pairs: int = MOST_PAIRS
    judged: tuple[Space, ...] = ()
    gap: float = 0.0
    pairs: int = 0
    done: int = 0
    opened: int = 0
    least_open: float = 0.0

    def __post_init__(self) -> None:
        first = self.spaces[0]
        self.layout: Layout = layout_of(first)
        self.values = Values(self.layout, groups_of(first, self.layout))
        self.tables, self.demands = Tables(self.values), demands_of(first, self.values)
        self.leaving = Leaving(first.design.problem)
        self.templates = [Templates(space, self.layout) for space in self.spaces]
        problem = first.design.problem
        self.classes = [
            self._stills(s, slot.level) for s, slot in enumerate(self.layout.slots) if slot.kind == "temporal"
        ]
        self.classes[0] = self.classes[0][:1]  # MACs keep nothing, so that the order of level 0 delivers nothing else
        self.open_still = open_still(problem)
        judged = (self.layout, self.values.groups, self.tally, self._beaten)
        self._judges = [Judge(space, *judged) for space in self.judged or self.spaces]
        self._seen: set[tuple[object, ...]] = set()
        self._waiting: list[_Waiting] = []
        self._leaves: list[_Waiting] = []
        self._at_once = int(np.clip(self.memory_bytes // BYTES_PER_PAIR, *PAIRS_AT_ONCE))
        self._number = count()

    def run(self) -> bool:
        """Search; True when nothing better is left anywhere, False when the pairs are spent.

        Its products have few columns: two threads of BLAS take twice the processor time for the same wall time.
        """
        with threadpool_limits(1, "blas"):
            return self._run()

    def _run(self) -> bool:
        for index in range(len(self.spaces)):
            for forced in self._roots():
                self._push(Node(index, forced, self.classes[0]))
        try:
            self._dive()
            while self._waiting:
                next_one = heapq.heappop(self._waiting)
                if not self._hopeless(next_one):
                    self.least_open = min([next_one.first, *(each.first for each in self._leaves)])
                    self._open(next_one)
                    self.done += 1
                    self._tell()
            # in the order of their bounds; what takes every order to judge comes last
            self._leaves.sort(key=lambda leaf: (bool(leaf.node.variant and leaf.node.variant.linked), leaf))
            for place, leaf in enumerate(self._leaves):
                if not self._hopeless(leaf):
                    self.least_open = min(each.first for each in self._leaves[place:])
                    self._join(leaf.node)
                    self.done += 1
                    self._tell()
        except SpentError:
            return False
        self.least_open = min((judge.unsure for judge in self._judges), default=float("inf"))
        self._tell()
        return self.tally.leader is None or self.least_open >= self.tally.leader.scores[0] * (1 - EQUAL)

    def _dive(self) -> None:
        """Open the most promising nodes of every depth, so that good mappings are known before most nodes are made."""
        kept = list[_Waiting]()
        self.least_open = min((one.first for one in self._waiting), default=self.least_open)
        for _ in range(len(self.classes) + 1):
            layer, self._waiting = sorted(self._waiting), []
            kept += layer[DIVED:]
            for one in layer[:DIVED]:
                self._open(one)
                self.done += 1
                self._tell()
        self._waiting += kept
        heapq.heapify(self._waiting)

    def look(self, templates: int, mappings: int) -> None:
        """Judge some of the most promising mappings of so many templates, the best first; proves nothing."""
        for index in range(len(self.spaces)):
            for forced in self._roots():
                self._push(Node(index, forced, self.classes[0]))
        while self._waiting and self.opened < templates:
            node = heapq.heappop(self._waiting).node
            if node.variant is None:
                self._decide(node)
            else:
                self._join(node, BEAM, mappings)
                self.opened += 1
            self.done += 1
            self._tell()

    def _active(self, slot: int) -> frozenset[str]:
        """The dimensions that may do anything in a slot."""
        found = set()
        for group in self.values.groups:
            found |= {dim for place, dim in enumerate(group.dims) if (group.factors[:, place, slot] > 1).any()}
        return frozenset(self.layout.dims[dim] for dim in found)

    def _stills(self, slot: int, level: int) -> tuple[Still, ...]:
        """The classes of the block of a temporal slot, for what any of the spaces moves in it."""
        space = self.spaces[0]
        moved = frozenset[str]().union(*(each.moved(level) for each in self.templates))
        block, outermost = space.blocks[self.layout.slots[slot].block], level == len(space.keeps) - 1
        made = every_still if space.design.sparse.active else stills
        return made(space.design.problem, block, self._active(slot), outermost, moved)

    def _roots(self) -> list[int]:
        """Per choice of sides, the factors that it forces to be 1."""
        choices = []
        for index, block in enumerate(self.spaces[0].blocks):
            if block.kind == "spatial":
                slots = [(s, slot) for s, slot in enumerate(self.layout.slots) if slot.block == index]
                active = frozenset[str]().union(*(self._active(s) for s, _ in slots))
                forced = []
                for side in sides(block, active):
                    mask = 0
                    for s, slot in slots:
                        there = side.along_x if slot.kind == "x" else side.along_y
                        for d, dim in enumerate(self.layout.dims):
                            mask |= self.layout.bit(d, s) if dim not in there else 0
                    forced.append(mask)
                choices.append(forced)
        return [sum(each) for each in product(*choices)]

    def _program(self, node: Node) -> Program:
        still_open = (self.open_still,) * (len(self.classes) - len(node.decided))
        template = self.templates[node.space].of((*node.decided, *still_open), node.forced, node.variant)
        return Program(template, self.demands, self.leaving)

    def _push(self, node: Node) -> None:
        still_open = (self.open_still,) * (len(self.classes) - len(node.decided))
        key = self.templates[node.space].key((*node.decided, *still_open), node.forced)
        if (node.space, len(node.decided), node.variant, key) in self._seen:
            return
        self._seen.add((node.space, len(node.decided), node.variant, key))
        costs = self._program(node).outlook(self.values)
        if not costs.fits[0, 0]:
            return
        first, second = OBJECTIVES[self.tally.objective](costs.cycles[0], costs.energy_pj[0])
        if not self._beaten_scores(first, second)[0]:
            heapq.heappush(self._waiting, _Waiting(float(first[0]), float(second[0]), next(self._number), node))

    def _hopeless(self, one: _Waiting) -> bool:
        return bool(self._beaten_scores(np.array([one.first]), np.array([one.second]))[0])

    def _open(self, one: _Waiting) -> None:
        """Decide the next block; where all are, look for a good mapping, so that the joins find what beats most."""
        if one.node.variant is None:
            self._decide(one.node)
            return
        self._leaves.append(one)
        if len(self._leaves) <= BEAMED:
            self._join(one.node, BEAM, JUDGED)

    def _decide(self, node: Node) -> None:
        """What follows from a node whose blocks, or variant, are not all decided."""
        depth = len(node.decided)
        if depth < len(self.classes):
            for still in self.classes[depth]:
                self._push(Node(node.space, node.forced, (*node.decided, still)))
        else:
            for variant in self.templates[node.space].variants.of(node.decided):
                self._push(Node(node.space, node.forced, node.decided, variant))

    def _join(self, node: Node, beam: int | None = None, judged: int | None = None) -> None:
        """Join the dimensions of a template: all that may be better, or the most promising states and mappings."""
        self.opened += beam is None
        program, judge = self._program(node), self._judges[node.space]
        tables = tuple(self.tables.of(program, group) for group in range(len(self.values.groups)))
        for candidates in Joiner(program, tables, self._beaten, self._spend, self._at_once, beam).run():
            judge.take(node.decided, candidates, not program.template.exact, judged)

    def _spend(self, pairs: int) -> None:
        self.pairs += pairs
        if self.pairs > self.most_pairs:
            raise SpentError
        self._tell()

    def _tell(self) -> None:
        self.tick(self.done, len(self._waiting), self.least_open)

    def _beaten(self, costs: Costs) -> Bools:
        first, second = OBJECTIVES[self.tally.objective](costs.cycles, costs.energy_pj)
        return self._beaten_scores(first, second)

    def _beaten_scores(self, first: Floats, second: Floats) -> Bools:
        """Which bounds show that the best so far is at least as good in every score, but for the rounding of floats."""
        if self.tally.leader is None or self.judged:
            return np.zeros(first.shape, dtype=np.bool_)
        best = self.tally.leader.scores
        if self.gap:
            near: Bools = first >= best[0] / (1 + self.gap)
            return near
        found: Bools = (first > best[0] * (1 + EQUAL)) | (
            (first >= best[0] * (1 - EQUAL)) & (second >= best[1] * (1 - EQUAL))
        )
        return found
