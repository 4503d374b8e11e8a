"""Networks between levels: hops, routers, energy and latency (docs/model.md, section 8.1).

Timeloop: model/network-legacy.cpp, model/topology.cpp FloorPlan. SAFs save nothing here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crisp_hw.engine.instances import instances
from crisp_hw.engine.tiling import Bool, Float, Int, Tiling
from crisp_hw.engine.traffic import Traffic
from crisp_hw.engine.wire_traffic import Record, Stream, collapsed, raw_streams
from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
from crisp_hw.spec.dialect import Rules

UM_PER_MM = 1000.0


@dataclass(frozen=True)
class Carried:
    """What the network of one level does for one tensor, [b] each; counts and energies per instance of the level.

    `words` enter it, `hops` is the sum over them, `routers` those that they pass; of an output `reductions` are the
    partial sums that meet on their way. `instances` are those of the level that the mapping spans.
    """

    stream: Stream
    words: Float
    hops: Float
    routers: Int
    energy_pj: Float
    link_pj: Float
    reductions: Int
    instances: Int

    @property
    def total_pj(self) -> Float:
        """All instances."""
        return (self.energy_pj + self.link_pj) * self.instances


def hop_energy(level: StorageLevel) -> float:
    """pJ that moving one word by one hop below a level costs: as given, or bits x mm x pJ.

    >>> from crisp_hw.spec.arch import Wires
    >>> wires = Wires(wire_pj_per_bit_mm=0.25, tile_width_um=500.0)
    >>> hop_energy(StorageLevel("RF", word_bits=8, wires=wires)), hop_energy(StorageLevel("RF"))
    (1.0, 0.0)
    """
    network = level.wires
    if network.hop_pj is not None:
        return network.hop_pj
    bits = level.word_bits if network.word_bits is None else network.word_bits
    return bits * ((network.tile_width_um or 0.0) / UM_PER_MM) * (network.wire_pj_per_bit_mm or 0.0)


def costs(level: StorageLevel) -> bool:
    """Does the network of a level take any energy?"""
    return bool(level.wires.router_pj or level.wires.ingress_pj or hop_energy(level))


def transit_cycles(tiling: Tiling) -> int:
    """Cycles that filling and draining all networks adds to a run (topology.cpp: total_network_latency_; D12)."""
    if not tiling.rules.network_latency:
        return 0
    return sum(level.wires.fill_cycles + level.wires.drain_cycles for level in tiling.architecture.levels)


def reduces(level: StorageLevel) -> bool:
    """Does a level add up what arrives, so that an output word need not be sent back first? (buffer.cpp)"""
    return level.technology != "DRAM" if level.reduction_supported is None else level.reduction_supported


def tile_widths(architecture: Architecture, areas_um2: Mapping[str, float]) -> tuple[float, ...]:
    """The length of one hop below each level in um: the side of the square that one child and all in it fill.

    `areas_um2` are per instance, by component; what is not in it has none (topology.cpp: FloorPlan).

    >>> from crisp_hw.spec.arch import ComputeLevel
    >>> levels = (StorageLevel("RF", instances=2), StorageLevel("DRAM", "DRAM"))
    >>> tile_widths(Architecture(levels, ComputeLevel(instances=8)), {"MAC": 4.0, "RF": 9.0})
    (2.0, 5.0)
    """
    parts: tuple[ComputeLevel | StorageLevel, ...] = (architecture.compute, *architecture.levels)
    area, inner, widths = 0.0, 0, []
    for part in parts:
        area = areas_um2.get(part.name, 0.0) + area * (inner // part.instances)
        inner = part.instances
        widths.append(float(np.sqrt(area)))
    return tuple(widths[:-1])


def carried_by_wires(tiling: Tiling, traffic: Traffic) -> dict[tuple[int, int], Carried]:
    """What every network that takes energy carries, by level and tensor; empty, and no work, where none does."""
    levels = tiling.architecture.levels
    wired = [index for index, level in enumerate(levels) if costs(level)]
    if not wired:
        return {}
    found = {}
    for t, (tensor, raw) in enumerate(zip(tiling.problem.tensors, raw_streams(tiling), strict=True)):
        streams = collapsed(tiling, tensor, raw)
        for index in wired:
            stream = streams[index]
            if tensor.is_output and not reduces(levels[index]):
                _send_back(stream, traffic.partition[index, t])
            spatial = [j for j in tiling.loops(index) if tiling.active[j] and not tiling.temporal(j)]
            route = _Route(levels[index], tiling.product(spatial), tensor.is_output, tiling.rules)
            found[index, t] = _carried(route, stream, instances(tiling, index))
    return found


def _send_back(stream: Stream, partition: Int) -> None:
    """A level that cannot add up sends every partial sum inwards first, but for the first of each word."""
    for record in stream.records.values():
        record.words = np.where(record.words > 0, 2 * record.words - partition, 0.0)


@dataclass(frozen=True)
class _Route:
    """Where a stream goes: the level that sends it, receivers of one instance int64[b], and whether sums come back."""

    level: StorageLevel
    fanout: Int
    is_output: bool
    rules: Rules

    def hops_and_routers(self, receivers: int, record: Record, moves: Bool) -> tuple[Float, Float]:
        """(hops, routers) of a mean word of a record; 0 where none moves."""
        if self.rules.hops_by_lane:
            each = np.divide(record.hops, record.words, out=np.zeros_like(record.hops), where=moves)
            return each, 1 + np.floor(each)
        each = mean_hops(receivers, self.fanout)
        return each, 1 + each


def mean_hops(receivers: int, fanout: Int) -> Float:
    """Hops of a word to some of `fanout` receivers, wherever they are: D11 (network-legacy.cpp: NumHops, until 2023).

    With m receivers of each word and f in all, sqrt(f m) + (sqrt(f) - sqrt(m)) / 2 - sqrt(f / m) + 1/2.

    >>> mean_hops(1, np.array([1, 4, 16])).tolist(), mean_hops(16, np.array([16])).tolist()
    ([0.5, 1.0, 2.0], [15.5])
    """
    together, lanes = np.sqrt(receivers), np.sqrt(fanout.astype(np.float64))
    found: Float = together * lanes + 0.5 * (lanes - together) - lanes / together + 0.5
    return found


def _carried(route: _Route, stream: Stream, used: Int) -> Carried:
    """Hops, routers and energy of a stream (network-legacy.cpp: ComputeNetworkEnergy)."""
    hops, routers, sums = (np.zeros_like(stream.linked) for _ in range(3))
    for key in sorted(stream.records):
        record = stream.records[key]
        moves = record.words > 0
        each, passed = route.hops_and_routers(key[0], record, moves)
        hops = hops + np.where(moves, each * record.words, 0.0)
        routers = np.floor(routers + np.where(moves, passed * record.words, 0.0))
        sums = np.floor(sums + route.is_output * (key[0] - 1) * record.words)
    network = route.level.wires
    words, hop, router = stream.words_sent(), hop_energy(route.level), network.router_pj or 0.0
    ingress = (network.ingress_pj or 0.0) * route.rules.ingress_energy
    energy = hops * hop + routers * router + words * ingress
    link = np.floor(stream.linked) * (hop + 2 * router)
    return Carried(stream, words, hops, routers.astype(np.int64), energy, link, sums.astype(np.int64), used)
