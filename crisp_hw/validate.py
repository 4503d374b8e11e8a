"""The embedded engine against recorded runs of Timeloop, figure by figure.

A recorded case is a dict with `id`, `family`, `input` (the documents that timeloop-model read) and `output` (what it
reported); tests/golden/README.md describes both. Files hold one case a line, as JSON, gzipped.
"""

import gzip
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf, isclose
from pathlib import Path
from typing import Any, Literal

from crisp_hw.engine.evaluate import evaluate
from crisp_hw.errors import InputError, MappingError
from crisp_hw.spec.result import ComputeResult, LevelResult, Result, TensorCounts
from crisp_hw.timeloop.read import read_point

ENERGY_TOLERANCE = 1e-9  # relative; both sides add the same products of counts and pJ
AVERAGE_TOLERANCE = 1e-5  # instances and bandwidths: Timeloop prints six digits
CLOSE_COUNTS = 2  # counts are rounded expectations: one that should be whole falls either way in floating point
CLOSE_ENERGY = 1e-4
KINDS, OPS = ("random", "gated", "skipped"), ("reads", "fills", "updates")
TOO_SMALL = re.compile(r"couldn't map level (\w+): mapped tile size (\d+) exceeds buffer capacity (\d+)")

Case = dict[str, Any]
Figure = Literal["verdict", "refused", "count", "average", "energy", "total energy"]
Grade = Literal["equal", "close", "different", "refused"]


@dataclass(frozen=True)
class Difference:
    """One figure that is not Timeloop's: what it is ("SMEM B random_reads"), its sort, and both values."""

    what: str
    figure: Figure
    ours: Any
    reference: Any

    @property
    def relative(self) -> float:
        """|ours - reference| / |reference|; infinite where that means nothing (verdicts, counts against 0)."""
        if not isinstance(self.ours, int | float) or not isinstance(self.reference, int | float) or not self.reference:
            return inf
        return abs(self.ours - self.reference) / abs(self.reference)


@dataclass(frozen=True)
class Agreement:
    """How the cases of one family compare; the relative differences are the worst of total cycles and energy.

    `equal`: every figure; `close`: counts and cycles within 2 and total energy within 1e-4; `refused`: the input asks
    for something that is not modelled, said in an error. `ids` are the cases that are not equal.
    """

    family: str
    cases: int
    equal: int
    close: int
    different: int
    refused: int
    worst_cycles: float
    worst_energy: float
    ids: tuple[str, ...] = ()


