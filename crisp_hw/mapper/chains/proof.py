"""The best of all choices of keep and bypass, proven by labels that meet, or a bound of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.evaluate import evaluate_nests
from crisp_hw.engine.sliding import sliding
from crisp_hw.mapper.admit import admitted
from crisp_hw.mapper.better import EQUAL, no_better
from crisp_hw.mapper.chains.chain import Chain
from crisp_hw.mapper.chains.mappings import Mapped, mapping_of
from crisp_hw.mapper.chains.meet import Pairs
from crisp_hw.mapper.chains.meeting import MOST_LABELS, Meeting, TooManyError
from crisp_hw.mapper.chains.weights import weights_of
from crisp_hw.mapper.exact.covers import too_little, uncovered
from crisp_hw.mapper.exact.program import Costs
from crisp_hw.mapper.imperfect import factorizations_of
from crisp_hw.mapper.orders import unusual
from crisp_hw.mapper.space import Space
from crisp_hw.mapper.tally import OBJECTIVES, Tally
from crisp_hw.spec.sparse import SparseSpec

Bools = NDArray[np.bool_]
Keeps = tuple[frozenset[str], ...]

BEAMS = (2_000, 20_000)  # labels a step for first mappings: tenths of a second each
JUDGED = 64  # of the pairs that cost least: those that the engine finds dearer than they are may be passed by others
MOST_EXTENTS = 100_000  # that a tile may have: labels are many times as many
MOST_CHOICES = 4096  # of which what is left is looked at, a millisecond each
BYTES_PER_LABEL = 900  # about 30 numbers of 8 bytes, several times over in a step: 3.5 GB with 4 million (VmHWM)


@dataclass
class Levels:
    """A search of all choices of keep and bypass at once; `tick` is told how many steps are done of all, and the bound.

    `least` is a bound of all mappings; `gap` as in `exact.search.Exact`. With `judged`, spaces of the same loops by
    what they keep, the engine says what mappings cost there; where that may be less than labels say, nothing `holds`.
    """

    chain: Chain
    tally: Tally
    tick: Callable[[int, int, float], None]
    memory_bytes: int = 1 << 30
    gap: float = 0.0
    least: float = 0.0
    judged: Mapping[Keeps, Space] | None = None
    holds: bool = True

    def look(self) -> None:
        """Judge the most promising mappings of few labels."""
        try:
            for beam in BEAMS:
                self._judge(self._meet(beam), JUDGED)
        except TooManyError:
            return

    def run(self) -> bool:
        """True when the best is found; False when there may be better ones, or labels were too many."""
        try:
            for beam in BEAMS:
                self._judge(self._meet(beam), 4)
            meeting = self._meet(None)
        except TooManyError:
            return False
        dropped = self._wanted(float("inf"))  # what the labels that were left out cost at least
        best = self._judge(meeting, JUDGED)
        leader = self.tally.leader
        self.least = max(self.least, min(dropped, best[0] if best else dropped)) if leader else self.least
        if leader is None or best is None:  # nothing fits, or nothing can be better than what there was
            return leader is not None
        near = leader.scores[0] <= self.least * (1 + self.gap) * (1 + EQUAL)
        second = self.gap or best[0] > dropped * (1 + EQUAL) or leader.scores[1] <= best[1] * (1 + EQUAL)
        return bool(near and second)

    def _meet(self, beam: int | None) -> tuple[Meeting, Pairs]:
        most = int(min(MOST_LABELS, self.memory_bytes // BYTES_PER_LABEL))
        meeting = Meeting(self.chain, self.tally.objective, self._beaten, self._tell, beam, most)
        return meeting, meeting.run(JUDGED)

    def _tell(self, meeting: Meeting) -> None:
        if meeting.most is None:
            self.least = max(self.least, self._wanted(meeting.least))
        steps = 3 * self.chain.top + 2
        self.tick(meeting.done, steps, self.least)

    def _wanted(self, least: float) -> float:
        """A bound of what is wanted, as a bound of all: what is not wanted is no better than the best so far."""
        leader = self.tally.leader
        return min(least, leader.scores[0] / (1 + self.gap)) if leader else least

    def _judge(self, met: tuple[Meeting, Pairs], many: int) -> tuple[float, float] | None:
        """The engine's word on the most promising mappings; their least scores by the labels."""
        meeting, found = met
        if not len(found.outer):
            return None
        first, second = OBJECTIVES[self.tally.objective](found.cycles, found.energy_pj)
        for row in range(min(many, len(found.outer))):
            costs = Costs(found.energy_pj[[row]], found.cycles[[row]], np.ones(1, dtype=np.bool_))
            if not self._beaten(costs)[0]:
                outer, inner = meeting.outer.path[found.outer[row]], meeting.inner.path[found.inner[row]]
                self._enter(mapping_of(self.chain, (meeting.taken, outer), (meeting.given, inner)))
        return float(first[0]), float(second[0])

    def _enter(self, one: Mapped) -> None:
        space = one.space if self.judged is None else self.judged.get(one.space.keeps)
        if space is not None and admitted(space, one.rows).all():
            batch = evaluate_nests(space.design, [(one.nest, one.bounds)])
            self.tally.enter(space, one.nest, batch.at(slice(0, 1)), (one.rows, one.bounds))

    def _beaten(self, costs: Costs) -> Bools:
        first, second = OBJECTIVES[self.tally.objective](costs.cycles, costs.energy_pj)
        leader = self.tally.leader if self.holds else None
        return no_better((first, second), leader.scores if leader else None, self.gap)


