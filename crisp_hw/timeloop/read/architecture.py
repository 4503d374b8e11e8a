"""The `architecture` document of the flattened 0.3/0.4 form."""

import re
from dataclasses import dataclass
from typing import Any

from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import mark_of
from crisp_hw.spec.arch import FREE, Architecture, ComputeLevel, StorageLevel, Wires
from crisp_hw.timeloop.yaml.fields import (
    Node,
    flag,
    inside,
    items,
    key_at,
    known,
    mapping,
    number,
    required,
    text,
    value_at,
    whole,
)

ARCHITECTURE = Where("architecture")
STORAGE_CLASSES = ("DRAM", "SRAM", "regfile", "smartbuffer", "storage")  # model/topology.cpp: ParseTreeSpecs
COMPUTE_CLASSES = ("mac", "intmac", "fpmac", "compute")
DEFAULT_WORD_BITS = 16  # model/buffer.cpp: ParseSpecs
PORT_WIDTHS = ("width", "memory_width", "data_storage_width")
DEPTHS = ("depth", "memory_depth", "data_storage_depth")
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
_RANGE = re.compile(r"\s*\[\s*(\d{1,20})\s*\.\.\s*(\d{1,20})\s*\]\s*$")  # Timeloop: parseElementSize, stoul
COMPUTE_KEYS = {*MESH, *WIDTHS, "technology", "area"}


@dataclass(frozen=True)
class _Element:
    """One entry of a `local` list with the multiplicity of everything above it."""

    name: str
    kind: str
    instances: int
    attributes: Node
    at: Where


def plain_name(name: str) -> str:
    """A component's own name, without path and multiplicity.

    >>> plain_name("system.SMEM[1..4]")
    'SMEM'
    """
    return _RANGE.sub("", name).split(".")[-1]


def multiplicity(name: str) -> int:
    """Instances that a name like `PE[0..15]` stands for."""
    found = _RANGE.search(name)
    return int(found[2]) - int(found[1]) + 1 if found else 1


def checked_name(value: Any, at: Where) -> str:
    """The name of a component or subtree; refused where its brackets hold no range from a number up to another.

    Timeloop takes `PE[4]` and `PE[0..]` for one PE, and `PE[3..0]` for more than can be counted.
    """
    name = text(value, at)
    if "[" in name and (not _RANGE.search(name) or multiplicity(name) < 1):
        what = f"the brackets of {name[:60]!r} hold no range of instances"
        raise InputError(what, at.at(mark_of(value)), f"write {name.split('[')[0].strip()[:40]}[0..3] for four")
    return name


def read_architecture(document: Any) -> Architecture:
    """Storage levels and MACs of an `architecture` document; InputError names the level and the attribute."""
    root = mapping(document, ARCHITECTURE)
    known(root, ("version", "subtree"), ARCHITECTURE)
    tops = items(required(root, "subtree", ARCHITECTURE), inside(ARCHITECTURE, root, "subtree"))
    elements = [element for top, at in tops for element in _walk(top, 1, at)]
    storage = [e for e in elements if any(name in e.kind for name in STORAGE_CLASSES)]
    compute = [e for e in elements if e not in storage and any(name in e.kind for name in COMPUTE_CLASSES)]
    for element in elements:
        if element not in storage and element not in compute:
            raise InputError(f"class {element.kind!r} is neither storage nor compute", element.at)
    if not storage or len(compute) != 1:
        at = compute[-1].at.mark if len(compute) > 1 else mark_of(root, "subtree")
        what = f"{len(storage)} storage and {len(compute)} compute levels; needed are some and one"
        raise InputError(what, ARCHITECTURE.at(at))
    return Architecture(tuple(_storage(e) for e in reversed(storage)), _compute(compute[0]))