def read_cases(path: Path) -> Iterator[Case]:
    """The cases of one `.jsonl.gz` file; InputError names the file and the line that is not a case."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                case = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{path}, line {number}: not JSON ({error.msg}); record the case again") from error
            if not isinstance(case, dict) or not {"id", "family", "input", "output"} <= case.keys():
                raise InputError(f"{path}, line {number}: a case needs id, family, input and output")
            yield case


def compare(case: Case) -> list[Difference]:
    """Every figure of a recorded case that the embedded engine gives differently; empty when all agree.

    Compared are the verdict (of an invalid mapping also the level and the words that do not fit), cycles, all counts,
    energies to 1e-9, instances and bandwidths to 1e-5. Input that is not modelled is one difference, "refused".

    >>> compare({"input": {}, "output": {"valid": True}})[0].figure
    'refused'
    """
    output = case["output"]
    try:
        result = evaluate(read_point(case["input"]))
    except InputError as error:
        return [Difference("input", "refused", str(error), "figures")]
    except MappingError as error:
        result = Result(False, (str(error),), 0, 0.0, 0.0, None, ())
    if not result.valid or not output["valid"]:
        return list(_verdict(result, output))
    leakage_pj = sum(level.leakage_pj for level in result.levels)
    return [
        *_count("cycles", result.cycles, output["cycles"]),
        # recorded cases give the total without leakage
        *_close("energy", "total energy", result.energy_pj - leakage_pj, output["energy_pJ"]),
        *(_compute(result.compute, output["levels"][result.compute.name]) if result.compute else ()),
        *(found for level in result.levels for found in _level(level, output["levels"][level.name])),
    ]


def _verdict(result: Result, output: Case) -> Iterator[Difference]:
    if result.valid != output["valid"]:
        yield Difference("valid", "verdict", "; ".join(result.reasons) or "valid", output.get("reason", "valid"))
        return
    named = TOO_SMALL.search(output.get("reason") or "")
    if named:
        level, need, have = named.groups()
        expected = f"level {level}: {need} words of capacity needed, {have} there"
        if expected not in result.reasons:
            yield Difference("reason", "verdict", "; ".join(result.reasons), expected)


def _compute(ours: ComputeResult, reference: Case) -> Iterator[Difference]:
    counts = {
        "cycles": ours.cycles,
        "algorithmic_computes": ours.algorithmic,
        "random_computes": ours.random,
        "gated_computes": ours.gated,
        "skipped_computes": ours.skipped,
    }
    for name, value in counts.items():
        yield from _count(f"{ours.name} {name}", value, reference[name])
    yield from _close(f"{ours.name} energy", "energy", ours.energy_pj, reference["energy"])
    # Timeloop keeps the average number of MACs at work in an integer (model/arithmetic.cpp)
    yield from _count(f"{ours.name} instances", int(ours.utilized_instances), reference["avg_utilized_instances"])


def _level(ours: LevelResult, reference: Case) -> Iterator[Difference]:
    yield from _count(f"{ours.name} cycles", ours.cycles, reference["cycles"])
    yield from _close(f"{ours.name} slowdown", "average", ours.slowdown, reference["slowdown"])
    for tensor, counts in ours.tensors.items():
        for name, value in _tensor_counts(counts).items():
            yield from _count(f"{ours.name} {tensor} {name}", value, _of(reference, name, tensor))
        for name, average in _averages(counts, reference["cycles"]).items():
            yield from _close(f"{ours.name} {tensor} {name}", "average", average, reference[name][tensor])
        yield from _close(f"{ours.name} {tensor} energy", "energy", counts.energy_pj, reference["energy"][tensor])


def _averages(counts: TensorCounts, cycles: int) -> dict[str, float]:
    """Instances, and words per cycle; in 0 cycles the latter mean nothing and are not recorded."""
    bandwidths = {
        "read_bandwidth": counts.read_bandwidth,
        "write_bandwidth": counts.write_bandwidth,
        "shared_bandwidth": counts.read_bandwidth + counts.write_bandwidth,
    }
    return {"utilized_instances": counts.utilized_instances, **(bandwidths if cycles else {})}


def _of(reference: Case, name: str, tensor: str) -> Any:
    """A figure of a tensor; a level that holds no metadata of it lists none."""
    if "_format_" not in name:
        return reference[name][tensor]
    return reference.get(name, {}).get(tensor, [])


def _tensor_counts(counts: TensorCounts) -> dict[str, Any]:
    """Every integer that Timeloop reports of a tensor in a level, under its name there."""
    formats = {
        f"{kind}_format_{op}": [list(rank) for rank in counts.format_accesses.get(f"{kind}_{op}", ())]
        for kind in KINDS
        for op in OPS
    }
    return {
        "reads": counts.reads,
        "fills": counts.fills,
        "updates": counts.updates,
        **counts.accesses,
        **formats,
        "utilized_capacity": counts.utilized_capacity,
        "partition_size": counts.partition_size,
        "temporal_reductions": counts.temporal_reductions,
        "address_generations": counts.address_generations,
    }


def _count(what: str, ours: Any, reference: Any) -> Iterator[Difference]:
    if ours != reference:
        yield Difference(what, "count", ours, reference)


def _close(what: str, figure: Figure, ours: float, reference: float) -> Iterator[Difference]:
    tolerance = AVERAGE_TOLERANCE if figure == "average" else ENERGY_TOLERANCE
    floor = AVERAGE_TOLERANCE if figure == "average" else 0.0
    if not isclose(ours, reference, rel_tol=tolerance, abs_tol=floor):
        yield Difference(what, figure, ours, reference)


def grade(differences: list[Difference]) -> Grade:
    """What the differences of one case amount to; `Agreement` says what the words mean.

    >>> grade([Difference("SMEM A reads", "count", 12, 13)])
    'close'
    """
    if not differences:
        return "equal"
    if any(found.figure == "refused" for found in differences):
        return "refused"
    return "close" if all(_is_close(found) for found in differences) else "different"


def _is_close(found: Difference) -> bool:
    match found.figure:
        case "total energy":
            return found.relative <= CLOSE_ENERGY
        case "count":
            return _apart(found.ours, found.reference) <= CLOSE_COUNTS
        case "energy" | "average":
            return True  # shares of one tensor: they follow from counts and instances, which the total holds together
        case _:
            return False


def _apart(ours: Any, reference: Any) -> float:
    """Largest distance between two counts, or between two lists of counts per rank."""
    if isinstance(ours, list) and isinstance(reference, list):
        same = len(ours) == len(reference)
        return max(map(_apart, ours, reference), default=0.0) if same else inf
    return float(abs(ours - reference))


def validate(paths: Iterable[Path]) -> list[Agreement]:
    """One row per family over all cases of some `.jsonl.gz` files, in the order in which families appear.

    Raises InputError where a file is not readable as cases.
    """
    graded: dict[str, list[tuple[str, list[Difference]]]] = {}
    for path in paths:
        for case in read_cases(path):
            graded.setdefault(case["family"], []).append((case["id"], compare(case)))
    return [_agreement(family, cases) for family, cases in graded.items()]


def _agreement(family: str, cases: list[tuple[str, list[Difference]]]) -> Agreement:
    grades = [grade(differences) for _, differences in cases]

    def worst(what: str) -> float:
        return max((d.relative for _, found in cases for d in found if d.what == what), default=0.0)

    return Agreement(
        family,
        len(cases),
        grades.count("equal"),
        grades.count("close"),
        grades.count("different"),
        grades.count("refused"),
        worst("cycles"),
        worst("energy"),
        tuple(name for (name, differences) in cases if differences),
    )


PAGE = """# Validation: the embedded engine against Timeloop

