"""A bundle's designs evaluated again, and what differs from the recorded results."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crisp_hw.backends import backend
from crisp_hw.backends.timeloop.run import is_rounded
from crisp_hw.bundles.beyond import restored
from crisp_hw.bundles.pack import Bundle
from crisp_hw.documents.columns import table
from crisp_hw.documents.document import Document, versions
from crisp_hw.errors import CrispError
from crisp_hw.report.records import Record
from crisp_hw.spec.documents.verdicts import REPLAY, REPLAY_DIFFERENCES
from crisp_hw.spec.result import Result
from crisp_hw.timeloop.read.point import read_point
from crisp_hw.timeloop.yaml.texts import merged
from crisp_hw.uneven import with_cycles
from crisp_hw.validation.compare import Difference
from crisp_hw.validation.results import EXACT, Tolerance, compare_results

SCHEMA = "crisp-hw/replay/1"


@dataclass(frozen=True)
class Replayed:
    """One design: the recorded result, the one of now (None: `error` says why), and what differs."""

    arch: str
    layer: str
    recorded: Result
    now: Result | None
    differences: tuple[Difference, ...]
    error: str | None = None

    @property
    def equal(self) -> bool:
        """Is everything as recorded?"""
        return not self.differences and self.error is None


def replay(bundle: Bundle, name: str | None = None, tolerance: Tolerance = EXACT) -> Iterator[Replayed]:
    """Every design of a bundle through a backend (None: the recorded one), compared with what was recorded.

    `Difference.ours` is of now, `reference` recorded. A design that is refused now is a Replayed with an `error`;
    an unknown backend raises InputError.
    """
    run = backend(name or bundle.manifest.backend)
    designs = zip(bundle.manifest.designs, bundle.documents, bundle.beyond, bundle.results, strict=True)
    for entry, documents, beyond, recorded in designs:
        try:
            now = run(restored(read_point(merged(documents)), beyond, bundle.masks))
        except CrispError as error:
            yield Replayed(entry.arch, entry.layer, recorded, None, (), str(error))
            continue
        now = with_cycles(now, now.cycles + recorded.uneven_cycles)  # which was counted from masks, beside the design
        yield Replayed(entry.arch, entry.layer, recorded, now, tuple(_differences(now, recorded, tolerance)))


def _differences(now: Result, recorded: Result, tolerance: Tolerance) -> Iterator[Difference]:
    """The result that tells less (Timeloop leaves out what did not move) is the one that sets what is compared."""
    rounded = is_rounded(now) or is_rounded(recorded)
    allowed = Tolerance(tolerance.counts, tolerance.energy, tolerance.averages, rounded)
    if _told(now) >= _told(recorded):
        yield from compare_results(now, recorded, allowed)
        return
    for found in compare_results(recorded, now, allowed):
        yield Difference(found.what, found.figure, found.reference, found.ours)


def _told(result: Result) -> int:
    return sum(1 + len(counts.format_accesses) for level in result.levels for counts in level.tensors.values())


def replay_document(bundle: Bundle, found: Sequence[Replayed]) -> Document:
    """One row per design, then one per figure that is not as recorded, with the versions that changed."""
    designs = [_design_record(each) for each in found]
    differences = [_record(each, difference) for each in found for difference in each.differences]
    equal = sum(each.equal for each in found)
    now, then = versions(), bundle.manifest.versions
    names = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    remarks = {
        "verdict": (f"{equal} of {len(found)} designs as recorded",),
        "versions": tuple(f"{name} {then.get(name, 'none')} then, {now.get(name, 'none')} now" for name in names),
    }
    tables = [table(f"replay of {bundle.manifest.network}", REPLAY.columns, designs)]
    if differences:
        tables.append(table("differences", REPLAY_DIFFERENCES.columns, differences))
    content = {
        "schema": SCHEMA,
        "bundle": bundle.manifest.model_dump(include={"network", "backend", "tool", "versions", "source", "options"}),
        "versions": now,
        "designs": designs,
        "differences": differences,
    }
    return Document("replay", tuple(tables), remarks, differences, content)


def _design_record(each: Replayed) -> Record:
    return {
        "arch": each.arch,
        "layer": each.layer,
        "verdict": "refused" if each.error else "equal" if each.equal else "different",
        "cycles": each.now.cycles if each.now else None,
        "recorded_cycles": each.recorded.cycles,
        "energy_uj": each.now.energy_pj * 1e-6 if each.now else None,
        "recorded_energy_uj": each.recorded.energy_pj * 1e-6,
        "error": each.error,
    }


def _record(each: Replayed, difference: Difference) -> Record:
    return {
        "arch": each.arch,
        "layer": each.layer,
        "figure": difference.what,
        "now": str(difference.ours),
        "recorded": str(difference.reference),
        "relative": difference.relative_text,
    }
