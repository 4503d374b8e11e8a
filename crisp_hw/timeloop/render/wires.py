"""What the templates print of the network that Timeloop makes below a level."""

from crisp_hw.spec.arch import StorageLevel


def wire_attributes(level: StorageLevel) -> dict[str, float | int | str | None]:
    """Timeloop's attributes (model/network-legacy.cpp: ParseSpecs); None for what is not given.

    >>> from crisp_hw.spec.arch import Wires
    >>> found = wire_attributes(StorageLevel("RF", wires=Wires(router_pj=0.5, fill_cycles=2)))
    >>> {key: value for key, value in found.items() if value is not None}
    {'router_energy': 0.5, 'network_fill_latency': 2}
    """
    network, adds_up = level.wires, level.reduction_supported
    return {
        "network_word_bits": network.word_bits,
        "network_type": f'"{network.subtype}"' if network.subtype else None,
        "wire_energy": network.wire_pj_per_bit_mm,
        "tile_width": network.tile_width_um,
        "energy_per_hop": network.hop_pj,
        "router_energy": network.router_pj,
        "energy-per-ingress": network.ingress_pj,
        "network_fill_latency": network.fill_cycles or None,
        "network_drain_latency": network.drain_cycles or None,
        "reduction_supported": None if adds_up is None else str(adds_up).lower(),
    }
