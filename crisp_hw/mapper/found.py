"""How far a search is, and what it came to: the best mapping with its certificate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from crisp_hw.mapper.tally import FrontPoint
from crisp_hw.spec.mapping import LoopMapping

ASSUMPTIONS = ("the mapper tries perfect factorizations only (no residual tiles)",)
RESIDUAL = ("the mapper tries imperfect factorizations, too, with residual tiles",)
SETTLED = "what each level keeps is taken from the constraints, not searched"
"""What the search leaves out or takes for granted."""


@dataclass(frozen=True)
class SearchStatus:
    """How far a search is: candidates (of a search by templates: those) done of all, and the best so far.

    No mapping's objective is below `bound`; `gap` is how far that of the best may lie above it (0.1: 10 %).
    """

    done: int
    total: int
    best_cycles: int | None = None
    best_energy_pj: float | None = None
    gap: float | None = None
    bound: float | None = None

    @property
    def best(self) -> str:
        """The best so far and how near it is to the bound, in some words.

        >>> SearchStatus(1, 2).best, SearchStatus(1, 2, 1200, 4e6, 0.05, 1143.0).best
        ('nothing valid yet', 'best: 1,200 cycles, 4 uJ, at most 5.00 % above the least bound of 1143')
        """
        if self.best_cycles is None or self.best_energy_pj is None:
            return "nothing valid yet"
        bound = "" if self.bound is None else f" of {self.bound:.4g}"
        gap = "" if self.gap is None else f", at most {100 * self.gap:,.2f} % above the least bound{bound}"
        return f"best: {self.best_cycles:,} cycles, {self.best_energy_pj / 1e6:,.4g} uJ{gap}"


@dataclass(frozen=True)
class Moment:
    """The best mapping at some time of a search, in seconds since it began, with `bound` and `gap` as by then."""

    seconds: float
    cycles: int
    energy_pj: float
    bound: float | None
    gap: float | None


Progress = Callable[[SearchStatus], None]


@dataclass(frozen=True)
class Found:
    """The best mapping; `candidates` counts factorizations, `pruned` those dropped by rule, `tried` and `valid`
    evaluated mappings (a factorization in every order that costs can tell apart and no other dominates).

    `proven`: nothing better is in the mapspace. Else the objective is at most `gap` (0.1: 10 %) above a lower bound.
    `uncovered` is why no search by templates proved it. `history` is what was best when; it is no part of the result.
    """

    mapping: LoopMapping
    cycles: int
    energy_pj: float
    objective: str
    candidates: int
    tried: int
    valid: int
    pruned: Mapping[str, int] = field(default_factory=dict)
    proven: bool = True
    gap: float | None = None
    interrupted: bool = False
    front: tuple[FrontPoint, ...] = ()
    assumptions: tuple[str, ...] = (*ASSUMPTIONS, SETTLED)
    uncovered: str | None = None
    history: tuple[Moment, ...] = field(default=(), compare=False)

    def __repr__(self) -> str:
        return f"<Found: {self.cycles:,} cycles, {self.energy_pj / 1e6:,.3f} uJ; {self.certificate}>"

    @property
    def complete(self) -> bool:
        """Was everything looked at that may be the best? Then no gap ended the search."""
        return self.proven and self.gap is None

    @property
    def least_gap(self) -> float | None:
        """How far the objective may lie above a lower bound, as a share; 0 where nothing better is in the mapspace."""
        return 0.0 if self.proven else self.gap

    @property
    def certificate(self) -> str:
        """What is known about the result, in one sentence."""
        if self.complete:
            return f"optimal over {self.candidates:,} factorizations in every order ({self.tried:,} mappings evaluated)"
        stopped = "interrupted: " if self.interrupted else ""
        if self.gap is None:
            bound = "no lower bound known"
        elif self.proven:
            bound = f"none has a smaller {self.objective}: it meets a lower bound"
        else:
            bound = f"{self._least(1.0)} found, {self._least(1.0 + self.gap)} a lower bound"
        why = f" (the search by templates does not cover {self.uncovered})" if self.uncovered else ""
        return f"{stopped}best of {self.tried:,} mappings, {bound}{why}"

    def _least(self, divisor: float) -> str:
        """The objective over a number, in its unit."""
        score, unit = {
            "cycles": (float(self.cycles), "cycles"),
            "energy": (self.energy_pj, "pJ"),
            "edp": (self.cycles * self.energy_pj, "pJ x cycles"),
        }[self.objective]
        value = score / divisor
        return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
