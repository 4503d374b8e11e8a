"""Branch and bound over templates: which blocks let which tensors stand still, decided from the inside out."""

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from crisp_hw.mapper.better import EQUAL, behind, no_better
from crisp_hw.mapper.exact.join import Joiner
from crisp_hw.mapper.exact.judge import Judge
from crisp_hw.mapper.exact.program import Costs
from crisp_hw.mapper.exact.setting import Node, Setting
from crisp_hw.mapper.exact.work import Answer, SpentError, Work, Worker, at_once, best_of, leader_of
from crisp_hw.mapper.exact.workers import ALONE_S, Workers
from crisp_hw.mapper.space import Space
from crisp_hw.mapper.tally import OBJECTIVES, Tally

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

MOST_PAIRS = 4_000_000_000  # pairs looked at before a search gives up its proof: about two minutes at 30 million/s
BEAMED, BEAM, JUDGED = 100, 256, 4  # templates, states and mappings each for the first good mapping: a second in all
WIDE, WIDE_JUDGED, WIDE_PAIRS = 4096, 32, 50_000_000  # the same of the best by then: pairs in all, about two seconds
DIVED = 32  # nodes of each depth that are opened first: some tenths of a second a depth
AHEAD = 16  # templates that are begun before what an earlier one found counts, however many processes there are


@dataclass(order=True)
class _Waiting:
    first: float
    second: float
    number: int
    node: Node = field(compare=False)
    costs: Costs = field(compare=False)


@dataclass(frozen=True)
class _Begun:
    """A work that is under way: the place of its templates, how many these are, and who waits for the answer."""

    place: int
    templates: int
    answer: Callable[[], Answer]


def _shared_out(leaves: list[_Waiting]) -> list[list[_Waiting]]:
    """What is looked at together, in the order of bounds: each template alone, then, because that takes longest, those
    of a space whose candidates are judged in every order. They share most of their candidates, which are judged once.
    """
    alone, together = list[list[_Waiting]](), dict[int, list[_Waiting]]()
    for leaf in sorted(leaves):
        if leaf.node.variant and leaf.node.variant.linked:
            together.setdefault(leaf.node.space, []).append(leaf)
        else:
            alone.append([leaf])
    return [*alone, *together.values()]


