"""Everything that an evaluation computes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from crisp_hw.spec.rules import Failure, sentence
from crisp_hw.spec.shown import listed

FormatCounts = tuple[tuple[int, int], ...]
"""(metadata, payload) accesses of each rank, innermost first."""


@dataclass(frozen=True)
class TensorCounts:
    """Accesses to one tensor in one instance of a storage level; words, or rank entries for the format counts.

    `accesses` and `format_accesses` are keyed "random_reads", "gated_reads", "skipped_reads", "random_fills", ...,
    "skipped_updates". `energy_pj` is per instance, `utilized_instances` is an average and may be fractional,
    bandwidths are words per cycle and instance.
    """

    reads: int
    fills: int
    updates: int
    accesses: Mapping[str, int]
    format_accesses: Mapping[str, FormatCounts]
    utilized_capacity: int
    utilized_instances: float
    partition_size: int
    temporal_reductions: int
    address_generations: int
    read_bandwidth: float
    write_bandwidth: float
    energy_pj: float
    action_energy_pj: Mapping[str, float] = field(default_factory=dict)
    metadata_capacity_bits: int = 0
    density: float = 1.0
    compressions: int = 0
    decompressions: int = 0


@dataclass(frozen=True)
class LevelResult:
    """One storage level: its tensors, its own cycle count, and the energy of all its instances in pJ.

    `leakage_pj` is the part of `energy_pj` that no access causes.
    """

    name: str
    tensors: Mapping[str, TensorCounts]
    cycles: int
    slowdown: float
    energy_pj: float
    leakage_pj: float = 0.0


@dataclass(frozen=True)
class WireCounts:
    """One tensor in the network below a storage level, per instance of that level (there are `instances`).

    `ingresses` are (receivers of each word, words per step, words that enter the network); `hops` is their mean,
    `linked` are words that mesh neighbours hand on, `reductions` partial sums that meet on the way.
    """

    fanout: int
    instances: int
    ingresses: tuple[tuple[int, int, float], ...]
    hops: float
    linked: int
    reductions: int
    energy_pj: float
    link_energy_pj: float


@dataclass(frozen=True)
class WireResult:
    """The network from a storage level to what lies inside it, "DRAM <==> SMEM"; `energy_pj` is of all instances."""

    name: str
    level: str
    tensors: Mapping[str, WireCounts]
    hop_pj: float
    energy_pj: float


@dataclass(frozen=True)
class ComputeResult:
    """The MAC array: totals over all instances, energy in pJ."""

    name: str
    algorithmic: int
    random: int
    gated: int
    skipped: int
    cycles: int
    utilized_instances: float
    energy_pj: float


@dataclass(frozen=True)
class Result:
    """The evaluation of one design point; `reasons` is empty when the mapping is valid.

    `failures` are the broken rules as values, of which `reasons` are the sentences. A reason that another program gave
    in words of its own, or a result that was kept before rules were values, has a sentence alone.

    Levels stand innermost first. `energy_pj` is the sum over levels, compute and networks, DRAM and leakage included.
    `networks` are those that take energy, innermost first; `network_cycles` is what they add to `cycles`,
    `uneven_cycles` what waiting for the slowest of parts that share work unevenly adds, counted beside the model.
    """

    valid: bool
    reasons: tuple[str, ...]
    cycles: int
    energy_pj: float
    utilization: float
    compute: ComputeResult | None
    levels: tuple[LevelResult, ...]
    assumptions: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    networks: tuple[WireResult, ...] = ()
    network_cycles: int = 0
    failures: tuple[Failure, ...] = ()
    uneven_cycles: int = 0

    def __repr__(self) -> str:
        if not self.valid:
            return f"<Result: not valid, because {listed(self.reasons, 1)}>"
        return f"<Result: {self.cycles:,} cycles, {self.energy_pj / 1e6:,.3f} uJ, bound by {self.bound_by}>"

    @property
    def imbalance(self) -> float:
        """Cycles over those of work that is shared evenly; 1 where nothing else is counted."""
        even = self.cycles - self.uneven_cycles
        return self.cycles / even if even else 1.0

    @property
    def bound_by(self) -> str:
        """The level whose cycles are the total less the networks': the compute array, or the first that exceeds it."""
        slowest = self.cycles - self.network_cycles - self.uneven_cycles
        if self.compute is None or slowest == self.compute.cycles:
            return self.compute.name if self.compute else ""
        return next(level.name for level in self.levels if level.cycles == slowest)


def unmapped(failures: tuple[Failure, ...], assumptions: tuple[str, ...] = ()) -> Result:
    """The result of a mapping that has no figures because of some rules."""
    reasons = tuple(map(sentence, failures))
    return Result(False, reasons, 0, 0.0, 0.0, None, (), assumptions, failures=failures)
