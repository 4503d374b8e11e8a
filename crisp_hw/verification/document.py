"""What a verification found, as a document."""

from collections.abc import Iterator, Sequence

from crisp_hw.documents.columns import table
from crisp_hw.documents.document import Document, versions
from crisp_hw.report.records import Record, Value
from crisp_hw.spec.documents.verdicts import VERIFICATION, VERIFICATION_DIFFERENCES
from crisp_hw.validation.compare import Difference
from crisp_hw.validation.results import APPROXIMATED
from crisp_hw.verification.verify import LARGEST_PRIME, Verified

SCHEMA = "crisp-hw/verification/1"
MADE = "documents without an ERT: both sides use the tables that Accelergy made for Timeloop's run"
ROUNDING = (
    f"rounding: Timeloop's library (Boost) approximates the probabilities of scattered nonzeros in more than "
    f"{LARGEST_PRIME:,} words; allowed there are cycles off by {APPROXIMATED.cycles}, energies off by "
    f"{APPROXIMATED.energy:g} of themselves, and counts off by {APPROXIMATED.counts} or {APPROXIMATED.count_share:g} "
    "of themselves"
)
_SHOWN = 12  # differences per set of documents in the table; CSV and JSON have all


def verification_document(found: Sequence[Verified]) -> Document:
    """One row per set of documents, then one per figure that differs.

    >>> verification_document([Verified("a", (Difference("SMEM A reads", "count", 12, 13),))]).records[0]["relative"]
    '7.7e-02'
    """
    sets = [_set_record(each) for each in found]
    differences = [_record(each.name, difference) for each in found for difference in each.differences]
    shown = [_record(each.name, difference) for each in found for difference in each.differences[:_SHOWN]]
    hidden = len(differences) - len(shown)
    remarks = {
        "verdict": tuple(_verdicts(found)),
        "energies": (MADE,) if any(each.made_table for each in found) else (),
        "without effect": tuple(dict.fromkeys(note for each in found for note in each.unused)),
        "not shown": (f"{hidden} more differences; --format csv or json lists all",) if hidden else (),
    }
    tables = (
        table("embedded engine and Timeloop", VERIFICATION.columns, sets),
        table("differences", VERIFICATION_DIFFERENCES.columns, shown),
    )
    content = {"schema": SCHEMA, "versions": versions(), "documents": sets, "differences": differences}
    return Document("verification", tables if shown else tables[:1], remarks, differences, content)


def _verdicts(found: Sequence[Verified]) -> Iterator[str]:
    yield f"{sum(each.equal for each in found)} of {len(found)} sets of documents agree in every figure"
    rounded = [each for each in found if each.agreement == "rounding"]
    if rounded:
        tensors = ", ".join(dict.fromkeys(name for each in rounded for name in each.approximated))
        yield f"{len(rounded)} more differ by the rounding of {tensors} alone; {ROUNDING}"


def _set_record(found: Verified) -> Record:
    record: Record = {
        "documents": found.name,
        "verdict": found.agreement,
        "differences": len(found.differences),
        "approximated": ", ".join(found.approximated) or None,
        "error": found.error,
    }
    if found.embedded and found.timeloop:
        record |= {
            "cycles": found.embedded.cycles,
            "timeloop_cycles": found.timeloop.result.cycles,
            "energy_uj": found.embedded.energy_pj * 1e-6,
            "timeloop_energy_uj": found.timeloop.result.energy_pj * 1e-6,
            "seconds": found.timeloop.seconds,
            "runner": found.timeloop.tool.runner,
        }
    return record


def _record(name: str, difference: Difference) -> Record:
    return {
        "documents": name,
        "figure": difference.what,
        "embedded": _value(difference.ours),
        "timeloop": _value(difference.reference),
        "relative": difference.relative_text,
    }


def _value(value: object) -> Value:
    return value if isinstance(value, int | float | str) else str(value)
