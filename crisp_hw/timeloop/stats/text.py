"""timeloop-model.stats.txt: Timeloop's own layout, line by line, so that parsers of it keep working.

Layout: src/model/topology.cpp, arithmetic.cpp and buffer.cpp of Timeloop 4cf6d4c, which prints a short form without
sparse optimizations and a long one with them, and hides networks that take no energy.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from crisp_hw.spec.arch import StorageLevel
from crisp_hw.spec.result import LevelResult
from crisp_hw.timeloop.stats.detail import Evaluated
from crisp_hw.timeloop.stats.tensor import INDENT, figure, per, percent, tensor_lines
from crisp_hw.timeloop.stats.wires import by_name, wire_lines

WRAP = 2**64  # Timeloop counts in unsigned 64-bit integers: fewer computes than outputs wrap around


def stats_text(evaluated: Evaluated) -> str:
    """The whole file for one valid mapping."""
    lines = [
        *("Buffer and Arithmetic Levels", "----------------------------"),
        *_levels(evaluated),
        *("Networks", "--------"),
        *wire_lines(evaluated.point.design.architecture, evaluated.result.networks),
        *_intensity(evaluated),
        *("", "", "Summary Stats", "-------------"),
        *_summary(evaluated),
        "",
        "",
    ]
    return "\n".join(lines)


def _utilization(evaluated: Evaluated) -> float:
    """Share of MACs and cycles at work: of 0 cycles, what division by 0 gives."""
    result = evaluated.result
    return result.utilization if result.cycles else per(result.utilization, 0.0)


def _computes(evaluated: Evaluated) -> tuple[int, int]:
    compute = evaluated.result.compute
    return (compute.algorithmic, compute.random) if compute else (0, 0)


def _levels(evaluated: Evaluated) -> Iterator[str]:
    if evaluated.result.compute and evaluated.result.compute.energy_pj:  # Timeloop hides what neither moves nor costs
        yield from ("Level 0", "-------", *_compute(evaluated))
    levels = evaluated.point.design.architecture.levels
    for number, (level, result) in enumerate(zip(levels, evaluated.result.levels, strict=True), 1):
        if _accesses(result) or result.energy_pj:
            yield from (f"Level {number}", "-------", *_storage(evaluated, level, result))


def _compute(evaluated: Evaluated) -> Iterator[str]:
    unit, result = evaluated.point.design.architecture.compute, evaluated.result.compute
    if result is None:
        return
    yield from (f"=== {unit.name} ===", "", f"{INDENT}SPECS", f"{INDENT}-----")
    yield f"{INDENT}Word bits             : {unit.word_bits}"
    yield f"{INDENT}Instances             : {unit.instances} ({unit.mesh_x}*{unit.mesh_y})"
    yield f"{INDENT}Compute energy        : {figure(evaluated.mac_pj())} pJ"
    yield from ("", f"{INDENT}STATS", f"{INDENT}-----")
    energy = f"{figure(result.energy_pj)} pJ"
    area = f"{figure(evaluated.area_um2(unit.name) * unit.instances)} um^2"
    if evaluated.sparse:
        rows = {
            "Utilized instances (max)": evaluated.macs,
            "Utilized instances (average)": evaluated.average_macs,
            "Cycles": result.cycles,
            "Algorithmic Computes (total)": result.algorithmic,
            "Actual Computes (total)": result.random,
            "Gated Computes (total)": result.gated,
            "Skipped Computes (total)": result.skipped,
            "Energy (total)": energy,
            "Area (total)": area,
        }
        yield from (f"{INDENT}{name:<29}: {value}" for name, value in rows.items())
        yield ""
    else:
        rows = {"Utilized instances": evaluated.macs, "Computes (total)": result.random, "Cycles": result.cycles}
        rows |= {"Energy (total)": energy, "Area (total)": area}
        yield from (f"{INDENT}{name:<24}: {value}" for name, value in rows.items())
    yield ""


def _storage(evaluated: Evaluated, level: StorageLevel, result: LevelResult) -> Iterator[str]:
    yield from (f"=== {level.name} ===", "", f"{INDENT}SPECS", f"{INDENT}-----")
    rows = _sparse_specs(evaluated, level) if evaluated.sparse else _dense_specs(evaluated, level)
    rows |= {
        "Per-instance-cycle leakage": f"{figure(evaluated.named_pj(level, 'leak'))} pJ",
        "Instances sharing power gating": "1.00",
        "Non-power-gated utilization": "100.00%",
        "Leakage energy (total)": f"{figure(result.leakage_pj)} pJ",
        "Area": f"{figure(evaluated.area_um2(level.name))} um^2",
    }
    yield from (f"{INDENT * 2}{name:<32}: {value}" for name, value in rows.items())
    yield from ("", f"{INDENT}STATS", f"{INDENT}-----")
    yield f"{INDENT}Cycles               : {result.cycles}"
    yield f"{INDENT}Bandwidth throttling : {figure(result.slowdown)}"
    kept = evaluated.point.mapping.nest.keeps[evaluated.point.design.architecture.levels.index(level)]
    for name, counts in result.tensors.items():
        if name in kept:
            yield f"{INDENT}{name}:"
            yield from tensor_lines(counts, evaluated.details[level.name, name], evaluated.sparse)
    yield ""


def _dense_specs(evaluated: Evaluated, level: StorageLevel) -> dict[str, str]:
    energy, source = evaluated.vector_access(level)
    size = {
        "Technology": level.technology,
        "Size": _optional(level.size_words),
        "Word bits": str(level.word_bits),
        "Block size": str(level.block_size),
    }
    rest = {
        "Effective size": _effective(level),
        "Min utilization": figure(level.min_utilization),
        "Vector access energy": f"{figure(energy)} pJ",
        "Vector access energy source": source,
    }
    return size | _shape(level) | rest


def _sparse_specs(evaluated: Evaluated, level: StorageLevel) -> dict[str, str]:
    size = {
        "Technology": level.technology,
        "Data storage size": _optional(level.size_words),
        "Data word bits": str(level.word_bits),
        "Data block size": str(level.block_size),
        "Metadata storage width(bits)": str(level.metadata_width_bits),
        "Metadata storage depth": _optional(level.metadata_depth if level.name in evaluated.metadata_bounded else None),
    }
    rest = {
        "Effective data storage size": _effective(level),
        "Min utilization": figure(level.min_utilization),
        "Vector read energy": f"{figure(evaluated.action_pj(level, 'random', 'reads'))} pJ",
        "Vector write energy": f"{figure(evaluated.action_pj(level, 'random', 'fills'))} pJ",
        "Vector metadata read energy": f"{figure(evaluated.action_pj(level, 'random', 'reads', 'metadata_'))} pJ",
        "Vector metadata write energy": f"{figure(evaluated.action_pj(level, 'random', 'fills', 'metadata_'))} pJ",
        "(De)compression energy": f"{figure(evaluated.named_pj(level, 'decompression_count'))} pJ",
    }
    return size | _shape(level) | rest


def _shape(level: StorageLevel) -> dict[str, str]:
    return {
        "Cluster size": str(level.cluster_size),
        "Instances": f"{level.instances} ({level.mesh_x}*{level.mesh_y})",
        "Shared bandwidth": _limit(level.shared_bandwidth),
        "Read bandwidth": _limit(level.read_bandwidth),
        "Write bandwidth": _limit(level.write_bandwidth),
        "Multiple buffering": figure(level.multiple_buffering),
    }


def _optional(value: int | None) -> str:
    return "-" if value is None else str(value)


def _limit(value: float | None) -> str:
    return "-" if value is None else figure(value)


def _effective(level: StorageLevel) -> str:
    return _optional(None if level.size_words is None else int(level.size_words / level.multiple_buffering))


def _accesses(level: LevelResult) -> int:
    """Scalar accesses of all instances, each tensor's truncated, in unsigned 64-bit numbers (buffer.cpp: Accesses)."""
    tensors = level.tensors.values()
    moved = (int(counts.utilized_instances * (counts.reads + counts.updates + counts.fills)) for counts in tensors)
    return sum(moved) % WRAP


