"""The statistics as data: every figure of a result under Timeloop's name of it."""

import json
import math
from typing import Any

from crisp_hw.spec.result import ComputeResult, LevelResult, TensorCounts, WireResult
from crisp_hw.timeloop.stats.detail import Evaluated

SCHEMA = "crisp-hw/model/1"
_KINDS, _OPS = ("random", "gated", "skipped"), ("reads", "fills", "updates")


def stats_data(evaluated: Evaluated) -> dict[str, Any]:
    """Cycles, energies (pJ) and counts; counts and energies of a tensor are per instance, formats innermost rank first.

    `energy_pJ` is the sum of all accesses, computes and networks; `leakage_pJ` comes on top in `energy_uJ_printed` and
    in `total_energy_pJ`, as in Timeloop's text. `skipped` says what the documents hold that is not modelled.
    """
    result = evaluated.result
    leakage = math.fsum(level.leakage_pj for level in result.levels)
    levels: dict[str, Any] = {}
    if result.compute is not None:
        levels[result.compute.name] = _compute(evaluated, result.compute)
    levels |= {level.name: _level(evaluated, level) for level in result.levels}
    networks = {network.name: _wires(network) for network in result.networks}
    return {
        "schema": SCHEMA,
        "valid": result.valid,
        "cycles": result.cycles,
        "energy_pJ": result.energy_pj - leakage,
        "leakage_pJ": leakage,
        "total_energy_pJ": result.energy_pj,
        "energy_uJ_printed": float(f"{result.energy_pj / 1e6:.2f}"),
        "utilization": result.utilization,
        "bound_by": result.bound_by,
        "levels": levels,
        **({"networks": networks} if networks else {}),
        **({"network_cycles": result.network_cycles} if result.network_cycles else {}),
        "assumptions": list(result.assumptions),
        "skipped": list(result.skipped),
    }


def _wires(network: WireResult) -> dict[str, Any]:
    """Counts and energies of a tensor are per instance of the level, as in Timeloop; `total_energy_pJ` is of all."""
    tensors = {
        name: {
            "fanout": counts.fanout,
            "utilized_instances": counts.instances,
            "ingresses": [list(record) for record in counts.ingresses],
            "link_transfers": counts.linked,
            "spatial_reductions": counts.reductions,
            "num_hops": counts.hops,
            "energy": counts.energy_pj,
            "link_transfer_energy": counts.link_energy_pj,
        }
        for name, counts in network.tensors.items()
    }
    return {"energy_per_hop": network.hop_pj, "total_energy_pJ": network.energy_pj, "tensors": tensors}


def stats_json(evaluated: Evaluated) -> str:
    """`stats_data` as JSON; a figure without a value (0/0) is null."""
    return json.dumps(finite(stats_data(evaluated)), indent=1, allow_nan=False) + "\n"


def finite(value: Any) -> Any:
    """The same data with None for every figure without a value, as JSON needs it.

    >>> finite({"read_bandwidth": math.inf, "cycles": 0})
    {'read_bandwidth': None, 'cycles': 0}
    """
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _compute(evaluated: Evaluated, compute: ComputeResult) -> dict[str, Any]:
    return {
        "energy": compute.energy_pj,
        "area": evaluated.area_um2(compute.name),
        "cycles": compute.cycles,
        "utilized_instances": evaluated.macs,
        "avg_utilized_instances": evaluated.average_macs,
        "algorithmic_computes": compute.algorithmic,
        "random_computes": compute.random,
        "gated_computes": compute.gated,
        "skipped_computes": compute.skipped,
    }


def _level(evaluated: Evaluated, level: LevelResult) -> dict[str, Any]:
    per_tensor = {name: _tensor(counts) for name, counts in level.tensors.items()}
    names = next(iter(per_tensor.values()), {})
    found: dict[str, Any] = {key: {name: values[key] for name, values in per_tensor.items()} for key in names}
    with_metadata = [name for name, counts in level.tensors.items() if counts.format_accesses]
    for key in [f"{kind}_{op}" for kind in _KINDS for op in _OPS] if with_metadata else []:
        kind, op = key.split("_")
        tensors = {name: level.tensors[name].format_accesses[key] for name in with_metadata}
        found[f"{kind}_format_{op}"] = {name: [list(rank) for rank in ranks] for name, ranks in tensors.items()}
    return found | {"cycles": level.cycles, "slowdown": level.slowdown, "area": evaluated.area_um2(level.name)}


def _tensor(counts: TensorCounts) -> dict[str, Any]:
    return {
        "reads": counts.reads,
        "updates": counts.updates,
        "fills": counts.fills,
        **counts.accesses,
        "utilized_capacity": counts.utilized_capacity,
        "utilized_instances": counts.utilized_instances,
        "partition_size": counts.partition_size,
        "temporal_reductions": counts.temporal_reductions,
        "address_generations": counts.address_generations,
        "energy": counts.energy_pj,
        "read_bandwidth": counts.read_bandwidth,
        "write_bandwidth": counts.write_bandwidth,
        "shared_bandwidth": counts.read_bandwidth + counts.write_bandwidth,
    }
