"""What a search has found so far: the best mapping, the Pareto front, and how many mappings went which way."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.evaluate import Batch
from crisp_hw.mapper.diagnose import Attempt, best_attempt
from crisp_hw.mapper.imperfect import mapping_of
from crisp_hw.mapper.space import Space
from crisp_hw.spec.mapping import LoopMapping, LoopNest

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Scores = tuple[Floats, ...]

OBJECTIVES: dict[str, Callable[[Floats, Floats], Scores]] = {
    "cycles": lambda cycles, energy: (cycles, energy),
    "energy": lambda cycles, energy: (energy, cycles),
    "edp": lambda cycles, energy: (cycles * energy, cycles),
}
"""What to minimise, most important first; cycles stay exact in a float up to 2**53. All grow with both arguments."""


@dataclass(frozen=True)
class FrontPoint:
    """A mapping that no other beats in both cycles and energy."""

    cycles: int
    energy_pj: float
    mapping: LoopMapping


@dataclass(frozen=True)
class Leader:
    """The best mapping so far; the smallest `key` wins: scores, bounds from the outside in, loops."""

    key: tuple[tuple[float, ...], tuple[int, ...], tuple[tuple[int, str], ...]]
    mapping: LoopMapping
    cycles: int
    energy_pj: float

    @property
    def scores(self) -> tuple[float, ...]:
        """What the objective makes of it, most important first."""
        return self.key[0]


@dataclass
class Tally:
    """Filled in by `enter`; `pruned` counts factorizations by the rule that dropped them."""

    objective: str
    wants_front: bool = False
    leader: Leader | None = None
    attempt: Attempt | None = None
    attempt_space: Space | None = None
    tried: int = 0
    valid: int = 0
    pruned: Counter[str] = field(default_factory=Counter)
    front: tuple[FrontPoint, ...] = ()

    def enter(self, space: Space, nest: LoopNest, batch: Batch, work: tuple[Ints, Ints]) -> None:
        """Count evaluated mappings; `work` are their factors int64[b, blocks, dims] and their bounds int64[b, L]."""
        rows, bounds = work
        # 0 cycles: less than one MAC at work on average, which Timeloop truncates to none; no mapping to recommend
        valid = batch.valid & (batch.cycles > 0)
        self.tried, self.valid = self.tried + len(rows), self.valid + int(valid.sum())
        if not valid.any():
            self._note_attempt(space, batch, rows)
            return
        scores = OBJECTIVES[self.objective](batch.cycles.astype(np.float64), batch.energy_pj)
        row = _smallest(valid, scores, rows)
        self._lead(space, nest, batch, (row, rows, bounds), tuple(float(score[row]) for score in scores))
        if self.wants_front:
            self._extend_front(space, nest, batch, (bounds, np.flatnonzero(valid)))

    def may_lead(self, batch: Batch) -> NDArray[np.bool_]:
        """Which of some mappings are worth to be entered: all while there is no leader, or a front is wanted."""
        if self.leader is None or self.wants_front:
            return np.ones(len(batch.cycles), dtype=np.bool_)
        first = OBJECTIVES[self.objective](batch.cycles.astype(np.float64), batch.energy_pj)[0]
        found: NDArray[np.bool_] = batch.valid & (first <= self.leader.scores[0])
        return found

    def pass_over(self, batch: Batch) -> None:
        """Count mappings of which none may lead."""
        self.tried += len(batch.cycles)
        self.valid += int((batch.valid & (batch.cycles > 0)).sum())

    def beaten(self, cycles: Floats, energy_pj: Floats) -> NDArray[np.bool_]:
        """Which lower bounds show that the leader stays at least as good in every score: nothing better is there."""
        if self.leader is None or self.wants_front:
            return np.zeros(len(cycles), dtype=np.bool_)
        first, second = OBJECTIVES[self.objective](cycles, energy_pj)
        best = self.leader.scores
        worse: NDArray[np.bool_] = (first > best[0]) | ((first == best[0]) & (second > best[1]))
        return worse

    def _lead(
        self, space: Space, nest: LoopNest, batch: Batch, where: tuple[int, Ints, Ints], scores: tuple[float, ...]
    ) -> None:
        row, rows, bounds = where
        dims = space.design.problem.dims
        key = (
            scores,
            tuple(int(bound) for bound in rows[row].reshape(-1)[::-1]),
            tuple((dims.index(loop.dim), loop.kind) for loop in reversed(nest.loops)),
        )
        if self.leader is None or key < self.leader.key:
            mapping = mapping_of(space.design.problem, nest, bounds[row])
            self.leader = Leader(key, mapping, int(batch.cycles[row]), float(batch.energy_pj[row]))

    def _note_attempt(self, space: Space, batch: Batch, rows: Ints) -> None:
        attempt = best_attempt(batch, rows) if self.leader is None else None
        if attempt and (self.attempt is None or attempt.ratio < self.attempt.ratio):
            self.attempt, self.attempt_space = attempt, space

    def _extend_front(self, space: Space, nest: LoopNest, batch: Batch, where: tuple[Ints, Ints]) -> None:
        """Merge the undominated of these mappings with the front; of equals the one met first stays."""
        bounds, chosen = where
        kept = chosen[undominated(batch.cycles[chosen], batch.energy_pj[chosen])]
        new = [
            FrontPoint(
                int(batch.cycles[row]),
                float(batch.energy_pj[row]),
                mapping_of(space.design.problem, nest, bounds[row]),
            )
            for row in kept
        ]
        both = [*self.front, *new]
        order = undominated(np.array([p.cycles for p in both]), np.array([p.energy_pj for p in both]))
        self.front = tuple(both[place] for place in order)


def undominated(cycles: Ints, energy_pj: Floats) -> Ints:
    """Places of the points that no other beats, by rising cycles; of equal points the first.

    >>> undominated(np.array([3, 1, 2, 2]), np.array([1.0, 9.0, 9.0, 4.0])).tolist()
    [1, 3, 0]
    """
    order = np.lexsort((np.arange(len(cycles)), energy_pj, cycles))
    energy = energy_pj[order]
    before = np.concatenate([[np.inf], np.minimum.accumulate(energy)[:-1]])
    return order[energy < before]


def _smallest(valid: NDArray[np.bool_], scores: Scores, rows: Ints) -> int:
    """The valid row with the smallest scores; of equals the one with the smallest bounds, outermost loop first."""
    chosen = np.flatnonzero(valid)
    for score in scores:
        chosen = chosen[score[chosen] == score[chosen].min()]
    flat = rows[chosen].reshape(len(chosen), -1)
    return int(chosen[np.lexsort(flat.T)[0]])
