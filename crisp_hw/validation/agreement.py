"""Families of recorded cases: how many of them agree, and how closely."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path
from typing import Any, Literal

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.files import MIB, FileKind, opened
from crisp_hw.machine.foreign import in_our_words
from crisp_hw.machine.yaml_files import listed
from crisp_hw.validation.compare import Case, Difference, compare
from crisp_hw.validation.queued import compare_queued, is_queued, missing_of

CASES = FileKind("a file of recorded cases", 1024 * MIB, "give FAMILY.jsonl.gz")
LINE_BYTES = 64 * MIB  # of one case; the longest recorded one has 0.1 MiB
CLOSE_COUNTS = 2  # counts are rounded expectations: one that should be whole falls either way in floating point
CLOSE_ENERGY = 1e-4

ARTIFACT = "micro22"
ARTIFACT_ENERGY = {"DSTC": 2e-5}
"""Relative, of the total, by design; DSTC packs nonzeros by a formula that was inferred."""
ARTIFACT_ENERGY_OTHERS = 1e-6

Grade = Literal["equal", "close", "different", "refused"]


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
    """The cases of one `.jsonl` or `.jsonl.gz` file; InputError names the file and the line that is not a case."""
    found = False
    with opened(path, CASES) as stream:
        binary = gzip.GzipFile(fileobj=stream) if path.suffix == ".gz" else stream
        lines = iter(partial(binary.readline, LINE_BYTES), b"")
        for number, line in enumerate(_readable(path, lines), 1):
            try:
                case = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{path}, line {number}: not JSON", hint="record the case again") from error
            yield _case(case, f"{path}, line {number}")
            found = True
    if not found:
        raise InputError(f"{path}: holds no recorded case", hint="record some, or leave the file out")


def _case(case: Any, place: str) -> Case:
    """It, when it has what a case needs."""
    if isinstance(case, dict) and is_queued(case):
        if missing := missing_of(case):
            raise InputError(f"{place}: a case of PEs with queues needs {listed(missing)}")
    elif not isinstance(case, dict) or not {"id", "family", "input", "output"} <= case.keys():
        raise InputError(f"{place}: a case needs id, family, input and output")
    return case


def _readable(path: Path, lines: Iterable[bytes]) -> Iterator[str]:
    try:
        yield from (line.decode() for line in lines)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(
            f"not a file of recorded cases ({in_our_words(error)})", Where(mark=Mark(str(path))), "give FAMILY.jsonl.gz"
        ) from error


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
        case "count" | "cycles":
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

    The designs of the MICRO 2022 artifact are families of their own. Raises InputError where a file is not readable as
    cases.
    """
    graded: dict[str, list[tuple[str, list[Difference]]]] = {}
    for path in paths:
        for case in read_cases(path):
            graded.setdefault(family_of(case), []).append((case["id"], differences_of(case)))
    return [_agreement(family, cases) for family, cases in graded.items()]


def differences_of(case: Case) -> list[Difference]:
    """What a case differs in, by the model that it was recorded for; empty when every figure agrees."""
    return compare_queued(case) if is_queued(case) else compare(case)


def family_of(case: Case) -> str:
    """The family that a case counts to; the artifact's designs stand in the names of its output folders.

    >>> family_of({"family": "micro22", "id": "layer1/STC_flexible-RF2x-24-bandwidth-RLE"})
    'micro22 STC_flexible-RLE'
    """
    if case["family"] != ARTIFACT:
        return str(case["family"])
    design = str(case["id"]).rpartition("/")[2]
    return f"{ARTIFACT} {design.replace('-RF2x-24-bandwidth', '')}"


def holds(found: Agreement, least_equal: float) -> bool:
    """Does a family agree: all equal or close, and a share of `least_equal` equal?

    Of the artifact's dialect, which has an inferred part, cycles must be exact and the total energy within
    `ARTIFACT_ENERGY`; its counts are not judged.
    """
    name, _, design = found.family.partition(" ")
    if name == ARTIFACT:
        allowed = ARTIFACT_ENERGY.get(design, ARTIFACT_ENERGY_OTHERS)
        return found.refused == 0 and found.worst_cycles == 0 and found.worst_energy <= allowed
    return found.different + found.refused == 0 and found.equal >= least_equal * found.cases


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
