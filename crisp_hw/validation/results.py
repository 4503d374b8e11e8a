"""Two results of one design point, count by count."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isclose

from crisp_hw.spec.result import ComputeResult, FormatCounts, LevelResult, Result, TensorCounts
from crisp_hw.spec.rules import same_rule
from crisp_hw.validation.compare import Difference, Figure

_COUNTS = (
    "reads",
    "fills",
    "updates",
    "utilized_capacity",
    "partition_size",
    "temporal_reductions",
    "address_generations",
    "compressions",
    "decompressions",
)
_AVERAGES = ("utilized_instances", "read_bandwidth", "write_bandwidth")
_PRINTED = 0.00501  # Timeloop prints two decimals; leakage is nowhere to be had with more


@dataclass(frozen=True)
class Tolerance:
    """How far two results may be apart: counts absolutely, energies and averages (instances, bandwidths) relatively.

    Both sides add the same products of counts and pJ, in another order. `cycles` is of the total (None: as `counts`);
    `count_share` of a count is allowed where that is more than `counts`. `rounded`: the reference's energies and
    averages were printed with two decimals.
    """

    counts: int = 0
    energy: float = 1e-9
    averages: float = 1e-5
    rounded: bool = False
    cycles: int | None = None
    count_share: float = 0.0


EXACT = Tolerance()
APPROXIMATED = Tolerance(counts=2, energy=1.1e-5, averages=1.2e-5, cycles=1, count_share=1.2e-5)
"""Where Timeloop's library approximates probabilities: the most of 85 layers of four networks (docs/backends.md)."""


def compare_results(ours: Result, reference: Result, tolerance: Tolerance = EXACT) -> list[Difference]:
    """Everything that both results hold and that differs by more than the tolerance; empty when they agree.

    Tensors that the reference does not list in a level must not have moved there; of an invalid mapping the verdict
    is compared, and the reasons that the reference gives must be among ours.

    >>> bad = Result(False, ("level RF: 3 words of capacity needed, 2 there",), 0, 0.0, 0.0, None, ())
    >>> compare_results(bad, bad), compare_results(bad, Result(True, (), 8, 1.0, 1.0, None, ()))[0].what
    ([], 'valid')
    """
    if not ours.valid or not reference.valid:
        return list(_validity(ours, reference))
    parts = len(ours.levels) + (sum(len(level.tensors) for level in ours.levels) + 1 if tolerance.rounded else 0)
    return [found for found in _figures(ours, reference, tolerance) if not _within(found, tolerance, parts)]


def _validity(ours: Result, reference: Result) -> Iterator[Difference]:
    if ours.valid != reference.valid:
        texts = ("; ".join(each.reasons) or "valid" for each in (ours, reference))
        yield Difference("valid", "verdict", *texts)
    elif missing := _missing(ours, reference):
        yield Difference("reason", "verdict", "; ".join(ours.reasons), "; ".join(missing))


def _missing(ours: Result, reference: Result) -> list[str]:
    """Reasons of the reference that are none of ours: by rule, place and numbers where both have all as values."""
    if all(len(each.failures) == len(each.reasons) for each in (ours, reference)):
        pairs = zip(reference.reasons, reference.failures, strict=True)
        return [said for said, failure in pairs if not any(same_rule(mine, failure) for mine in ours.failures)]
    return [said for said in reference.reasons if said not in ours.reasons]


def _figures(ours: Result, reference: Result, tolerance: Tolerance) -> Iterator[Difference]:
    """Every pair of figures, equal or not."""
    yield Difference("cycles", "cycles", ours.cycles, reference.cycles)
    yield Difference("energy", "total energy", ours.energy_pj, reference.energy_pj)
    if ours.compute and reference.compute:
        yield from _compute(ours.compute, reference.compute)
    names = [level.name for level in ours.levels]
    if names != [level.name for level in reference.levels]:
        yield Difference("levels", "verdict", names, [level.name for level in reference.levels])
        return
    for level, other in zip(ours.levels, reference.levels, strict=True):
        yield from _level(level, other, tolerance)
    yield Difference("network cycles", "count", ours.network_cycles, reference.network_cycles)
    yield Difference("uneven cycles", "count", ours.uneven_cycles, reference.uneven_cycles)
    yield from _wires(ours, reference)


