"""An evaluation as flat records, one per layer and accelerator and one per accelerator; the units stand in the keys."""

from collections.abc import Iterable, Sequence

from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.evaluation import LayerEvaluation, NetworkEvaluation
from crisp_hw.spec.mapping import Mapping
from crisp_hw.spec.result import Result

Value = str | int | float | bool | None
Record = dict[str, Value]
UJ = 1e-6  # uJ per pJ


def layer_records(network: NetworkEvaluation) -> list[Record]:
    """One record per row of the network, all with the same keys; None where something does not apply.

    `<level>_uj` is the energy of all instances of a level with its share of the block index, which `index_uj` shows
    again on its own; `on_chip_uj` is everything but DRAM. `energy_ratio` is dense over this without DRAM,
    `energy_ratio_with_dram` with it. `kept_ratio` is K'/K. `dense_*` is the unpruned layer on the same fabric.

    >>> layer_records(NetworkEvaluation("nothing", ()))
    []
    """
    levels = level_names(network)
    return [_layer_record(row, levels) for row in network.rows]


def total_records(network: NetworkEvaluation) -> list[Record]:
    """One record per accelerator, in order of appearance: the sums over its layers and their ratios.

    `compute_bound_share` is the fraction of layers whose cycles are those of the MAC array.

    >>> total_records(NetworkEvaluation("nothing", ()))
    []
    """
    levels = level_names(network)
    return [_total_record([row for row in network.rows if row.arch == arch], levels) for arch in arch_names(network)]


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


def mapping_text(architecture: Architecture, mapping: Mapping) -> str:
    """The loops with a bound above 1, outermost level and loop first; x and y run across a mesh, K5,3 has a residual.

    >>> from crisp_hw.spec.arch import ComputeLevel, StorageLevel
    >>> from crisp_hw.spec.mapping import Loop, LoopNest
    >>> nest = LoopNest((Loop(0, "K", "temporal"), Loop(1, "M", "y"), Loop(1, "N", "temporal")), (frozenset(),) * 2)
    >>> chain = Architecture((StorageLevel("RF"), StorageLevel("DRAM", "DRAM")), ComputeLevel())
    >>> mapping_text(chain, Mapping(nest, (8, 4, 2)))
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


def _layer_record(row: LayerEvaluation, levels: Sequence[str]) -> Record:
    design = row.point.design
    return {
        "arch": row.arch,
        **_shape_record(row),
        "macs": row.real_macs,
        "cycles": row.result.cycles,
        "dense_cycles": row.dense.cycles,
        "speedup": row.speedup,
        **_energy_record(_level_energies(row), levels, _dram(design.architecture)),
        "bound_by": row.result.bound_by,
        "utilization": row.result.utilization,
        "mappings_tried": row.tried,
        "mappings_valid": row.valid,
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
        "nm": f"{found.nm.n}:{found.nm.m}" if found.nm else None,
        "block": found.block,
        "kept_blocks": found.kept_blocks,
        "total_blocks": found.total_blocks,
        "kept_ratio": None if found.kept_columns is None else found.kept_columns / layer.columns,
        "density": found.density,
    }


def _total_record(rows: Sequence[LayerEvaluation], levels: Sequence[str]) -> Record:
    cycles, dense_cycles = sum(row.result.cycles for row in rows), sum(row.dense.cycles for row in rows)
    bound = [row.result.compute is not None and row.result.bound_by == row.result.compute.name for row in rows]
    dram = frozenset(name for row in rows for name in _dram(row.point.design.architecture))
    return {
        "arch": rows[0].arch,
        "layers": len(rows),
        "macs": sum(row.real_macs for row in rows),
        "cycles": cycles,
        "dense_cycles": dense_cycles,
        "speedup": dense_cycles / cycles,
        **_energy_record(_summed(_level_energies(row) for row in rows), levels, dram),
        "compute_bound_share": sum(bound) / len(rows),
    }


Energies = dict[str, dict[str, float]]
"""uJ by level for "this" and "dense"; "index" is the part of "this" that the block index takes."""


def _level_energies(row: LayerEvaluation) -> Energies:
    index = {name.lower(): pj * UJ for name, pj in (row.index.energy_pj if row.index else {}).items()}
    this = {name: uj + index.get(name, 0.0) for name, uj in _energies(row.result).items()}
    return {"this": this, "dense": _energies(row.dense), "index": index}


def _energies(result: Result) -> dict[str, float]:
    found = {level.name.lower(): level.energy_pj * UJ for level in result.levels}
    return found | ({result.compute.name.lower(): result.compute.energy_pj * UJ} if result.compute else {})


def _summed(parts: Iterable[Energies]) -> Energies:
    total: Energies = {"this": {}, "dense": {}, "index": {}}
    for part in parts:
        for kind, energies in part.items():
            for name, uj in energies.items():
                total[kind][name] = total[kind].get(name, 0.0) + uj
    return total


def _energy_record(energies: Energies, levels: Sequence[str], dram: frozenset[str]) -> Record:
    this, dense = energies["this"], energies["dense"]
    totals = {kind: sum(energies[kind].values(), 0.0) for kind in ("this", "dense", "index")}
    chip = {kind: sum(uj for n, uj in energies[kind].items() if n not in dram) for kind in ("this", "dense")}
    return {
        **{f"{name}_uj": this.get(name) for name in levels},
        "index_uj": totals["index"],
        "on_chip_uj": chip["this"],
        "energy_uj": totals["this"],
        **{f"dense_{name}_uj": dense.get(name) for name in levels},
        "dense_on_chip_uj": chip["dense"],
        "dense_energy_uj": totals["dense"],
        "energy_ratio": _ratio(chip["dense"], chip["this"]),
        "energy_ratio_with_dram": _ratio(totals["dense"], totals["this"]),
    }


def _ratio(dense: float, this: float) -> float | None:
    """None where an energy table holds only zeros."""
    return dense / this if this else None


def _dram(architecture: Architecture) -> frozenset[str]:
    return frozenset(level.name.lower() for level in architecture.levels if level.technology == "DRAM")