def _outermost_words(evaluated: Evaluated, tensor: str) -> int:
    """Words of a tensor in the outermost level that holds any."""
    found = (level.tensors[tensor].utilized_capacity for level in reversed(evaluated.result.levels))
    return next((words for words in found if words), 0)


def _total_ops(evaluated: Evaluated) -> int:
    outputs = [t.name for t in evaluated.point.design.problem.tensors if t.is_output]
    actual = _computes(evaluated)[1]
    return (2 * actual - sum(_outermost_words(evaluated, name) for name in outputs)) % WRAP


def _per_byte(ops: int, word_bits: int, words: int) -> str:
    """Operations per byte in single precision, the bytes a whole number (topology.cpp)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return figure(float(np.float32(ops) / np.float32(word_bits * words // 8)))


def _intensity(evaluated: Evaluated) -> Iterator[str]:
    levels, actual, ops = evaluated.point.design.architecture.levels, _computes(evaluated)[1], _total_ops(evaluated)
    required = sum(_outermost_words(evaluated, tensor.name) for tensor in evaluated.point.design.problem.tensors)
    rows = {
        "Total elementwise ops": str(actual),
        "Total reduction ops": str((ops - actual) % WRAP),
        "Total ops": str(ops),
        "Total memory accesses required": str(required),
        "Optimal Op per Byte": _per_byte(ops, levels[-1].word_bits, required),
    }
    yield from ("Operational Intensity Stats", "---------------------------")
    yield from (f"{INDENT}{name:<40}: {value}" for name, value in rows.items())
    yield ""
    for level, result in zip(levels, evaluated.result.levels, strict=True):
        yield f"=== {level.name} ==="
        if words := _accesses(result):
            yield f"{INDENT}{'Total scalar accesses':<40}: {words}"
            yield f"{INDENT}{'Op per Byte':<40}: {_per_byte(ops, level.word_bits, words)}"


def _summary(evaluated: Evaluated) -> Iterator[str]:
    result = evaluated.result
    cycles = np.float32(result.cycles)
    with np.errstate(divide="ignore", invalid="ignore"):
        yield f"GFLOPs (@1GHz): {figure(float(np.float32(_total_ops(evaluated)) / cycles))}"
    yield f"Utilization: {percent(_utilization(evaluated))}"
    yield f"Cycles: {result.cycles}"
    yield f"Energy: {figure(result.energy_pj / 1e6)} uJ"
    yield f"EDP(J*cycle): {float(cycles) * result.energy_pj / 1e12:.2e}"
    yield "Area: 0.00 mm^2"  # topology.cpp adds the areas up, but then Evaluate resets the sum
    algorithmic, actual = _computes(evaluated)
    titles = {
        "Algorithmic Computes": (algorithmic, "fJ/Algorithmic-Compute"),
        "Actual Computes": (actual, "fJ/Compute"),
    }
    for title, (count, unit) in (titles if evaluated.sparse else {"Computes": (actual, "fJ/Compute")}).items():
        yield from ("", f"{title} = {count}", unit, *_shares(evaluated, count))


def _shares(evaluated: Evaluated, computes: int) -> Iterator[str]:
    """Energy per compute of every component that needs any, aligned to the longest name, networks' included."""
    result, compute = evaluated.result, evaluated.result.compute
    names = [evaluated.point.design.architecture.compute.name, *(level.name for level in result.levels)]
    longest = max(len(f"{outer} <==> {inner}") for inner, outer in pairwise(names))
    energies = {names[0]: compute.energy_pj if compute else 0.0} | {each.name: each.energy_pj for each in result.levels}
    energies |= {network.name: network.energy_pj for network in by_name(result.networks)}
    shown = {name: energy for name, energy in energies.items() if energy} | {"Total": result.energy_pj}
    yield from (f"{INDENT}{name:<{longest + 1}}= {figure(per(pj * 1000, computes))}" for name, pj in shown.items())