def _walk(node: Any, above: int, at: Where) -> list[_Element]:
    """Elements outermost first; in one `local` list the later one is the inner one."""
    node = mapping(node, at)
    name = plain_name(checked_name(required(node, "name", at), inside(at, node, "name")))
    at = ARCHITECTURE.under(name, mark_of(node))
    known(node, ("name", "attributes", "local", "subtree"), at)
    count = above * multiplicity(node["name"])
    found = []
    for entry, place in items(node.get("local", []), inside(at, node, "local")):
        entry = mapping(entry, place)
        name = checked_name(required(entry, "name", place), inside(place, entry, "name"))
        place = Where("architecture", plain_name(name), mark=place.mark)
        known(entry, ("name", "class", "subclass", "attributes"), place)  # subclass: Accelergy's compound component
        kind = text(required(entry, "class", place), inside(place, entry, "class"))
        attributes = mapping(entry.get("attributes") or {}, inside(place, entry, "attributes"))
        found.append(_Element(plain_name(name), kind, count * multiplicity(name), attributes, place))
    inner = items(node.get("subtree", []), inside(at, node, "subtree"))
    return found + [element for child, place in inner for element in _walk(child, count, place)]


def _mesh(element: _Element) -> tuple[int, int, int]:
    """instances, meshX, meshY; a missing one is derived."""
    node, at = element.attributes, element.at
    count = whole(
        node.get("instances", element.instances), inside(at, node, "instances") if "instances" in node else at, 1
    )
    x, y = (whole(node[key], inside(at, node, key), 1) if key in node else None for key in ("meshX", "meshY"))
    x, y = x or (count // y if y else count), y or (count // x if x else 1)
    if x * y != count:
        said = [key for key in node if key in MESH]
        place = value_at(at, node, said[-1]) if said else at
        raise InputError(f"meshX {x} x meshY {y} is not its {count} instances", place)
    return count, x, y


def _check_known(node: Node, at: Where) -> None:
    known(node, (*STORAGE_KEYS, "allow_overbooking"), at)
    if node.get("allow_overbooking") not in (None, False):
        what = "allow_overbooking (tiles that fit most of the time) is not modelled"
        raise InputError(what, value_at(at, node, "allow_overbooking"), "leave it out")


def _check_clusters(instances: int, cluster: int, node: Node, at: Where) -> None:
    if instances % cluster:
        what = f"{instances} instances are no whole number of clusters of {cluster}"
        raise InputError(what, value_at(at, node, "cluster_size" if "cluster_size" in node else "width"))


def _storage(element: _Element) -> StorageLevel:
    node, at = element.attributes, element.at
    _check_known(node, at)
    word_bits = _word_bits(node, at)
    block, cluster = _block(node, word_bits, at)
    instances, x, y = _mesh(element)
    _check_clusters(instances, cluster, node, at)

    def optional(key: str) -> float | None:
        return number(node[key], inside(at, node, key)) if key in node else None

    def integer(*names: str) -> int:
        key = next((name for name in names if name in node), names[0])
        return whole(node.get(key) or 0, inside(at, node, key))

    half = optional("bandwidth")
    shared = None if half is None else half / 2
    return StorageLevel(
        name=element.name,
        technology="DRAM" if "DRAM" in element.kind or node.get("technology") == "DRAM" else "SRAM",
        instances=instances,
        mesh_x=x,
        mesh_y=y,
        word_bits=word_bits,
        block_size=block,
        cluster_size=cluster,
        size_words=_size(node, block, word_bits, at),
        multiple_buffering=optional("multiple_buffering") or 1.0,
        metadata_word_bits=integer("metadata_datawidth", "metadata_word_bits"),
        metadata_width_bits=integer("metadata_storage_width", "metadata_width"),
        metadata_depth=integer("metadata_storage_depth", "metadata_depth"),
        read_bandwidth=optional("read_bandwidth") if half is None else shared,
        write_bandwidth=optional("write_bandwidth") if half is None else shared,
        shared_bandwidth=optional("shared_bandwidth"),
        decompression_supported=_supported(node, "decompression_supported", at),
        compression_supported=_supported(node, "compression_supported", at),
        min_utilization=_least_share(node, inside(at, node, "min_utilization")),
        wires=_wires(node, at),
        reduction_supported=_said(node, "reduction_supported", at),
    )


def _supported(node: Node, key: str, at: Where) -> bool:
    return flag(node.get(key, False), inside(at, node, key))


def _word_bits(node: Node, at: Where) -> int:
    key = next((key for key in WIDTHS if key in node), WIDTHS[0])
    return whole(node.get(key, DEFAULT_WORD_BITS), value_at(at.under("word_bits"), node, key), 1)


def _said(node: Node, key: str, at: Where) -> bool | None:
    """A flag, which front ends also write as text; None where it is not given."""
    found = {"true": True, "True": True, "false": False, "False": False}.get(str(node.get(key)))
    return found if key not in node or found is not None else flag(node[key], inside(at, node, key))


def _wires(node: Node, at: Where) -> Wires:
    """The network that Timeloop makes of a level's own attributes (model/network-legacy.cpp: ParseSpecs)."""

    def optional(key: str) -> float | None:
        return float(number(node[key], inside(at, node, key))) if key in node else None

    def cycles(key: str) -> int:
        return whole(node.get(key, 0), inside(at, node, key))

    subtype = node.get("network_type", "")
    if subtype not in ("", "1:1", "1:N"):
        what = f"network_type {str(subtype)[:20]!r} is not modelled"
        raise InputError(what, value_at(at, node, "network_type"), "leave it out")
    found = Wires(
        word_bits=cycles("network_word_bits") if "network_word_bits" in node else None,
        wire_pj_per_bit_mm=optional("wire_energy"),
        tile_width_um=optional("tile_width"),
        hop_pj=optional("energy_per_hop"),
        router_pj=optional("router_energy"),
        ingress_pj=optional("energy-per-ingress"),
        fill_cycles=cycles("network_fill_latency"),
        drain_cycles=cycles("network_drain_latency"),
        subtype=subtype,
    )
    return FREE if found == FREE else found


def _least_share(node: Node, at: Where) -> float:
    """The share of its size that a level must hold; Timeloop stops where there is no size."""
    share = float(number(node.get("min_utilization", 0.0), at))
    if share and not any(key in node for key in SIZES):
        raise InputError(f"{share} of an unbounded level", at, "give the level a size, or leave it out")
    return share


def _block(node: Node, word_bits: int, at: Where) -> tuple[int, int]:
    """(words per access, instances per cluster) from width, block and cluster (model/buffer.cpp: ParseSpecs)."""
    name = "block_size" if "block_size" in node else "n_words"
    block, cluster = (
        0 if node.get(key) is None else whole(node[key], inside(at, node, key), 1) for key in (name, "cluster_size")
    )
    key = next((key for key in PORT_WIDTHS if key in node), "width")
    if node.get(key) is None:
        return block or 1, cluster or 1
    bits = whole(node[key], value_at(at.under("width"), node, key), 1)
    cluster = cluster or (bits // (word_bits * block) if block else 1)
    block = block or bits // cluster // word_bits
    if block * word_bits * cluster != bits:
        words = f"blocks of {max(block, 1)} x {word_bits} bits in {cluster} instances of a cluster"
        what = f"width {bits} is not a whole number of {words}"
        raise InputError(what, value_at(at, node, key), "make it block_size x word_bits x cluster_size")
    return block, cluster


def _size(node: Node, block: int, word_bits: int, at: Where) -> int | None:
    """Capacity in words, or None (unbounded)."""
    if "sizeKB" in node and any(key in node for key in SIZES if key != "sizeKB"):
        what = "sizeKB and a number of entries both say how large it is"
        raise InputError(what, key_at(at, node, "sizeKB"), "give one")
    if "entries" in node:
        return whole(node["entries"], inside(at, node, "entries"))
    key = next((key for key in DEPTHS if key in node), None)
    if key is not None and node[key] is not None:
        return whole(node[key], value_at(at.under("depth"), node, key)) * block
    if "sizeKB" in node:
        return whole(node["sizeKB"], inside(at, node, "sizeKB")) * 1024 * 8 // word_bits
    return None


def _compute(element: _Element) -> ComputeLevel:
    known(element.attributes, COMPUTE_KEYS, element.at)
    instances, x, y = _mesh(element)
    return ComputeLevel(element.name, instances, x, y, _word_bits(element.attributes, element.at))


def own_areas(architecture: Any) -> dict[str, float]:
    """um2 of one instance of each component whose attributes say so."""
    areas: dict[str, float] = {}
    for element in (e for top in architecture.get("subtree", ()) for e in _walk(top, 1, ARCHITECTURE)):
        node, at = element.attributes, element.at
        if "area" in node or "cluster_area" in node:
            share = 1 if "area" in node else _block(node, _word_bits(node, at), at)[1]
            key = "area" if "area" in node else "cluster_area"
            areas[element.name] = number(node[key], value_at(at.under("area"), node, key)) / share
    return areas
