"""One recorded case against the embedded engine, figure by figure."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, isclose, isfinite
from typing import Any, Literal

from crisp_hw.backends.timeloop.failure import rejections
from crisp_hw.engine.evaluate import evaluate
from crisp_hw.errors import InputError, MappingError
from crisp_hw.spec.dialect import Dialect
from crisp_hw.spec.result import ComputeResult, LevelResult, Result, TensorCounts, WireResult
from crisp_hw.spec.rules import same_rule
from crisp_hw.timeloop.read.point import read_point

ENERGY_TOLERANCE = 1e-9  # relative; both sides add the same products of counts and pJ
AVERAGE_TOLERANCE = 1e-5  # instances and bandwidths: Timeloop prints six digits
PJ_PER_UJ, PRINTED_UJ = 1e6, 0.01
KINDS, OPS = ("random", "gated", "skipped"), ("reads", "fills", "updates")

Case = dict[str, Any]
Figure = Literal["verdict", "refused", "cycles", "count", "average", "energy", "total energy", "exact"]


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

    @property
    def relative_text(self) -> str | None:
        """The same for tables; None where it is infinite."""
        return f"{self.relative:.1e}" if isfinite(self.relative) else None


def compare(case: Case) -> list[Difference]:
    """Every figure of a recorded case that the embedded engine gives differently; empty when all agree.

    Compared are the verdict (of an invalid mapping also the rules that it breaks, where the record has them), cycles,
    all counts, energies to 1e-9, instances and bandwidths to 1e-5. Input that is not modelled is one difference,
    "refused". A case of the family "micro22" is read and evaluated in that dialect.

    >>> compare({"input": {}, "output": {"valid": True}})[0].figure
    'refused'
    """
    output = case["output"]
    try:
        result = evaluate(read_point(case["input"], dialect_of(case)))
    except InputError as error:
        return [Difference("input", "refused", str(error), "figures")]
    except MappingError as error:
        result = Result(False, (str(error),), 0, 0.0, 0.0, None, ())
    if not result.valid or not output["valid"]:
        return list(_validity(result, output))
    leakage_pj = sum(level.leakage_pj for level in result.levels)
    return [
        *_count("cycles", result.cycles, output["cycles"]),
        # recorded cases give the total without leakage
        *_close("energy", "total energy", result.energy_pj - leakage_pj, output["energy_pJ"]),
        *_printed(result.energy_pj / PJ_PER_UJ, output["energy_uJ_printed"]),
        *(_compute(result.compute, output["levels"][result.compute.name]) if result.compute else ()),
        *(found for level in result.levels for found in _level(level, output["levels"][level.name])),
        *_wires(result.networks, output.get("networks", {})),
    ]


def dialect_of(case: Case) -> Dialect:
    """The program that a case was recorded with; "head" unless its family says otherwise.

    >>> dialect_of({"family": "micro22"}), dialect_of({"family": "dense"})
    ('micro22', 'head')
    """
    return "micro22" if case.get("family") == "micro22" else "head"


def _printed(ours_uj: float, reference_uj: float) -> Iterator[Difference]:
    """The total with leakage, of which Timeloop prints two decimals of uJ."""
    if abs(ours_uj - reference_uj) > PRINTED_UJ / 2 * (1 + ENERGY_TOLERANCE) + ENERGY_TOLERANCE * abs(reference_uj):
        yield Difference("energy with leakage in uJ", "total energy", ours_uj, reference_uj)


def _validity(result: Result, output: Case) -> Iterator[Difference]:
    if result.valid != output["valid"]:
        yield Difference("valid", "verdict", "; ".join(result.reasons) or "valid", output.get("reason", "valid"))
        return
    for expected in rejections(output.get("reason") or ""):
        if expected.failure and not any(same_rule(ours, expected.failure) for ours in result.failures):
            yield Difference("reason", "verdict", "; ".join(result.reasons), expected.reason)


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
    busy, theirs = ours.utilized_instances, reference["avg_utilized_instances"]
    # HEAD keeps the average number of MACs at work in an integer (model/arithmetic.cpp)
    yield from _close(f"{ours.name} instances", "average", int(busy) if isinstance(theirs, int) else busy, theirs)


def _level(ours: LevelResult, reference: Case) -> Iterator[Difference]:
    yield from _count(f"{ours.name} cycles", ours.cycles, reference["cycles"])
    yield from _close(f"{ours.name} slowdown", "average", ours.slowdown, reference["slowdown"])
    for tensor, counts in ours.tensors.items():
        for name, value in _tensor_counts(counts).items():
            yield from _count(f"{ours.name} {tensor} {name}", value, _of(reference, name, tensor))
        for name, average in _averages(counts, reference["cycles"]).items():
            yield from _close(f"{ours.name} {tensor} {name}", "average", average, reference[name][tensor])
        yield from _close(f"{ours.name} {tensor} energy", "energy", counts.energy_pj, reference["energy"][tensor])


def _wires(ours: tuple[WireResult, ...], reference: Case) -> Iterator[Difference]:
    """Networks that take energy; cases without any list none."""
    yield from _count("networks", sorted(network.name for network in ours), sorted(reference))
    for network in ours:
        theirs = reference.get(network.name)
        if theirs is None:
            continue
        yield from _close(f"{network.name} energy", "energy", network.energy_pj, theirs["total_energy_pJ"])
        yield from _close(f"{network.name} hop", "energy", network.hop_pj, theirs["energy_per_hop"])
        for tensor, counts in network.tensors.items():
            where = f"{network.name} {tensor}"
            whole = {
                "fanout": counts.fanout,
                "multicast_factor": max((receivers for receivers, _, _ in counts.ingresses), default=0),
                "link_transfers": counts.linked,
                "spatial_reductions": counts.reductions,
            }
            for name, value in whole.items():
                yield from _count(f"{where} {name}", value, theirs[name][tensor])
            exact = {"num_hops": counts.hops, "energy": counts.energy_pj, "link_transfer_energy": counts.link_energy_pj}
            for name, number in exact.items():
                yield from _close(f"{where} {name}", "energy", number, theirs[name][tensor])


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
