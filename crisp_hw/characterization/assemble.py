"""Circuits to costs: SRAM arrays from the grid or from CACTI, logic and DRAM from cited tables, scaled to the node."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import assert_never

from crisp_hw.characterization.cacti import CYCLE_S, ask, find_cacti
from crisp_hw.characterization.components import SELECTION, Circuit, Dram, Latches, Mac, Overhead, Sram, words
from crisp_hw.characterization.grid import deepened, interpolate, load_grid
from crisp_hw.characterization.scaling import (
    REFERENCE_NM,
    WIRE_SOURCE,
    area_factor,
    energy_factor,
    scaling_note,
    wire_factor,
)
from crisp_hw.characterization.sram import SramArray, SramNumbers, check_node
from crisp_hw.characterization.table import EnergyData, MeasuredCircuit, load_energy
from crisp_hw.errors import InputError
from crisp_hw.spec.arch import OperandBits
from crisp_hw.spec.characterization import Characterization, Component, Cost

Arrays = Callable[[SramArray], tuple[SramNumbers, str]]
"""An array's numbers and where they come from."""
OVERHEAD_PARTS = {"selection": "mux_4to1_8b", "offset_decoder": "onehot_4", "index_decoder": "add_int32_aladdin"}
NO_LEAK = Cost(0.0, "not given; assumed because the gated energy is already the idle energy")
NO_DRAM_LEAK = Cost(0.0, "not given; assumed because the energy per bit is all that is published")
ASSUMED = (
    "an access moves one vector of its level; SRAM arrays narrower than 32 bits are charged as 32 bits",
    "metadata of a level that keeps operands: an array of its own, 2 bits for each word that the level can hold",
    "wires between levels, the reduction tree, the clock tree and control are not charged (wire and adder: listed)",
)


def from_grid(array: SramArray) -> tuple[SramNumbers, str]:
    """Numbers of the committed grid; of a shallower array those of its shallowest. InputError beyond it."""
    grid = load_grid()
    held = deepened(grid, array)
    how = "from" if grid.holds(held) else "interpolated in"
    charged = "" if held == array else f", charged as {held}"
    return interpolate(grid, held), f"{array}{charged}: {how} the grid of {grid.source}"


def from_cacti(array: SramArray) -> tuple[SramNumbers, str]:
    """Numbers of CACTI itself; InputError where it is missing."""
    tool = find_cacti()
    found = ask(array, tool)
    return found.numbers, f"{array}: hwcomponents-cacti {tool.version}, {tool.setup}, {found.asked}"


def assemble(method: str, circuits: tuple[Circuit, ...], arrays: Arrays, node_nm: int) -> Characterization:
    """The costs of all circuits at a node; raises InputError for an array or a node that cannot be had.

    >>> from crisp_hw.characterization.components import Mac
    >>> assemble("table", (Mac("MAC", 8),), from_grid, 45).table.actions["MAC"]["compute"]
    0.5608
    """
    check_node(node_nm)
    parts = load_energy()
    components = tuple(
        replace(_named(circuit, arrays, parts, node_nm), stands_for=words(circuit)) for circuit in circuits
    )
    note = scaling_note(node_nm)
    scaled = (f"logic and registers are {note}; DRAM is not on the chip and stays", *ASSUMED) if note else ASSUMED
    return Characterization(method, node_nm, components, scaled, listed(node_nm))


def listed(node_nm: int) -> tuple[Component, ...]:
    """Circuits that no component has, for estimates of what is not charged: an adder and a wire.

    >>> [each.actions for each in listed(45)]
    [{'add': Cost(pj=0.1, source='add_int32: Horowitz ...')}, {'transfer': Cost(pj=2.6032, source='wire_8b_1mm: ...')}]
    """
    parts = load_energy()
    adder, wire = parts["add_int32"], parts["wire_8b_1mm"]
    sums = dict(_scaled(adder, 1.0, node_nm))["compute"]
    cost, factor = wire.actions["transfer"], wire_factor(node_nm)
    note = "" if node_nm == REFERENCE_NM else f"; x {factor:.4g} at {node_nm} nm: {WIRE_SOURCE}"
    return (
        Component("adder", "one 32-bit addition: a node of a reduction tree; charged nowhere", {"add": sums}),
        Component(
            "wire",
            "8 wires of 1 mm, a fifth of the bits switching; charged nowhere",
            {"transfer": Cost(cost.pj * factor, f"{wire.key}: {cost.source}{note}")},
        ),
    )


def _named(circuit: Circuit, arrays: Arrays, parts: EnergyData, node_nm: int) -> Component:
    """The costs of a circuit; an error says which it is."""
    try:
        return _component(circuit, arrays, parts, node_nm)
    except InputError as error:
        raise error.within(circuit.name) from error