@dataclass
class Exact:
    """A search under way; `tally` takes what the engine says, `tick` is told how many templates are done, how many
    wait, and the least bound of what is not done. With `judged`, spaces of the same loops under other costs, the engine
    says what mappings cost there, and nothing is bounded. What is better by less than the share
    `gap` need not be found. `jobs` processes look at templates, those beside this one after `alone_s` seconds: the
    result is the same with any number. Where the tally wants the front, one process finds all of it.
    """

    spaces: tuple[Space, ...]
    tally: Tally
    tick: Callable[[int, int, float], None]
    memory_bytes: int = 1 << 30
    most_pairs: int = MOST_PAIRS
    judged: tuple[Space, ...] = ()
    gap: float = 0.0
    jobs: int = 1
    alone_s: float = ALONE_S
    pairs: int = 0
    done: int = 0
    opened: int = 0
    least_open: float = 0.0

    def __post_init__(self) -> None:
        self.setting = Setting(self.spaces)
        judged = (self.setting.layout, self.setting.values.groups, self.tally, self._beaten, self._spend)
        self._judges = [Judge(space, *judged) for space in self.judged or self.spaces]
        self._seen: set[tuple[object, ...]] = set()
        self._waiting: list[_Waiting] = []
        self._leaves: list[_Waiting] = []
        self._number = count()
        self._unsure = float("inf")

    def run(self) -> bool:
        """Search; True when nothing better is left anywhere, False when the pairs are spent.

        Its products have few columns: two threads of BLAS take twice the processor time for the same wall time.
        """
        with threadpool_limits(1, "blas"):
            return self._run()

    def _run(self) -> bool:
        for root in self.setting.roots():
            self._push(root)
        try:
            self._dive()
            while self._waiting:
                next_one = heapq.heappop(self._waiting)
                if not self._hopeless(next_one):
                    self.least_open = min([next_one.first, *(each.first for each in self._leaves)])
                    self._open(next_one)
                    self.done += 1
                    self._tell()
            if self.tally.wants_front:
                self._join_for_front()
            else:
                self._join_all()
        except SpentError:
            return False
        self.least_open = self._unsure
        self._tell()
        if self.tally.wants_front:
            return self._unsure == float("inf")
        return self.tally.leader is None or self.least_open >= self.tally.leader.scores[0] * (1 - EQUAL)

    def _join_all(self) -> None:
        """Look at all mappings of what is left, each template told of the best that stood before the `AHEAD` last."""
        shares = _shared_out(self._leaves)
        least = np.minimum.accumulate([float("inf"), *(share[0].first for share in reversed(shares))])[::-1]
        begun: deque[_Begun] = deque()
        worker = Worker(self.setting, self.tally.objective, self.memory_bytes, self.gap, self._tell)
        with Workers(worker, self.jobs, self._tell, self.alone_s) as workers:
            try:
                for place, share in enumerate(shares):
                    if len(begun) == AHEAD:
                        self._enter(begun)
                    names = [self.setting.name_of(leaf.node) for leaf in share if not self._hopeless(leaf)]
                    if names:
                        self.least_open = float(least[begun[0].place if begun else place])
                        best, pairs = best_of(self.tally.leader, self.spaces), self.most_pairs - self.pairs
                        work = Work(names[0], best, pairs, tuple(names[1:]))
                        begun.append(_Begun(place, len(names), workers.give(work)))
                    if workers.stopped:
                        raise KeyboardInterrupt  # before what was begun earlier is looked at: another may take minutes
                    self._tell()
                while begun:
                    self.least_open = float(least[begun[0].place])
                    self._enter(begun)
            except KeyboardInterrupt:
                workers.interrupt()
                while begun:
                    self._enter(begun, stopping=True)
                raise

    def _join_for_front(self) -> None:
        """Look at all mappings of what is left that may be on the front, one template after the other."""
        leaves = sorted(self._leaves)
        for place, leaf in enumerate(leaves):
            self.least_open = min(one.first for one in leaves[place:])
            if not self._hopeless(leaf):
                self._join(leaf.node, None, None)
                self.opened += 1
            self.done += 1
            self._tell()
        self._unsure = min(judge.unsure for judge in self._judges)

    def _enter(self, begun: deque[_Begun], stopping: bool = False) -> None:
        """Count what came of the templates that were begun first."""
        first = begun.popleft()
        answer = first.answer()
        self.pairs += answer.pairs
        self.opened += first.templates
        self.done += first.templates
        self._unsure = min(self._unsure, float("inf") if answer.unsure is None else answer.unsure)
        found = None if answer.best is None else leader_of(answer.best, self.spaces)
        self.tally.tried, self.tally.valid = self.tally.tried + answer.tried, self.tally.valid + answer.valid
        if found is not None and (self.tally.leader is None or found.key < self.tally.leader.key):
            self.tally.leader = found
        if stopping:
            return
        if answer.interrupted:
            raise KeyboardInterrupt
        if answer.spent or self.pairs > self.most_pairs:
            raise SpentError
        self._tell()

    def _dive(self) -> None:
        """Open the most promising nodes of every depth, so that good mappings are known before most nodes are made."""
        kept = list[_Waiting]()
        self.least_open = min((one.first for one in self._waiting), default=self.least_open)
        for _ in range(len(self.setting.classes) + 1):
            layer, self._waiting = sorted(self._waiting), []
            kept += layer[DIVED:]
            for one in layer[:DIVED]:
                self._open(one)
                self.done += 1
                self._tell()
        self._waiting += kept
        heapq.heapify(self._waiting)
        self._look_closer()

    def _look_closer(self) -> None:
        """More states of the most promising templates that were opened: the best mapping is often in one of them."""
        before = self.pairs
        for one in sorted(self._leaves):
            if self.pairs - before > WIDE_PAIRS:
                break
            if not self._hopeless(one):
                self._join(one.node, WIDE, WIDE_JUDGED)

    def look(self, templates: int, mappings: int) -> None:
        """Judge some of the most promising mappings of so many templates, the best first; proves nothing."""
        for root in self.setting.roots():
            self._push(root)
        while self._waiting and self.opened < templates:
            node = heapq.heappop(self._waiting).node
            if node.variant is None:
                self._decide(node)
            else:
                self._join(node, BEAM, mappings)
                self.opened += 1
            self.done += 1
            self._tell()

    def _push(self, node: Node) -> None:
        key = self.setting.key(node)
        if key in self._seen:
            return
        self._seen.add(key)
        costs = self.setting.program(node).outlook(self.setting.values)
        if not costs.fits[0, 0]:
            return
        if not self._beaten(costs)[0, 0]:
            first, second = OBJECTIVES[self.tally.objective](costs.cycles[0], costs.energy_pj[0])
            heapq.heappush(self._waiting, _Waiting(float(first[0]), float(second[0]), next(self._number), node, costs))

    def _hopeless(self, one: _Waiting) -> bool:
        return bool(self._beaten(one.costs)[0, 0])

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
        for each in self.setting.following(node):
            self._push(each)

    def _join(self, node: Node, beam: int | None, judged: int | None) -> None:
        """The most promising states and mappings of a template, or all of them."""
        setting, judge = self.setting, self._judges[node.space]
        program = setting.program(node)
        tables = tuple(setting.tables.of(program, group) for group in range(len(setting.values.groups)))
        for candidates in Joiner(program, tables, self._beaten, self._spend, at_once(self.memory_bytes), beam).run():
            judge.take(node.decided, candidates, not program.template.exact, judged)

    def _spend(self, pairs: int) -> None:
        self.pairs += pairs
        if self.pairs > self.most_pairs:
            raise SpentError
        self._tell()

    def _tell(self) -> None:
        self.tick(self.done, len(self._waiting), self.least_open)

    def _beaten(self, costs: Costs) -> Bools:
        """Which bounds show that the best so far, or some point of the front, is at least as good in every score."""
        if self.tally.wants_front:
            points = self.tally.front
            front = np.array([p.cycles for p in points], dtype=np.float64), np.array([p.energy_pj for p in points])
            return behind((costs.cycles, costs.energy_pj), front, self.gap)
        best = None if self.tally.leader is None or self.judged else self.tally.leader.scores
        first, second = OBJECTIVES[self.tally.objective](costs.cycles, costs.energy_pj)
        return no_better((first, second), best, self.gap)
