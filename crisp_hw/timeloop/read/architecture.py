"""The `architecture` and `ERT` documents of the flattened 0.3/0.4 form."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from crisp_hw.errors import InputError
from crisp_hw.machine.positions import fault
from crisp_hw.spec.arch import FREE, Architecture, ComputeLevel, StorageLevel, Wires
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.timeloop.yaml.fields import Node, flag, known, mapping, number, required, sequence, text, whole

STORAGE_CLASSES = ("DRAM", "SRAM", "regfile", "smartbuffer", "storage")  # model/topology.cpp: ParseTreeSpecs
COMPUTE_CLASSES = ("mac", "intmac", "fpmac", "compute")
DEFAULT_WORD_BITS = 16  # model/buffer.cpp: ParseSpecs
MESH = ("instances", "meshX", "meshY")
WIDTHS = ("word_bits", "word_width", "datawidth")
SIZES = ("entries", "depth", "memory_depth", "data_storage_depth", "sizeKB")
ACCELERGY_KEYS = ("n_banks", "n_rdwr_ports", "n_ports", "control_queue_depth")  # sizes for its estimates of energies
STORAGE_KEYS = {
    *MESH,
    *WIDTHS,
    *SIZES,
    *("block_size", "n_words", "cluster_size", "width", "memory_width", "data_storage_width", "multiple_buffering"),
    *("metadata_datawidth", "metadata_word_bits", "metadata_storage_width", "metadata_width"),
    *("metadata_storage_depth", "metadata_depth", "read_bandwidth", "write_bandwidth", "shared_bandwidth", "bandwidth"),
    *("decompression_supported", "compression_supported", "technology", "type", "min_utilization"),
    *("network_word_bits", "network_type", "tile_width", "wire_energy", "energy_per_hop", "router_energy"),
    *("energy-per-ingress", "network_fill_latency", "network_drain_latency", "reduction_supported", "cluster_area"),
    *ACCELERGY_KEYS,
}
WIRES, WIRE_ACTION = ("wire", "Wire"), "transfer_random"  # model/topology.cpp: ParseAccelergyERT
COMPUTE_KEYS = {*MESH, *WIDTHS, "technology", "area"}
LARGEST_AREA = 1e27  # um2


@dataclass(frozen=True)
class _Element:
    """One entry of a `local` list with the multiplicity of everything above it."""

    name: str
    kind: str
    instances: int
    attributes: Node
    where: str


def plain_name(name: str) -> str:
    """A component's own name, without path and multiplicity.

    >>> plain_name("system.SMEM[1..4]")
    'SMEM'
    """
    return re.sub(r"\[\d+\.\.\d+\]$", "", name).split(".")[-1]


def multiplicity(name: str) -> int:
    """Instances that a name like `PE[0..15]` stands for."""
    found = re.search(r"\[(\d+)\.\.(\d+)\]$", name)
    return int(found[2]) - int(found[1]) + 1 if found else 1


def read_architecture(document: Any) -> Architecture:
    """Storage levels and MACs of an `architecture` document; InputError names the level and the attribute."""
    root = mapping(document, "architecture")
    known(root, ("version", "subtree"), "architecture")
    elements = [
        e for top in sequence(required(root, "subtree", "architecture"), "architecture.subtree") for e in _walk(top, 1)
    ]
    storage = [e for e in elements if any(name in e.kind for name in STORAGE_CLASSES)]
    compute = [e for e in elements if e not in storage and any(name in e.kind for name in COMPUTE_CLASSES)]
    for element in elements:
        if element not in storage and element not in compute:
            raise InputError(f"{element.where}: class {element.kind!r} is neither storage nor compute")
    if not storage or len(compute) != 1:
        raise InputError(
            f"architecture: {len(storage)} storage and {len(compute)} compute levels; needed are some and one"
        )
    return Architecture(tuple(_storage(e) for e in reversed(storage)), _compute(compute[0]))


def _walk(node: Any, above: int) -> list[_Element]:
    """Elements outermost first; in one `local` list the later one is the inner one."""
    node = mapping(node, "architecture.subtree")
    where = f"architecture.{plain_name(text(required(node, 'name', 'architecture.subtree'), 'name'))}"
    known(node, ("name", "attributes", "local", "subtree"), where)
    count = above * multiplicity(node["name"])
    found = []
    for entry in sequence(node.get("local", []), f"{where}.local"):
        entry = mapping(entry, f"{where}.local")
        name = text(required(entry, "name", f"{where}.local"), f"{where}.local")
        place = f"architecture level {plain_name(name)}"
        known(entry, ("name", "class", "subclass", "attributes"), place)  # subclass: Accelergy's compound component
        kind = text(required(entry, "class", place), place)
        attributes = mapping(entry.get("attributes") or {}, place)
        found.append(_Element(plain_name(name), kind, count * multiplicity(name), attributes, place))
    inner = sequence(node.get("subtree", []), f"{where}.subtree")
    return found + [element for child in inner for element in _walk(child, count)]


def _first(attributes: Node, names: tuple[str, ...]) -> Any:
    return next((attributes[name] for name in names if name in attributes), None)


def _mesh(element: _Element) -> tuple[int, int, int]:
    """instances, meshX, meshY; a missing one is derived."""
    at, where = element.attributes, element.where
    count = whole(at.get("instances", element.instances), f"{where}.instances", 1)
    x, y = (whole(at[key], f"{where}.{key}", 1) if key in at else None for key in ("meshX", "meshY"))
    x, y = x or (count // y if y else count), y or (count // x if x else 1)
    if x * y != count:
        raise InputError(f"{where}: meshX {x} x meshY {y} is not its {count} instances")
    return count, x, y


def _storage(element: _Element) -> StorageLevel:
    at, where = element.attributes, element.where
    known(at, (*STORAGE_KEYS, "allow_overbooking"), where)
    if at.get("allow_overbooking") not in (None, False):
        raise InputError(f"{where}: allow_overbooking (tiles that fit most of the time) is not modelled; leave it out")
    word_bits = _word_bits(at, where)
    block, cluster = _block(at, word_bits, where)
    instances, x, y = _mesh(element)
    if instances % cluster:
        raise fault(at, f"{where}: {instances} instances are no whole number of clusters of {cluster}", "cluster_size")

    def optional(key: str) -> float | None:
        return number(at[key], f"{where}.{key}") if key in at else None

    def integer(*names: str) -> int:
        return whole(_first(at, names) or 0, f"{where}.{names[0]}")

    half = optional("bandwidth")
    shares = (half / 2, half / 2) if half is not None else (optional("read_bandwidth"), optional("write_bandwidth"))
    return StorageLevel(
        name=element.name,
        technology="DRAM" if "DRAM" in element.kind or at.get("technology") == "DRAM" else "SRAM",
        instances=instances,
        mesh_x=x,
        mesh_y=y,
        word_bits=word_bits,
        block_size=block,
        cluster_size=cluster,
        size_words=_size(at, block, word_bits, where),
        multiple_buffering=optional("multiple_buffering") or 1.0,
        metadata_word_bits=integer("metadata_datawidth", "metadata_word_bits"),
        metadata_width_bits=integer("metadata_storage_width", "metadata_width"),
        metadata_depth=integer("metadata_storage_depth", "metadata_depth"),
        read_bandwidth=shares[0],
        write_bandwidth=shares[1],
        shared_bandwidth=optional("shared_bandwidth"),
        decompression_supported=flag(at.get("decompression_supported", False), f"{where}.decompression_supported"),
        compression_supported=flag(at.get("compression_supported", False), f"{where}.compression_supported"),
        min_utilization=_least_share(at, f"{where}.min_utilization"),
        wires=_wires(at, where),
        reduction_supported=_said(at, "reduction_supported", where),
    )


def _word_bits(at: Node, where: str) -> int:
    return whole(next((at[key] for key in WIDTHS if key in at), DEFAULT_WORD_BITS), f"{where}.word_bits", 1)


def _said(at: Node, key: str, where: str) -> bool | None:
    """A flag, which front ends also write as text; None where it is not given."""
    found = {"true": True, "True": True, "false": False, "False": False}.get(str(at.get(key)))
    return found if key not in at or found is not None else flag(at[key], f"{where}.{key}")


def _wires(at: Node, where: str) -> Wires:
    """The network that Timeloop makes of a level's own attributes (model/network-legacy.cpp: ParseSpecs)."""

    def optional(key: str) -> float | None:
        return float(number(at[key], f"{where}.{key}")) if key in at else None

    subtype = at.get("network_type", "")
    if subtype not in ("", "1:1", "1:N"):
        raise fault(at, f"{where}: network_type {str(subtype)[:20]!r} is not modelled; leave it out", "network_type")
    bits = whole(at["network_word_bits"], f"{where}.network_word_bits") if "network_word_bits" in at else None
    found = Wires(
        word_bits=bits,
        wire_pj_per_bit_mm=optional("wire_energy"),
        tile_width_um=optional("tile_width"),
        hop_pj=optional("energy_per_hop"),
        router_pj=optional("router_energy"),
        ingress_pj=optional("energy-per-ingress"),
        fill_cycles=whole(at.get("network_fill_latency", 0), f"{where}.network_fill_latency"),
        drain_cycles=whole(at.get("network_drain_latency", 0), f"{where}.network_drain_latency"),
        subtype=subtype,
    )
    return FREE if found == FREE else found