def _component(circuit: Circuit, arrays: Arrays, parts: EnergyData, node_nm: int) -> Component:
    match circuit:
        case Dram(name, bits, metadata_bits):
            return _dram(name, parts["dram_lpddr4_64b"], (bits, metadata_bits or bits))
        case Sram(name, data, metadata):
            return _sram(name, arrays(data), arrays(metadata) if metadata else None)
        case Latches(_, bits, metadata_bits):
            return _latches(circuit, parts["latch_8b"], (bits, metadata_bits), node_nm)
        case Mac(name, bits, operands):
            part, share = parts["mac_int8"], mac_share(operands or OperandBits(bits, bits, bits))
            unit = _logic(name, part, dict(_scaled(part, share, node_nm)) | {"leak": NO_LEAK}, node_nm)
            return _wider(unit, share)
        case Overhead(name, bits):
            part, share = parts[OVERHEAD_PARTS[name]], bits / SELECTED_BITS if name == SELECTION else 1.0
            return _wider(_logic(name, part, dict(_scaled(part, share, node_nm)), node_nm), share)
    assert_never(circuit)


def _dram(name: str, part: MeasuredCircuit, bits: tuple[int, int]) -> Component:
    """Accesses to data and to metadata, of so many bits each."""
    data, metadata = (
        {action: Cost(cost.pj * share, _times(cost.source, share)) for action, cost in part.actions.items()}
        for share in (each / part.access_bits for each in bits)
    )
    return Component(name, "", _with_updates(data, metadata) | {"leak": NO_DRAM_LEAK})


def _sram(name: str, data: tuple[SramNumbers, str], metadata: tuple[SramNumbers, str] | None) -> Component:
    both = [data, *([metadata] if metadata else [])]
    per_cycle = sum(numbers.leakage_uw for numbers, _ in both) * 1e-6 * CYCLE_S * 1e12
    sources = "; plus ".join(source for _, source in both)
    actions = _with_updates(_accesses(*data), _accesses(*metadata) if metadata else {})
    area = sum(numbers.area_um2 for numbers, _ in both)
    return Component(name, "", actions | {"leak": Cost(round(per_cycle, 6), sources)}, area, sources)


def _accesses(numbers: SramNumbers, source: str) -> dict[str, Cost]:
    return {"read": Cost(numbers.read_pj, source), "write": Cost(numbers.write_pj, source)}


def _with_updates(data: dict[str, Cost], metadata: dict[str, Cost]) -> dict[str, Cost]:
    """Reads, writes and updates (a partial sum's update writes the array), of data and of metadata."""
    found = {**data, "update": data["write"]}
    if metadata:
        found |= {f"metadata_{a}": metadata[b] for a, b in (("read", "read"), ("write", "write"), ("update", "write"))}
    return found


def _latches(latches: Latches, part: MeasuredCircuit, bits: tuple[int, int], node_nm: int) -> Component:
    data, metadata = (dict(_scaled(part, each / part.access_bits, node_nm)) for each in bits)
    chosen = {action: cost for action, cost in data.items() if "metadata" not in action}
    chosen["update"] = chosen["write"]
    if bits[1]:
        chosen |= {action: cost for action, cost in metadata.items() if "metadata" in action}
        chosen["metadata_update"] = metadata["metadata_write"]
    component = _logic(latches.name, part, chosen | {"leak": NO_LEAK}, node_nm)
    return _wider(component, sum(bits) / part.access_bits * latches.vectors)


def _wider(component: Component, share: float) -> Component:
    """The same with the area of `share` of its bits; its actions have their own."""
    area = None if component.area_um2 is None else component.area_um2 * share
    return replace(component, area_um2=area, area_source=_times(component.area_source, share))


def _logic(name: str, part: MeasuredCircuit, actions: dict[str, Cost], node_nm: int) -> Component:
    note = scaling_note(node_nm)
    area = None if part.area_um2 is None else part.area_um2 * area_factor(node_nm)
    return Component(name, "", actions, area, f"{part.area_source}; {note}" if note else part.area_source)


def _scaled(part: MeasuredCircuit, share: float, node_nm: int) -> Iterator[tuple[str, Cost]]:
    """A part's actions for `share` of its bits at a node."""
    note, factor = scaling_note(node_nm), energy_factor(node_nm)
    for action, cost in part.actions.items():
        source = _times(f"{part.key}: {cost.source}", share)
        yield action, Cost(cost.pj * share * factor, f"{source}; {note}, x {factor:.4g}" if note else source)


def _times(source: str, share: float) -> str:
    return source if share == 1 or not source else f"{source}; x {share:g} for the bits"


INT8 = OperandBits(8, 8, 8)  # the unit of mac_int8
SELECTED_BITS = 8  # of mux_4to1_8b: one multiplexer a bit (arch/energy/cited.yaml)
MULTIPLIER_PJ, ADDER_PJ = 8.63, 0.0857  # Aladdin at 5 ns, 32 bits: the two parts of mac_int8 (arch/energy/cited.yaml)


def mac_share(bits: OperandBits) -> float:
    """Energy of a multiply-accumulate over that of int8, by the rule of its source: the multiplier as the product of
    the widths of its operands, the adder as the width of the sum.

    >>> round(mac_share(OperandBits(8, 8, 8)), 12), round(mac_share(OperandBits(4, 8, 24)), 3)
    (1.0, 0.596)
    """
    return 1.0 if bits == INT8 else _mac_pj(bits) / _mac_pj(INT8)


def _mac_pj(bits: OperandBits) -> float:
    return MULTIPLIER_PJ * bits.weights * bits.activations / 32**2 + ADDER_PJ * bits.sums / 32
