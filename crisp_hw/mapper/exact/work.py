"""A unit of work: one template, all of whose mappings are looked at, and what came of it, both as plain data.

Nothing but the work decides about its answer: not what was answered before, nor by which process. So a search has the
same result with any number of them.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from crisp_hw.mapper.better import Bools, no_better
from crisp_hw.mapper.exact.join import Joiner
from crisp_hw.mapper.exact.judge import Judge
from crisp_hw.mapper.exact.program import Costs
from crisp_hw.mapper.exact.setting import NodeName, Setting
from crisp_hw.mapper.imperfect import mapping_of
from crisp_hw.mapper.space import Space, loop_nest
from crisp_hw.mapper.tally import OBJECTIVES, Leader, Tally
from crisp_hw.spec.mapping import Loop, LoopKind, LoopMapping, LoopNest

PAIRS_AT_ONCE = (1 << 10, 1 << 18)  # fewer are slow; of more, arrays do not stay in the caches
BYTES_PER_PAIR = 4096  # about 60 columns of 8 bytes in each of eight joins


class SpentError(Exception):
    """The search has looked at as many pairs as it may."""


@dataclass(frozen=True)
class Best:
    """A mapping as data: the place of its space, its loops (level, dimension, kind) with their bounds, and its costs;
    `scores`, `seen` and `order` rank it (`tally.Leader.key`).
    """

    scores: tuple[float, ...]
    seen: tuple[int, ...]
    order: tuple[tuple[int, str], ...]
    space: int
    loops: tuple[tuple[int, str, LoopKind], ...]
    bounds: tuple[int, ...]
    cycles: int
    energy_pj: float


@dataclass(frozen=True)
class Work:
    """A template by name, the best mapping so far, and how many pairs of states and rows may be looked at. Templates in
    `also`, of the same space, are looked at with it: what is judged in every order for one is judged for all.
    """

    node: NodeName
    best: Best | None
    pairs: int
    also: tuple[NodeName, ...] = ()

    def data(self) -> dict[str, Any]:
        """Numbers, words and lists, as JSON has them."""
        return asdict(self)

    @classmethod
    def of(cls, data: dict[str, Any]) -> "Work":
        """The work of such data, also when JSON made lists of its tuples."""
        best = None if data["best"] is None else _best_from(data["best"])
        return cls(_named(data["node"]), best, data["pairs"], tuple(map(_named, data["also"])))


@dataclass(frozen=True)
class Answer:
    """What came of a work: the best mapping that beats the one it named, how many were evaluated and valid, the least
    bound of mappings not all of whose orders could be judged, pairs, and whether it came to an end.
    """

    best: Best | None
    tried: int
    valid: int
    pairs: int
    unsure: float | None = None
    spent: bool = False
    interrupted: bool = False

    def data(self) -> dict[str, Any]:
        """As `Work.data`."""
        return asdict(self)

    @classmethod
    def of(cls, data: dict[str, Any]) -> "Answer":
        """As `Work.of`."""
        return cls(**{**data, "best": None if data["best"] is None else _best_from(data["best"])})


def _named(node: dict[str, Any]) -> NodeName:
    return NodeName(node["space"], node["forced"], tuple(node["decided"]), node["variant"])


def _best_from(data: dict[str, Any]) -> Best:
    pairs = {"order": tuple(map(tuple, data["order"])), "loops": tuple(map(tuple, data["loops"]))}
    flat = {name: tuple(data[name]) for name in ("scores", "seen", "bounds")}
    return Best(**{**data, **pairs, **flat})


def best_of(leader: Leader | None, spaces: tuple[Space, ...]) -> Best | None:
    """The best mapping of a tally as data."""
    if leader is None:
        return None
    nest = leader.mapping.nest
    space = next(index for index, each in enumerate(spaces) if each.keeps == nest.keeps)
    loops = tuple((loop.level, loop.dim, loop.kind) for loop in nest.loops)
    return Best(*leader.key, space, loops, leader.mapping.bounds, leader.cycles, leader.energy_pj)


def leader_of(best: Best, spaces: tuple[Space, ...]) -> Leader:
    """The same for a tally."""
    nest = loop_nest(spaces[best.space], tuple(Loop(*each) for each in best.loops))
    mapping = mapping_of(spaces[best.space].design.problem, nest, np.array(best.bounds))
    return Leader((best.scores, best.seen, best.order), mapping, best.cycles, best.energy_pj)


@dataclass
class Worker:
    """Answers works on some spaces; `tick` is called now and then."""

    setting: Setting
    objective: str
    memory_bytes: int = 1 << 30
    gap: float = 0.0
    tick: Callable[[], None] = lambda: None
    _tally: Tally = field(init=False)
    _judges: dict[int, Judge] = field(default_factory=dict)
    _left: int = 0

    def __post_init__(self) -> None:
        self._tally = Tally(self.objective)

    def answer(self, work: Work) -> Answer:
        """Look at all mappings of the templates that may be better."""
        tally, judge = self._tally, self._judge(work.node.space)
        told = tally.leader = None if work.best is None else _only_ranked(work.best)
        tally.tried = tally.valid = 0
        judge.forget()
        self._left, spent, interrupted = work.pairs, False, False
        try:
            with threadpool_limits(1, "blas"):  # its products have few columns: two threads take twice the time
                for name in (work.node, *work.also):
                    self._join(name, judge)
        except SpentError:
            spent = True
        except KeyboardInterrupt:
            interrupted = True
        best = None if tally.leader is told else best_of(tally.leader, self.setting.spaces)
        unsure = judge.unsure if np.isfinite(judge.unsure) else None
        return Answer(best, tally.tried, tally.valid, work.pairs - self._left, unsure, spent, interrupted)

    def _join(self, name: NodeName, judge: Judge) -> None:
        node = self.setting.node_of(name)
        program = self.setting.program(node)
        tables = tuple(self.setting.tables.of(program, group) for group in range(len(self.setting.values.groups)))
        joiner = Joiner(program, tables, self._beaten, self._spend, at_once(self.memory_bytes))
        for candidates in joiner.run():
            judge.take(node.decided, candidates, not program.template.exact)

    def _judge(self, space: int) -> Judge:
        if space not in self._judges:
            layout, groups = self.setting.layout, self.setting.values.groups
            self._judges[space] = Judge(
                self.setting.spaces[space], layout, groups, self._tally, self._beaten, self._spend
            )
        return self._judges[space]

    def _spend(self, pairs: int) -> None:
        if pairs > self._left:
            raise SpentError
        self._left -= pairs
        self.tick()

    def _beaten(self, costs: Costs) -> Bools:
        leader = self._tally.leader
        scores = OBJECTIVES[self.objective](costs.cycles, costs.energy_pj)
        return no_better((scores[0], scores[1]), leader.scores if leader else None, self.gap)


def at_once(memory_bytes: int) -> int:
    """Pairs that are looked at together in some memory."""
    return int(np.clip(memory_bytes // BYTES_PER_PAIR, *PAIRS_AT_ONCE))


def _only_ranked(best: Best) -> Leader:
    """What others are compared with; whoever sent it has the mapping."""
    nothing = LoopMapping(LoopNest((), ()), ())
    return Leader((best.scores, best.seen, best.order), nothing, best.cycles, best.energy_pj)
