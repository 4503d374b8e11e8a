"""The networks that take energy in Timeloop's statistics (src/model/network-legacy.cpp: Print), in order of names."""

from collections.abc import Iterator, Sequence

from crisp_hw.spec.arch import Architecture, Wires
from crisp_hw.spec.result import WireCounts, WireResult
from crisp_hw.timeloop.stats.tensor import INDENT, figure

BOTH_WAYS = 3  # network.hpp: ConnectionType, ReadFill and UpdateDrain


def wire_lines(architecture: Architecture, networks: Sequence[WireResult]) -> Iterator[str]:
    """Everything between the title "Networks" and the next one, the empty line at its end included."""
    for number, network in enumerate(by_name(networks)):
        level = architecture.level(network.level)
        bits = level.word_bits if level.wires.word_bits is None else level.wires.word_bits
        yield from (f"Network {number}", "---------", network.name, "", f"{INDENT}SPECS", f"{INDENT}-----")
        yield from (f"{INDENT * 2}{name:<16}: {value}" for name, value in _specs(level.wires, bits).items())
        yield from ("", f"{INDENT}STATS", f"{INDENT}-----")
        for tensor, counts in network.tensors.items():
            yield f"{INDENT}{tensor}:"
            yield from _tensor(counts, network.hop_pj)
        yield ""
    yield ""


def by_name(networks: Sequence[WireResult]) -> list[WireResult]:
    """Timeloop keeps its networks in a map, sorted by name."""
    return sorted(networks, key=lambda network: network.name)


def _specs(network: Wires, bits: int) -> dict[str, str]:
    return {
        "Type": "Legacy",
        "Legacy sub-type": network.subtype.replace(":", "_"),
        "ConnectionType": str(BOTH_WAYS),
        "Word bits": str(bits),
        "Router energy": f"{_given(network.router_pj)} pJ",
        "Wire energy": f"{_given(network.wire_pj_per_bit_mm)} pJ/b/mm",
        "Ingress energy": f"{_given(network.ingress_pj)} pJ",
        "Fill latency": str(network.fill_cycles),
        "Drain latency": str(network.drain_cycles),
    }


def _given(value: float | None) -> str:
    return "-" if value is None else figure(value)


def _tensor(counts: WireCounts, hop_pj: float) -> Iterator[str]:
    """Counts and energies of one tensor; the adders of reductions cost nothing, as in Timeloop's own tables."""
    yield _row("Fanout", str(counts.fanout))
    yield _row("Multicast factor", str(max((receivers for receivers, _, _ in counts.ingresses), default=0)))
    yield _row("Ingresses", figure(sum(words for _, _, words in counts.ingresses)))
    for receivers, scatter, words in counts.ingresses:
        yield f"{INDENT * 3}@multicast {receivers} @scatter {scatter}: {figure(words)}"
    energies = {
        "Link transfers": str(counts.linked),
        "Spatial reductions": str(counts.reductions),
        "Average number of hops": figure(counts.hops),
        "Energy (per-hop)": f"{figure(hop_pj * 1000)} fJ",
        "Energy (per-instance)": f"{figure(counts.energy_pj)} pJ",
        "Energy (total)": f"{figure(counts.energy_pj * counts.instances)} pJ",
        "Link transfer energy (per-instance)": f"{figure(counts.link_energy_pj)} pJ",
        "Link transfer energy (total)": f"{figure(counts.link_energy_pj * counts.instances)} pJ",
        "Spatial Reduction Energy (per-instance)": "0.00 pJ",
        "Spatial Reduction Energy (total)": "0.00 pJ",
    }
    yield from (_row(name, value) for name, value in energies.items())


def _row(name: str, value: str) -> str:
    return f"{INDENT * 2}{name:<40}: {value}"
