"""What Timeloop's statistics print besides the Result: specifications, worst cases, and shares of metadata."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import assert_never

from crisp_hw.engine.arrays import Float, Int
from crisp_hw.engine.counted import Counted
from crisp_hw.engine.energy import action_energy, built_in_energy, compute_energy
from crisp_hw.engine.safs import metadata_bits
from crisp_hw.engine.safs.counts import KINDS, OPS
from crisp_hw.spec.arch import StorageLevel
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.patterns import (
    Actual,
    Banded,
    Density,
    FixedStructured,
    HybridBlocks,
    Hypergeometric,
    PatternedLines,
)
from crisp_hw.spec.result import FormatCounts, Result
from crisp_hw.spec.sparse import Rank


@dataclass(frozen=True)
class TensorDetail:
    """One tensor in one level: `lanes` are the instances that the mapping spans, `tile_words` the dense tile.

    `formats` are Timeloop's names of the ranks, outermost first (empty: no metadata); `worst` are the rank entries that
    storage must hold and `bits` the metadata bits moved, by "random_reads", "gated_reads", ....; `takes_time` is false
    where the MACs take 0 cycles.
    """

    lanes: int
    clusters: int
    word_bits: int
    tile_words: int
    distribution: str
    formats: tuple[str, ...]
    worst: FormatCounts
    bits: Mapping[str, int]
    takes_time: bool


@dataclass(frozen=True)
class Evaluated:
    """An evaluated design point with everything that is written about it.

    `sparse` says that a document of sparse optimizations was given, even an empty one: Timeloop then prints its other,
    longer form. `areas_um2` are per instance, by component; `metadata_bounded` are the levels whose documents give a
    depth of metadata, be it 0.
    """

    point: DesignPoint
    result: Result
    macs: int
    details: Mapping[tuple[str, str], TensorDetail]
    sparse: bool = False
    areas_um2: Mapping[str, float] = field(default_factory=dict)
    metadata_bounded: frozenset[str] = frozenset()

    @property
    def average_macs(self) -> float:
        """MACs at work on average: a whole number in HEAD, which keeps it in an integer (arithmetic.hpp)."""
        average = self.result.compute.utilized_instances if self.result.compute else 0.0
        return int(average) if self.point.design.rules.whole_macs else round(average, 2)

    def area_um2(self, component: str) -> float:
        """Area of one instance; a component that the area table lacks has none."""
        return self.areas_um2.get(component, 0.0)

    def action_pj(self, level: StorageLevel, kind: str, op: str, infix: str = "") -> float:
        """Energy of one action of a storage level."""
        return action_energy(self.point.design.energy, level, kind, op, infix)

    def mac_pj(self) -> float:
        """Energy of one multiply-accumulate."""
        design = self.point.design
        return compute_energy(design.energy, design.architecture.compute, "random")

    def named_pj(self, level: StorageLevel, action: str) -> float:
        """Energy of an action that has one name only; 0 where the table lacks it."""
        return self.point.design.energy.actions.get(level.name, {}).get(action, 0.0)

    def vector_access(self, level: StorageLevel) -> tuple[float, str]:
        """The largest energy of any action of a level, and whether it is from the table or built in."""
        actions = self.point.design.energy.actions.get(level.name)
        if actions is None:
            return built_in_energy(level), "PAT"
        return max(actions.values(), default=0.0) / level.cluster_size, "ERT"


def details_of(counted: Counted) -> dict[tuple[str, str], TensorDetail]:
    """The details of the first mapping of one structure, by level and tensor."""
    tiling = counted.tiling
    places = product(range(len(tiling.architecture.levels)), range(len(tiling.problem.tensors)))
    return {
        (tiling.architecture.levels[level].name, tiling.problem.tensors[t].name): _detail(counted, level, t)
        for level, t in places
    }


def _detail(counted: Counted, index: int, t: int) -> TensorDetail:
    level, tensor = counted.tiling.architecture.levels[index], counted.tiling.problem.tensors[t]
    stored, place = counted.sparse.ranks.get((index, t)), (index, t)
    has_metadata = stored is not None and stored.form is not None
    lanes = int(counted.sparse.provided(place)[0])
    worst = counted.sparse.occupancy[place].largest_units if has_metadata else []
    return TensorDetail(
        lanes=lanes,
        clusters=min(lanes, level.instances // level.cluster_size),
        word_bits=level.word_bits,
        tile_words=int(counted.traffic.tile[place][0]),
        distribution=_distribution(tensor.density),
        formats=tuple(_name(rank) for rank in reversed(stored.form.ranks)) if stored and stored.form else (),
        worst=tuple((_whole(m), _whole(p)) for m, p in worst),
        bits={
            f"{kind}_{op}": _bits(metadata_bits(counted.sparse.tally, level, place, stored, (kind, op)))
            for kind, op in product(KINDS, OPS)
        },
        takes_time=bool(counted.mac_cycles[0]),
    )


def _name(rank: Rank) -> str:
    """What Timeloop calls a format: its uncompressed one is a bitmask that packs nothing."""
    return "ub" if rank.format == "U" else rank.format.lower()


def _whole(entries: Float | None) -> int:
    return 0 if entries is None else -int(-entries[0] // 1)


def _bits(bits: Int | None) -> int:
    return 0 if bits is None else int(bits[0])


def _distribution(density: Density) -> str:
    """What Timeloop calls it (workload/density-models: GetDistributionType)."""
    match density:
        case FixedStructured():
            return "fixed_structured"
        case Hypergeometric():
            return "hypergeometric"
        case Banded(width):
            return f"banded-{width}"
        case Actual() | HybridBlocks() | PatternedLines():
            return type(density).__name__.lower()
    assert_never(density)
