"""Timeloop's figures as the Result that every backend returns."""

import math
from collections.abc import Iterable, Mapping

from crisp_hw.backends.timeloop.failure import ToolError
from crisp_hw.backends.timeloop.stats import Figures, LevelFigures, Number, Stats
from crisp_hw.spec.result import ComputeResult, FormatCounts, LevelResult, Result, TensorCounts, WireResult

_KINDS, _OPS = ("random", "gated", "skipped"), ("reads", "fills", "updates")
_PRINTED_UJ = 0.00501  # the total of stats.txt has two decimals
_PRINTED_SHARE = 0.0000501  # and so have percentages


def result(stats: Stats, assumptions: tuple[str, ...] = (), networks: tuple[WireResult, ...] = ()) -> Result:
    """Levels, networks, counts and energies of a valid mapping; energies in pJ, per instance where the nouns say so.

    A level lists the tensors that it keeps. Format accesses that Timeloop does not tell apart (0 bits) are left out,
    `density` is the share of words that moves, and metadata capacity is not in bits there, so it stays 0.
    Raises ToolError when a figure is missing or the energies do not add up to the total.
    """
    mac, *storage = stats.levels
    compute = _compute(mac)
    levels = tuple(_level(level) for level in storage)
    energy = compute.energy_pj + sum(level.energy_pj for level in levels) + sum(each.energy_pj for each in networks)
    printed = stats.summary["Energy"]
    if not abs(energy / 1e6 - printed) <= _PRINTED_UJ + 1e-9 * abs(printed):
        raise ToolError(f"levels and networks of stats.txt add up to {energy / 1e6:.4f} uJ, its total is {printed} uJ")
    cycles = int(stats.summary["Cycles"])
    return Result(
        valid=True,
        reasons=(),
        cycles=cycles,
        energy_pj=energy,
        utilization=_utilization(mac.own, stats.summary),
        compute=compute,
        levels=levels,
        assumptions=assumptions,
        networks=networks,
        network_cycles=cycles - max(compute.cycles, *(level.cycles for level in levels)),
    )


def _utilization(mac: Figures, summary: Mapping[str, float]) -> float:
    """Busy MACs over MACs and cycles, with all digits where that is what Timeloop rounded."""
    printed, cycles = summary["Utilization"] / 100, summary["Cycles"]
    busy = mac.numbers.get("random_computes", mac.numbers.get("algorithmic_computes", 0))
    exact = (busy + mac.numbers.get("gated_computes", 0)) / mac.numbers.get("instances", 1) / max(cycles, 1)
    return exact if abs(exact - printed) <= _PRINTED_SHARE else printed


def _compute(mac: LevelFigures) -> ComputeResult:
    own = mac.own
    algorithmic = _count_of(own, "algorithmic_computes", mac.name)
    return ComputeResult(
        name=mac.name,
        algorithmic=algorithmic,
        random=int(own.numbers.get("random_computes", algorithmic)),
        gated=int(own.numbers.get("gated_computes", 0)),
        skipped=int(own.numbers.get("skipped_computes", 0)),
        cycles=_count_of(own, "cycles", mac.name),
        utilized_instances=float(_either(own, ("utilized_instances", "largest_instances"), mac.name)),
        energy_pj=float(_either(own, ("total_energy",), mac.name)),
    )


def _level(level: LevelFigures) -> LevelResult:
    tensors = {name: _tensor(f"{level.name} {name}", figures) for name, figures in level.tensors.items()}
    leakage = float(_either(level.own, ("leakage_energy",), level.name))
    extra = sum(_beside_accesses(figures) for figures in level.tensors.values())
    energy = sum(
        float(_either(figures, ("total_energy",), f"{level.name} {name}")) for name, figures in level.tensors.items()
    )
    return LevelResult(
        name=level.name,
        tensors=tensors,
        cycles=_count_of(level.own, "cycles", level.name),
        slowdown=float(_either(level.own, ("slowdown",), level.name)),
        energy_pj=energy + extra + leakage,
        leakage_pj=leakage,
    )


def _beside_accesses(figures: Figures) -> float:
    """Adders of reductions and address generators, pJ over all instances; free in Timeloop's own tables."""
    numbers = figures.numbers
    instances = numbers.get("utilized_instances", numbers.get("largest_instances", 0))
    adders = numbers.get("temporal_reduction_energy", 0.0) * instances
    return float(adders + numbers.get("addr_gen_energy", 0.0) * numbers.get("utilized_clusters", 0))


def _tensor(where: str, figures: Figures) -> TensorCounts:
    counts = {op: _count_of(figures, op, where) for op in _OPS}
    accesses = {f"{kind}_{op}": _access(figures, kind, op) for kind in _KINDS for op in _OPS}
    most = max(_OPS, key=lambda op: counts[op])
    return TensorCounts(
        reads=counts["reads"],
        fills=counts["fills"],
        updates=counts["updates"],
        accesses=accesses,
        format_accesses=_formats(figures),
        utilized_capacity=_count_of(figures, "utilized_capacity", where),
        utilized_instances=float(_either(figures, ("utilized_instances", "largest_instances"), where)),
        partition_size=_count_of(figures, "partition_size", where),
        temporal_reductions=_count_of(figures, "temporal_reductions", where),
        address_generations=_count_of(figures, "address_generations", where),
        read_bandwidth=float(_either(figures, ("read_bandwidth",), where)),
        write_bandwidth=float(_either(figures, ("write_bandwidth",), where)),
        energy_pj=float(_either(figures, ("energy",), where)),
        density=accesses[f"random_{most}"] / counts[most] if counts[most] else 1.0,
        compressions=int(figures.numbers.get("compression_counts", 0)),
        decompressions=int(figures.numbers.get("decompression_counts", 0)),
    )


def _access(figures: Figures, kind: str, op: str) -> int:
    """An access of one kind; a dense module prints only how many there are, and all of them are random."""
    name = f"{kind}_{op}"
    if name in figures.numbers:
        return int(figures.numbers[name])
    return int(figures.numbers[op]) if kind == "random" else 0


def _formats(figures: Figures) -> dict[str, FormatCounts]:
    names = (f"{kind}_{op}" for kind in _KINDS for op in _OPS)
    ranks = {name: figures.ranks.get(f"{name.replace('_', '_format_', 1)}") for name in names}
    return {name: found for name, found in ranks.items() if found}


def _either(figures: Figures, names: Iterable[str], where: str) -> Number:
    """The first of some figures that is there and a number; ToolError where none is."""
    found = next((figures.numbers[name] for name in names if name in figures.numbers), math.nan)
    if not math.isfinite(found):
        raise ToolError(f"stats.txt has no {' or '.join(names)} of {where}", hint="Timeloop did not finish it")
    return found


def _count_of(figures: Figures, name: str, where: str) -> int:
    found = _either(figures, (name,), where)
    if found != int(found):
        raise ToolError(f"stats.txt has {name} {found} of {where}, which is a count", hint="it is not Timeloop's own")
    return int(found)
