"""An evaluation as flat records, one per layer and accelerator and one per accelerator; the units stand in the keys."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from crisp_hw.errors import InputError
from crisp_hw.report.energies import WIRES, Energies, energies_of, summed
from crisp_hw.report.moved import Moved, moved_by_level, total
from crisp_hw.report.performance import area_record, power_record, speed_record
from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.columns import Record as Record
from crisp_hw.spec.columns import Value as Value
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.evaluation import LayerEvaluation, NetworkEvaluation
from crisp_hw.spec.mapping import LoopMapping
from crisp_hw.spec.vocabulary import RESERVED

MOVED = tuple(field.name for field in fields(Moved))


def layer_records(network: NetworkEvaluation) -> list[Record]:
    """One record per row of the network, all with the same keys; None where something does not apply.

    `spec.vocabulary` says what every key means. Where accelerators were changed (`smem_bandwidth=32`), every parameter
    that one of them has changed is a column after `arch`, with the value of each.

    >>> layer_records(NetworkEvaluation("nothing", ()))
    []
    """
    levels = _levels(network)
    return [_varied(network, _layer_record(row, levels)) for row in network.rows]


def total_records(network: NetworkEvaluation) -> list[Record]:
    """One record per accelerator, in order of appearance: the sums over its layers and their ratios.

    >>> total_records(NetworkEvaluation("nothing", ()))
    []
    """
    levels = _levels(network)
    totals = ([row for row in network.rows if row.arch == arch] for arch in arch_names(network))
    return [_varied(network, _total_record(rows, levels)) for rows in totals]


def arch_names(network: NetworkEvaluation) -> tuple[str, ...]:
    """The accelerators of an evaluation, in order of appearance.

    >>> arch_names(NetworkEvaluation("nothing", ()))
    ()
    """
    return tuple(dict.fromkeys(row.arch for row in network.rows))


def headline(network: NetworkEvaluation) -> str:
    """The network's name and the patterns of its pruned layers, for titles.

    >>> headline(NetworkEvaluation("resnet50", ()))
    'resnet50'
    """
    found = [row.descriptor for row in network.rows]
    groups = " and ".join(dict.fromkeys(f"{each.nm.n}:{each.nm.m}" for each in found if each.nm))
    blocks = " and ".join(dict.fromkeys(str(each.block) for each in found if each.block))
    return ", ".join(part for part in (network.name, groups, f"blocks of {blocks}" if blocks else "") if part)


def level_names(network: NetworkEvaluation) -> tuple[str, ...]:
    """Storage levels, outermost first, and the MAC array, in lower case as the energy columns name them.

    >>> level_names(NetworkEvaluation("nothing", ()))
    ()
    """
    chains = (row.point.design.architecture for row in network.rows)
    names = ((*(level.name for level in reversed(arch.levels)), arch.compute.name) for arch in chains)
    return tuple(dict.fromkeys(name.lower() for chain in names for name in chain))


def dram_names(network: NetworkEvaluation) -> frozenset[str]:
    """The levels, in lower case, that `on_chip_uj` leaves out.

    >>> dram_names(NetworkEvaluation("nothing", ()))
    frozenset()
    """
    return frozenset(name for row in network.rows for name in _dram(row.point.design.architecture))


def mapping_text(architecture: Architecture, mapping: LoopMapping) -> str:
    """The loops with a bound above 1, outermost level and loop first; x and y run across a mesh, K5,3 has a residual.

    >>> from crisp_hw.spec.arch import ComputeLevel, StorageLevel
    >>> from crisp_hw.spec.mapping import Loop, LoopNest
    >>> nest = LoopNest((Loop(0, "K", "temporal"), Loop(1, "M", "y"), Loop(1, "N", "temporal")), (frozenset(),) * 2)
    >>> chain = Architecture((StorageLevel("RF"), StorageLevel("DRAM", "DRAM")), ComputeLevel())
    >>> mapping_text(chain, LoopMapping(nest, (8, 4, 2)))
    'DRAM N2 M4y | RF K8'
    """
    rests = mapping.residuals or mapping.bounds
    factors = [f"{n}" if n == rest else f"{n},{rest}" for n, rest in zip(mapping.bounds, rests, strict=True)]
    loops = [pair for pair in zip(mapping.nest.loops, factors, strict=True) if pair[1] != "1"]
    parts = []
    for number, level in reversed(tuple(enumerate(architecture.levels))):
        here = [(loop, factor) for loop, factor in reversed(loops) if loop.level == number]
        texts = (f"{loop.dim}{factor}{'' if loop.kind == 'temporal' else loop.kind}" for loop, factor in here)
        parts.append(" ".join((level.name, *texts)))
    return " | ".join(parts)


@dataclass(frozen=True)
class _Levels:
    """Names of the energy columns: all, and those of storage levels, which have metadata."""

    every: tuple[str, ...]
    storage: tuple[str, ...]
    dram: frozenset[str]

    @property
    def with_area(self) -> tuple[str, ...]:
        """Of levels on chip and MACs."""
        return tuple(name for name in self.every if name != WIRES and name not in self.dram)


def _levels(network: NetworkEvaluation) -> _Levels:
    every = level_names(network)
    units = {row.point.design.architecture.compute.name.lower() for row in network.rows}
    storage = tuple(name for name in every if name not in units)
    if taken := [name for name in every if name in RESERVED]:
        raise InputError(f"no level can be called {taken[0]}: columns have that name", hint="call the level otherwise")
    wired = any(result.networks for row in network.rows for result in (row.result, row.dense))
    return _Levels((*every, WIRES) if wired and WIRES not in every else every, storage, dram_names(network))


def pattern_text(found: Descriptor) -> str:
    """N:M and the side of blocks in one word.

    >>> from crisp_hw.spec.layer import Layer
    >>> pattern_text(Descriptor(Layer("fc", "linear", 2, 4), "dense", nnz=8))
    'dense'
    """
    parts = (f"{found.nm.n}:{found.nm.m}" if found.nm else "", f"B{found.block}" if found.block else "")
    return " ".join(filter(None, parts)) or "dense"


def pattern_record(found: Descriptor) -> Record:
    """N:M and blocks of a layer; None where it has none."""
    return {
        "nm": f"{found.nm.n}:{found.nm.m}" if found.nm else None,
        "block": found.block,
        "kept_blocks": found.kept_blocks,
        "total_blocks": found.total_blocks,
        "kept_ratio": None if found.kept_columns is None else found.kept_columns / found.layer.columns,
    }


def _varied(network: NetworkEvaluation, record: Record) -> Record:
    """The record with the changed parameters of its accelerator behind the name."""
    return {"arch": record["arch"], **network.parameters.get(str(record["arch"]), {}), **record}


def _layer_record(row: LayerEvaluation, levels: _Levels) -> Record:
    design = row.point.design
    dram = _dram(design.architecture)
    energies = _energy_record(energies_of(row), levels, dram)
    return {
        "arch": row.arch,
        **_shape_record(row),
        "macs": row.real_macs,
        "cycles": row.result.cycles,
        "dense_cycles": row.dense.cycles,
        "speedup": row.speedup,
        **speed_record([row]),
        **energies,
        **power_record([row], energies),
        **area_record([row], levels.with_area),
        **_moved_record([moved_by_level(row.result, design.architecture)], levels, dram),
        "bound_by": row.result.bound_by,
        "utilization": row.result.utilization,
        "imbalance": row.result.imbalance,
        "mappings_tried": row.tried,
        "mappings_valid": row.valid,
        "gap": row.gap,
        "mapping": mapping_text(design.architecture, row.point.mapping),
    }


def _shape_record(row: LayerEvaluation) -> Record:
    found = row.descriptor
    layer = found.layer
    return {
        "layer": layer.name,
        "kind": layer.kind,
        "role": found.role,
        "rows": layer.rows,
        "columns": layer.columns,
        "positions": layer.positions,
        "pattern": pattern_text(found),
        **pattern_record(found),
        "density": found.density,
    }


def _total_record(rows: Sequence[LayerEvaluation], levels: _Levels) -> Record:
    cycles, dense_cycles = sum(row.result.cycles for row in rows), sum(row.dense.cycles for row in rows)
    bound = [row.result.compute is not None and row.result.bound_by == row.result.compute.name for row in rows]
    dram = frozenset(name for row in rows for name in _dram(row.point.design.architecture))
    energies = _energy_record(summed(energies_of(row) for row in rows), levels, dram)
    return {
        "arch": rows[0].arch,
        "layers": len(rows),
        "macs": sum(row.real_macs for row in rows),
        "cycles": cycles,
        "dense_cycles": dense_cycles,
        "speedup": dense_cycles / cycles,
        **speed_record(rows),
        **energies,
        **power_record(rows, energies),
        **area_record(rows, levels.with_area),
        **_moved_record([moved_by_level(row.result, row.point.design.architecture) for row in rows], levels, dram),
        "mac_bound_share": sum(bound) / len(rows),
    }


def _energy_record(energies: Energies, levels: _Levels, dram: frozenset[str]) -> Record:
    this, dense, beside = energies.this, energies.dense, sum(energies.beside.values(), 0.0)
    chip, dense_chip = _on_chip(this, dram, beside), _on_chip(dense, dram)
    whole, dense_total = sum(this.values(), beside), sum(dense.values(), 0.0)
    index, metadata = energies.index, energies.metadata
    return {
        **{f"{name}_uj": this.get(name) for name in levels.every},
        "selection_uj": energies.beside.get("selection", 0.0),
        "decoder_uj": energies.beside.get("decoder", 0.0),
        "on_chip_uj": chip,
        "energy_uj": whole,
        "model_energy_uj": sum(this.values(), 0.0) - sum(index.values(), 0.0),
        **{f"{name}_metadata_uj": None if metadata is None else metadata.get(name) for name in levels.storage},
        "on_chip_metadata_uj": None if metadata is None else _on_chip(metadata, dram),
        "metadata_uj": None if metadata is None else sum(metadata.values(), 0.0),
        "on_chip_index_uj": _on_chip(index, dram),
        "index_uj": sum(index.values(), 0.0),
        "on_chip_overhead_uj": _on_chip(index, dram, beside),
        "overhead_uj": sum(index.values(), 0.0) + beside,
        **{f"dense_{name}_uj": dense.get(name) for name in levels.every},
        "dense_on_chip_uj": dense_chip,
        "dense_energy_uj": dense_total,
        "on_chip_gain": _ratio(dense_chip, chip),
        "energy_gain": _ratio(dense_total, whole),
    }


def _on_chip(uj: Mapping[str, float], dram: frozenset[str], beside: float = 0.0) -> float:
    """The sum without DRAM, and with what is beside the levels."""
    return sum((each for name, each in uj.items() if name not in dram), beside)


def _moved_record(runs: Sequence[Mapping[str, Moved]], levels: _Levels, dram: frozenset[str]) -> Record:
    """Words and bytes of every storage level and of all together, summed over runs; None of a level that no run has."""
    record: Record = {}
    for name in levels.storage:
        found = [run[name] for run in runs if name in run]
        keys = asdict(total(found)) if found else dict.fromkeys(MOVED)
        record |= {f"{name}_{key}": value for key, value in keys.items()}
    every = total(each for run in runs for each in run.values())
    outside = total(each for run in runs for name, each in run.items() if name in dram)
    record |= {f"total_{key}": value for key, value in asdict(every).items()}
    return record | {"off_chip_bytes": outside.read_bytes + outside.written_bytes}


def _ratio(dense: float, this: float) -> float | None:
    """None where an energy table holds only zeros."""
    return dense / this if this else None


def _dram(architecture: Architecture) -> frozenset[str]:
    return frozenset(level.name.lower() for level in architecture.levels if level.technology == "DRAM")
