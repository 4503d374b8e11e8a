"""One set of documents through both backends."""

from dataclasses import dataclass, replace

from crisp_hw.backends.timeloop import Settings, TimeloopRun, run_documents
from crisp_hw.backends.timeloop.run import DEFAULTS, is_rounded
from crisp_hw.engine.evaluate import evaluate
from crisp_hw.errors import CrispError
from crisp_hw.spec.result import Result
from crisp_hw.timeloop.read.point import read_point
from crisp_hw.timeloop.yaml.texts import Documents, merged
from crisp_hw.validation.compare import Difference
from crisp_hw.validation.results import EXACT, Tolerance, compare_results


@dataclass(frozen=True)
class Verified:
    """What the two backends make of one set of documents; `error` says why one of them made nothing of it."""

    name: str
    differences: tuple[Difference, ...]
    embedded: Result | None = None
    timeloop: TimeloopRun | None = None
    error: str | None = None

    @property
    def equal(self) -> bool:
        """No figure differs by more than the tolerance, and both sides had one."""
        return not self.differences and self.error is None


def verify_documents(
    name: str, documents: Documents, settings: Settings = DEFAULTS, tolerance: Tolerance = EXACT
) -> Verified:
    """Read, evaluate with the embedded engine, run unchanged through Timeloop, compare.

    What either side refuses is told in `error`, so that the other sets of a longer list are still compared; only a
    Timeloop that is not there is worth a ToolError, which `find_tool` raises beforehand.

    >>> verify_documents("empty", {"a.yaml": "mapping: []"}).error
    "documents: the key 'architecture' is missing; there are 'mapping'"
    """
    try:
        point = read_point(merged(documents))
        embedded = evaluate(point)
        timeloop = run_documents(documents, point, settings)
    except CrispError as error:
        return Verified(name, (), error=str(error))
    allowed = replace(tolerance, rounded=is_rounded(timeloop.result))
    return Verified(name, tuple(compare_results(embedded, timeloop.result, allowed)), embedded, timeloop)
