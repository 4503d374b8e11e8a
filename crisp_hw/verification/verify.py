"""One set of documents through both backends."""

from dataclasses import dataclass, replace
from typing import Literal

from crisp_hw.backends.timeloop import Settings, TimeloopRun, run_documents
from crisp_hw.backends.timeloop.run import DEFAULTS, is_rounded
from crisp_hw.dropin.model import Accepted, read_accepted
from crisp_hw.engine.evaluate import evaluate
from crisp_hw.engine.tiling import projected_size
from crisp_hw.errors import CrispError
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.patterns import Hypergeometric
from crisp_hw.spec.result import Result
from crisp_hw.timeloop.yaml.texts import Documents, merged
from crisp_hw.validation.compare import Difference
from crisp_hw.validation.results import APPROXIMATED, EXACT, Tolerance, compare_results

LARGEST_PRIME = 104_729
"""Boost takes probabilities of larger populations from an approximation (math/special_functions/prime.hpp)."""
Verdict = Literal["equal", "rounding", "different", "refused"]


@dataclass(frozen=True)
class Verified:
    """What the two backends make of one set of documents; `error` says why one of them made nothing of it.

    `approximated` are the tensors whose probabilities Timeloop's library approximates, `beyond` the differences that
    this does not explain. `unused` says what the documents hold without effect, `made_table` that the energies are
    those that Accelergy made for Timeloop's run.
    """

    name: str
    differences: tuple[Difference, ...]
    embedded: Result | None = None
    timeloop: TimeloopRun | None = None
    error: str | None = None
    approximated: tuple[str, ...] = ()
    beyond: tuple[Difference, ...] = ()
    unused: tuple[str, ...] = ()
    made_table: bool = False

    @property
    def agreement(self) -> Verdict:
        """In a word."""
        if self.error is not None:
            return "refused"
        if not self.differences:
            return "equal"
        return "rounding" if self.approximated and not self.beyond else "different"

    @property
    def equal(self) -> bool:
        """No figure differs by more than the tolerance, and both sides had one."""
        return self.agreement == "equal"

    @property
    def agrees(self) -> bool:
        """The same, or everything that differs is an approximation of Timeloop's library."""
        return self.agreement in ("equal", "rounding")


def verify_documents(
    name: str, documents: Documents, settings: Settings = DEFAULTS, tolerance: Tolerance = EXACT
) -> Verified:
    """Read as `crisp-hw model` reads them, run unchanged through Timeloop, evaluate with the embedded engine, compare.

    Where Timeloop had Accelergy make the energies, because the documents have none, the embedded engine evaluates with
    the same tables. What either side refuses is told in `error`, so that the other sets of a longer list are still
    compared; only a Timeloop that is not there is worth a ToolError, which `find_tool` raises beforehand.

    >>> verify_documents("empty", {"a.yaml": "mapping: []"}).error
    "a.yaml: architecture: no document 'architecture' in the files; there are mapping"
    """
    try:
        accepted = read_accepted(merged(documents))
        timeloop = run_documents(documents, accepted.point, settings)
        if timeloop.tables:
            accepted = read_accepted(merged({**documents, **timeloop.tables}))
        embedded = evaluate(accepted.point)
    except CrispError as error:
        return Verified(name, (), error=str(error))
    return _compared(Verified(name, (), embedded, timeloop), accepted, tolerance)


def _compared(found: Verified, accepted: Accepted, tolerance: Tolerance) -> Verified:
    """With the differences of the two results."""
    if found.embedded is None or found.timeloop is None:
        return found
    ours, theirs = found.embedded, found.timeloop.result
    rounded, tensors = is_rounded(theirs), approximated(accepted.point)
    loose = replace(wider(tolerance, APPROXIMATED), rounded=rounded)
    return replace(
        found,
        differences=tuple(compare_results(ours, theirs, replace(tolerance, rounded=rounded))),
        approximated=tensors,
        beyond=tuple(compare_results(ours, theirs, loose)) if tensors else (),
        unused=accepted.notes,
        made_table=bool(found.timeloop.tables),
    )


def approximated(point: DesignPoint) -> tuple[str, ...]:
    """The tensors whose probabilities Boost approximates: scattered nonzeros in more words than its largest prime."""
    problem = point.design.problem
    return tuple(
        tensor.name
        for tensor in problem.tensors
        if isinstance(tensor.density, Hypergeometric)
        and 0 < tensor.density.density < 1
        and projected_size(problem, tensor, problem.bounds) > LARGEST_PRIME
    )


def wider(one: Tolerance, other: Tolerance) -> Tolerance:
    """What either of two tolerances allows.

    >>> wider(Tolerance(counts=3), Tolerance(energy=1e-5, cycles=1))
    Tolerance(counts=3, energy=1e-05, averages=1e-05, rounded=False, cycles=3, count_share=0.0)
    """
    pairs = [(each.counts if each.cycles is None else each.cycles) for each in (one, other)]
    return Tolerance(
        counts=max(one.counts, other.counts),
        energy=max(one.energy, other.energy),
        averages=max(one.averages, other.averages),
        rounded=one.rounded or other.rounded,
        cycles=max(pairs),
        count_share=max(one.count_share, other.count_share),
    )