def _least_share(at: Node, where: str) -> float:
    """The share of its size that a level must hold; Timeloop stops where there is no size."""
    share = float(number(at.get("min_utilization", 0.0), where))
    if share and not any(key in at for key in SIZES):
        raise InputError(f"{where}: {share} of an unbounded level; give the level a size, or leave it out")
    return share


def _block(at: Node, word_bits: int, where: str) -> tuple[int, int]:
    """(words per access, instances per cluster) from width, block and cluster (model/buffer.cpp: ParseSpecs)."""
    given = {"block_size": _first(at, ("block_size", "n_words")), "cluster_size": at.get("cluster_size")}
    block, cluster = (0 if n is None else whole(n, f"{where}.{key}", 1) for key, n in given.items())
    width = _first(at, ("width", "memory_width", "data_storage_width"))
    if width is None:
        return block or 1, cluster or 1
    bits = whole(width, f"{where}.width", 1)
    cluster = cluster or (bits // (word_bits * block) if block else 1)
    block = block or bits // cluster // word_bits
    if block * word_bits * cluster != bits:
        words = f"blocks of {max(block, 1)} x {word_bits} bits in {cluster} instances of a cluster"
        what = f"{where}: width {bits} is not a whole number of {words}; make it block_size x word_bits x cluster_size"
        raise fault(at, what, next(key for key in ("width", "memory_width", "data_storage_width") if key in at))
    return block, cluster


def _size(at: Node, block: int, word_bits: int, where: str) -> int | None:
    """Capacity in words, or None (unbounded)."""
    if "sizeKB" in at and any(key in at for key in SIZES if key != "sizeKB"):
        raise fault(at, f"{where}: sizeKB and a number of entries both say how large it is; give one", "sizeKB")
    if "entries" in at:
        return whole(at["entries"], f"{where}.entries")
    depth = _first(at, ("depth", "memory_depth", "data_storage_depth"))
    if depth is not None:
        return whole(depth, f"{where}.depth") * block
    if "sizeKB" in at:
        return whole(at["sizeKB"], f"{where}.sizeKB") * 1024 * 8 // word_bits
    return None


def _compute(element: _Element) -> ComputeLevel:
    known(element.attributes, COMPUTE_KEYS, element.where)
    instances, x, y = _mesh(element)
    return ComputeLevel(element.name, instances, x, y, _word_bits(element.attributes, element.where))


def read_areas(architecture: Any, document: Any = None) -> dict[str, float]:
    """um2 of one instance by component: as the `ART` document says, else as the component's own attributes do.

    Numbers of an ART are in single precision, as Timeloop keeps them; InputError for one that cannot be.
    """
    areas: dict[str, float] = {}
    for element in (e for top in architecture.get("subtree", ()) for e in _walk(top, 1)):
        at, where = element.attributes, element.where
        if "area" in at or "cluster_area" in at:
            share = 1 if "area" in at else _block(at, _word_bits(at, where), where)[1]
            areas[element.name] = number(_first(at, ("area", "cluster_area")), f"{where}.area") / share
    if document is None:
        return areas
    for table in sequence(required(mapping(document, "ART"), "tables", "ART"), "ART.tables"):
        name = plain_name(text(required(mapping(table, "ART.tables"), "name", "ART.tables"), "ART.tables.name"))
        area = number(required(table, "area", f"ART {name}"), f"ART {name}.area")
        if area > LARGEST_AREA:
            raise fault(table, f"ART {name}.area: {area:.2e} um2 is more than a planet; use um2", "area")
        areas[name] = float(np.float32(area))
    return areas


def wire_energy(document: Any) -> float | None:
    """pJ per bit and mm that an `ERT` says of wires, in single precision as Timeloop keeps it; None where it does not.

    Of several tables the last that is not 0; InputError for a table without the one action that counts.
    """
    found = None
    for table in sequence(required(mapping(document, "ERT"), "tables", "ERT"), "ERT.tables"):
        name = plain_name(str(mapping(table, "ERT.tables").get("name")))
        if name not in WIRES:
            continue
        actions = [mapping(each, f"ERT {name}") for each in sequence(table.get("actions", []), f"ERT {name}.actions")]
        energies = [
            number(required(each, "energy", f"ERT {name}"), f"ERT {name}.{WIRE_ACTION}.energy")
            for each in actions
            if each.get("name") == WIRE_ACTION
        ]
        if not energies:
            raise fault(table, f"ERT {name}: without the action {WIRE_ACTION} Timeloop stops; add it", "actions")
        found = float(np.float32(max(energies))) or found
    return found


def read_energy(document: Any) -> EnergyTable:
    """The `ERT` document: per component and action the largest energy over its argument variants, in pJ.

    Wires are for networks (`wire_energy`), and not in it.
    """
    root = mapping(document, "ERT")
    actions: dict[str, dict[str, float]] = {}
    for table in sequence(required(root, "tables", "ERT"), "ERT.tables"):
        table = mapping(table, "ERT.tables")
        name = plain_name(text(required(table, "name", "ERT.tables"), "ERT.tables.name"))
        energies = actions.setdefault(name, {}) if name not in WIRES else {}
        for action in sequence(required(table, "actions", f"ERT {name}"), f"ERT {name}.actions"):
            key = text(required(mapping(action, f"ERT {name}"), "name", f"ERT {name}"), f"ERT {name}")
            energy = float(number(required(action, "energy", f"ERT {name}.{key}"), f"ERT {name}.{key}.energy"))
            energies[key] = max(energies.get(key, 0.0), energy)
    return EnergyTable(actions)