def seeds(spaces: tuple[Space, ...], tally: Tally, tick: Callable[[int, int, float], None], memory_bytes: int) -> None:
    """Judge mappings of several choices in the sparse design that are good in the dense one; nothing is proven by it.

    >>> seeds((), Tally("edp"), lambda *_: None, 1 << 30)  # nothing to look at
    """
    if len(spaces) < 2 or not spaces[0].design.sparse.active:
        return
    dense = replace(spaces[0], design=replace(spaces[0].design, sparse=SparseSpec()))
    chain = None if too_little(dense) else _chain((dense,), _options(spaces))
    if chain is not None:
        Levels(chain, tally, tick, memory_bytes, judged={space.keeps: space for space in spaces}, holds=False).look()


def thinned(spaces: tuple[Space, ...]) -> Chain | None:
    """A chain that costs no more than some choices of a sparse design; None where labels say nothing of it."""
    first = spaces[0]
    if uncovered(first) is not None or not first.design.sparse.active or unusual(first) or len(spaces) > MOST_CHOICES:
        return None
    return _chain(spaces, _options(spaces), timed=True)


def _options(spaces: tuple[Space, ...]) -> list[list[frozenset[str]]]:
    """What each level may keep."""
    return [list(dict.fromkeys(space.keeps[level] for space in spaces)) for level in range(len(spaces[0].keeps))]


def chain_of(spaces: tuple[Space, ...]) -> Chain | None:
    """All choices of keep and bypass as one chain; None where labels do not say what mappings cost."""
    options = _options(spaces)
    if prod(map(len, options)) != len(spaces) or len(spaces) == 1 or too_little(spaces[0]):
        return None
    return _chain(spaces, options)


def _chain(spaces: tuple[Space, ...], options: list[list[frozenset[str]]], timed: bool = False) -> Chain | None:
    """A chain whose levels keep any of these."""
    first, problem = spaces[0], spaces[0].design.problem
    names = [tensor.name for tensor in problem.tensors]
    if first.imperfect or sliding(problem):
        return None
    keeps = tuple(tuple(tuple(names.index(n) for n in names if n in kept) for kept in each) for each in options)
    chain = Chain(first, keeps, weights_of(spaces), timed)
    whole = all(_every_product(first, dim) for dim in problem.dims)
    lanes = all(chain.lanes(level) for level in range(chain.top + 1))
    return chain if whole and lanes and prod(map(len, chain.divisors)) <= MOST_EXTENTS else None


def _every_product(space: Space, dim: str) -> bool:
    """Does a dimension take every product of what its factors may be in each block?"""
    table, bound = space.factors[dim], space.design.problem.bound(dim)
    return len(factorizations_of(bound, [np.unique(column) for column in table.T])) == len(table)
