"""The ways to run one layer, and what the best of them is said to assume."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from math import prod

from crisp_hw.searches.solve import Solved, Task
from crisp_hw.spec.encoded import Encoded, IndexLine, OverheadLine
from crisp_hw.spec.options import Objective
from crisp_hw.spec.result import Result


@dataclass(frozen=True)
class Way:
    """One way to run a layer: as its case encodes it, and with its weights as the options describe them."""

    layer: str
    model: Encoded
    encoded: Encoded
    task: Task


class Ways:
    """Ways to run one layer, that of the first case first; each other is worked out when it is asked for."""

    def __init__(self, encoded: Iterator[Encoded], planned: Callable[[Encoded], Way]) -> None:
        self._others, self._planned = encoded, planned
        self.first = planned(next(encoded))

    def encodings(self) -> Iterator[Encoded]:
        """As the cases encode them; once."""
        return chain([self.first.model], self._others)

    def planned(self, encoded: Encoded) -> Way:
        """One of them, ready to be searched."""
        return self.first if encoded is self.first.model else self._planned(encoded)


@dataclass(frozen=True)
class SolvedWay:
    """The best mapping of one way to run a layer, and what it costs."""

    way: Way
    solved: Solved
    result: Result
    index: IndexLine | None
    lines: tuple[OverheadLine, ...]
    scores: tuple[float, float]

    @property
    def energy_pj(self) -> float:
        """Energy with the circuits beside the model."""
        return energy_pj(self.result, self.index, self.lines)


def energy_pj(result: Result, index: IndexLine | None, lines: tuple[OverheadLine, ...]) -> float:
    """Energy of a layer with the circuits beside the model, in pJ."""
    return result.energy_pj + (sum(line.energy_pj for line in lines) + sum(index.energy_pj.values() if index else ()))


def computes(encoded: Encoded) -> int:
    """Multiply-accumulates, padding and zeros included."""
    return prod(encoded.design.problem.bounds)


def noted(best: SolvedWay, note: str) -> SolvedWay:
    """The same with one more assumption."""
    way = best.way
    encoded = replace(way.encoded, assumptions=(*way.encoded.assumptions, note))
    return replace(best, way=replace(way, model=encoded if way.model is way.encoded else way.model, encoded=encoded))


def compared(best: SolvedWay, others: Iterable[SolvedWay], objective: Objective) -> SolvedWay:
    """The best way, and whether another takes less energy: then more zeros may cost more of it."""
    less = min(others, key=lambda each: each.energy_pj)
    if objective == "energy" or less.energy_pj >= best.energy_pj:
        return best
    costs = f"{less.energy_pj / 1e6:.4g} uJ for {best.energy_pj / 1e6:.4g}"
    cycles = f"{less.result.cycles:,} for {best.result.cycles:,}"
    said = f"another way to run it takes less energy ({costs}) and more cycles ({cycles})"
    note = f"{said}; the objective is {objective}, so fewer weights may cost more energy"
    return noted(best, f"{best.way.layer}: {note}")


def said_of(best: SolvedWay, name: str) -> tuple[str, ...]:
    """The assumptions of an encoding, and that its mapping is not known to be the best where that is so.

    An encoding may be that of another layer of the same shape and pattern, whose name its assumptions then begin with.
    """
    first = f"{best.way.layer}: "
    assumed = (
        f"{name}: {text.removeprefix(first)}" if text.startswith(first) else text
        for text in best.way.encoded.assumptions
    )
    found = best.solved.found
    if found.proven:
        return tuple(assumed)
    gap = "" if found.gap is None else f", at most {100 * found.gap:,.2f} % above it"
    return (*assumed, f"{name}: the mapping is not proven to be the best: {found.certificate}{gap}")