def _wires(ours: Result, reference: Result) -> Iterator[Difference]:
    theirs = {network.name: network for network in reference.networks}
    if {network.name for network in ours.networks} != theirs.keys():
        yield Difference("networks", "verdict", [network.name for network in ours.networks], list(theirs))
        return
    for network in ours.networks:
        yield Difference(f"{network.name} energy", "energy", network.energy_pj, theirs[network.name].energy_pj)
        for tensor, counts in network.tensors.items():
            where, other = f"{network.name} {tensor}", theirs[network.name].tensors[tensor]
            for name in ("fanout", "linked", "reductions"):
                yield Difference(f"{where} {name}", "count", getattr(counts, name), getattr(other, name))
            for name in ("energy_pj", "link_energy_pj", "hops"):
                yield Difference(f"{where} {name}", "energy", getattr(counts, name), getattr(other, name))


def _compute(ours: ComputeResult, reference: ComputeResult) -> Iterator[Difference]:
    for name in ("cycles", "algorithmic", "random", "gated", "skipped"):
        yield Difference(f"{ours.name} {name} computes", "count", getattr(ours, name), getattr(reference, name))
    # Timeloop keeps the average number of MACs at work in an integer (model/arithmetic.cpp)
    instances = int(ours.utilized_instances), int(reference.utilized_instances)
    yield Difference(f"{ours.name} instances", "count", *instances)
    yield Difference(f"{ours.name} energy", "energy", ours.energy_pj, reference.energy_pj)


def _level(ours: LevelResult, reference: LevelResult, tolerance: Tolerance) -> Iterator[Difference]:
    yield Difference(f"{ours.name} cycles", "count", ours.cycles, reference.cycles)
    yield Difference(f"{ours.name} slowdown", "average", ours.slowdown, reference.slowdown)
    if not isclose(ours.leakage_pj, reference.leakage_pj, rel_tol=tolerance.energy, abs_tol=_PRINTED):
        yield Difference(f"{ours.name} leakage", "energy", ours.leakage_pj, reference.leakage_pj)
    for tensor, counts in ours.tensors.items():
        where = f"{ours.name} {tensor}"
        if tensor in reference.tensors:
            yield from _tensor(where, counts, reference.tensors[tensor])
        elif counts.reads or counts.fills or counts.updates:
            yield Difference(where, "count", counts.reads + counts.fills + counts.updates, 0)


def _tensor(where: str, ours: TensorCounts, reference: TensorCounts) -> Iterator[Difference]:
    for name in _COUNTS:
        yield Difference(f"{where} {name}", "count", getattr(ours, name), getattr(reference, name))
    for name, value in reference.accesses.items():
        yield Difference(f"{where} {name}", "count", ours.accesses.get(name, 0), value)
    yield from _formats(where, ours.format_accesses, reference.format_accesses)
    for name in _AVERAGES:
        yield Difference(f"{where} {name}", "average", getattr(ours, name), getattr(reference, name))
    yield Difference(f"{where} energy", "energy", ours.energy_pj, reference.energy_pj)


def _formats(
    where: str, ours: Mapping[str, FormatCounts], reference: Mapping[str, FormatCounts]
) -> Iterator[Difference]:
    """Entries per rank, innermost first, as far as the reference tells them."""
    for name, ranks in reference.items():
        found = ours.get(name, ())
        if len(found) != len(ranks):
            yield Difference(f"{where} {name} format ranks", "verdict", len(found), len(ranks))
            continue
        for number, (mine, theirs) in enumerate(zip(found, ranks, strict=True)):
            for kind, a, b in zip(("metadata", "payload"), mine, theirs, strict=True):
                yield Difference(f"{where} {name} rank {number} {kind}", "count", a, b)


def _within(found: Difference, tolerance: Tolerance, parts: int) -> bool:
    """`parts` is the number of addends of the total energy that may have been rounded."""
    figure: Figure = found.figure
    rounding = _PRINTED if tolerance.rounded else 0.0
    match figure:
        case "cycles":
            allowed = tolerance.counts if tolerance.cycles is None else tolerance.cycles
            return bool(abs(found.ours - found.reference) <= allowed)
        case "count":
            allowed = max(tolerance.counts, int(tolerance.count_share * abs(found.reference)))
            return bool(abs(found.ours - found.reference) <= allowed)
        case "energy":
            return isclose(found.ours, found.reference, rel_tol=tolerance.energy, abs_tol=rounding)
        case "total energy":
            return isclose(found.ours, found.reference, rel_tol=tolerance.energy, abs_tol=parts * _PRINTED)
        case "average":
            return isclose(found.ours, found.reference, rel_tol=tolerance.averages, abs_tol=rounding or 1e-5)
        case _:
            return False