Generated by `python -m crisp_hw.validate FOLDER docs/validation.md`, where FOLDER holds recorded runs of
timeloop-model (`FAMILY.jsonl.gz`, described in tests/golden/README.md). Equal: verdict, cycles, every count, every
energy (1e-9) and every average (1e-5) agree. Close: every count within {counts}, total energy within {energy:g}.
Refused: the input asks for something that is not modelled, and an error says so.

| family | cases | equal | close | different | refused | worst cycles | worst energy |
|---|---|---|---|---|---|---|---|
{rows}

Not equal: {ids}.
"""


def page(agreements: Iterable[Agreement]) -> str:
    """The agreements as a Markdown page; the worst differences are relative.

    >>> "| dense | 2 | 2 | 0 | 0 | 0 | 0 | 0 |" in page([Agreement("dense", 2, 2, 0, 0, 0, 0.0, 0.0)])
    True
    """
    found = list(agreements)
    rows = [
        f"| {a.family} | {a.cases} | {a.equal} | {a.close} | {a.different} | {a.refused} "
        f"| {a.worst_cycles:.2g} | {a.worst_energy:.2g} |"
        for a in found
    ]
    ids = ", ".join(name for a in found if a.refused < a.cases for name in a.ids) or "none"
    return PAGE.format(counts=CLOSE_COUNTS, energy=CLOSE_ENERGY, rows="\n".join(rows), ids=ids)


def main(folder: Path, target: Path) -> None:
    """Compare every case of a folder and write the page, whole or not at all."""
    written = target.with_name(f"{target.name}.partial")
    written.write_text(page(validate(sorted(folder.glob("*.jsonl.gz")))), encoding="utf-8")
    written.replace(target)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
