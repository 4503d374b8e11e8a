"""One evaluated mapping as a Result: arrays to plain numbers."""

import numpy as np

from crisp_hw.engine.arrays import Float
from crisp_hw.engine.banded import nonzeros
from crisp_hw.engine.content import expected_occupancy
from crisp_hw.engine.counted import Counted
from crisp_hw.engine.occupancy import Occupancy
from crisp_hw.engine.place import Place
from crisp_hw.engine.safs.counts import KINDS, OPS, Accesses, unsigned
from crisp_hw.engine.safs.position import ASSUMPTION
from crisp_hw.engine.safs.sparse import temporal_reductions
from crisp_hw.engine.validity import RuleCheck, capacity, failures_of, lanes_per_parent, metadata_capacity
from crisp_hw.engine.wires import hop_energy, transit_cycles
from crisp_hw.spec.dialect import HEAD_2024, MICRO22
from crisp_hw.spec.patterns import Banded
from crisp_hw.spec.problem import Tensor
from crisp_hw.spec.result import (
    ComputeResult,
    FormatCounts,
    LevelResult,
    Result,
    TensorCounts,
    WireCounts,
    WireResult,
)
from crisp_hw.spec.rules import sentence

OTHER_NUMBERS = (
    (
        MICRO22,
        "counted as the program behind the Sparseloop MICRO 2022 artifact does, which differs from public Timeloop "
        "(docs/model.md, section 12)",
    ),
    (
        HEAD_2024,
        "counted as public Timeloop did before its pull request 297 of January 2025: a loop that moves nothing changes "
        "the stride of a sliding window (docs/model.md, section 12)",
    ),
)
NOTICEABLE = 1e-6  # relative; below lies the rounding of long sums


def report(counted: Counted, checks: list[RuleCheck], assumptions: tuple[str, ...]) -> Result:
    """The first mapping of one structure, with the reasons why it is invalid, if it is."""
    failures = failures_of(checks)
    arch, sparse, tally = counted.tiling.architecture, counted.sparse, counted.sparse.tally
    levels = tuple(_level_result(counted, index) for index in range(len(arch.levels)))
    busy = int(tally.random_computes[0] + tally.gated_computes[0])
    compute = ComputeResult(
        name=arch.compute.name,
        algorithmic=int(counted.traffic.computes[0]),
        random=int(tally.random_computes[0]),
        gated=int(tally.gated_computes[0]),
        skipped=int(tally.skipped_computes[0]),
        cycles=int(counted.mac_cycles[0]),
        utilized_instances=float(sparse.used_macs[0]),
        energy_pj=float(counted.compute_pj[0]),
    )
    return Result(
        valid=not failures,
        reasons=tuple(map(sentence, failures)),
        cycles=int(counted.cycles[0]),
        energy_pj=float(counted.energy_pj[0]),
        utilization=busy / arch.compute.instances / max(int(counted.cycles[0]), 1),
        compute=compute,
        levels=levels,
        assumptions=assumptions + _remarks(counted),
        networks=_wire_results(counted),
        network_cycles=transit_cycles(counted.tiling),
        failures=failures,
    )


def _wire_results(counted: Counted) -> tuple[WireResult, ...]:
    """The networks of which some tensor takes energy."""
    tiling, found = counted.tiling, []
    names = [counted.tiling.architecture.compute.name, *(level.name for level in tiling.architecture.levels)]
    for index in sorted({index for index, _ in counted.wires}):
        level = tiling.architecture.levels[index]
        tensors = {d.name: _wire_counts(counted, index, t) for t, d in enumerate(tiling.problem.tensors)}
        energy = sum((each.energy_pj + each.link_energy_pj) * each.instances for each in tensors.values())
        name = f"{level.name} <==> {names[index]}"
        found.append(WireResult(name, level.name, tensors, hop_energy(level), energy))
    return tuple(network for network in found if network.energy_pj)


def _wire_counts(counted: Counted, index: int, t: int) -> WireCounts:
    carried, words = counted.wires[index, t], float(counted.wires[index, t].words[0])
    records = sorted(carried.stream.records.items())
    fanout = counted.tiling.product([j for j in counted.tiling.loops(index) if not counted.tiling.temporal(j)])
    return WireCounts(
        fanout=int(fanout[0]) if records else 0,
        instances=int(carried.instances[0]),
        ingresses=tuple((*key, float(record.words[0])) for key, record in records if record.words[0]),
        hops=float(carried.hops[0]) / words if words > 0 else 0.0,
        linked=int(carried.stream.linked[0]),
        reductions=int(carried.reductions[0]),
        energy_pj=float(carried.energy_pj[0]),
        link_energy_pj=float(carried.link_pj[0]),
    )


def _remarks(counted: Counted) -> tuple[str, ...]:
    """What a reader must know before trusting the numbers."""
    found = [said for rules, said in OTHER_NUMBERS if counted.tiling.rules == rules]
    found += [ASSUMPTION] if counted.sparse.packed else []
    found += [
        f"level {counted.tiling.architecture.levels[level].name}: Timeloop takes a tile of "
        f"{counted.tiling.problem.tensors[t].name} that always holds nonzeros for one that may be empty and counts too "
        "little traffic, and so does this result: do not use it"
        for (level, t), content in sorted(counted.sparse.occupancy.items())
        if _loses_nonzeros(counted, level, t, content)
    ]
    found += [
        f"level {name}: {int(needed[0][0])} x {int(needed[1][0])} lanes are used below one parent that has "
        f"{there[0]} x {there[1]}; Timeloop counts lanes of all parents together and accepts that"
        for name, needed, there in lanes_per_parent(counted)
        if not counted.sparse.skips_lanes and (int(needed[0][0]) > there[0] or int(needed[1][0]) > there[1])
    ]
    found += [
        f"level {counted.tiling.architecture.levels[level].name}: a SAF further out avoids more of "
        f"{counted.tiling.problem.tensors[t].name} than the one here; Timeloop's counts of what this one avoids wrap "
        "around to 1.8e19, and so do these: do not use them, drop the inner SAF"
        for level, t in sorted(counted.sparse.safs)
        if _avoids_less_than_none(counted, level, t)
    ]
    found += [
        f"level {counted.tiling.architecture.levels[level].name}: lanes of a residual share {tensor.name} unevenly; "
        f"Timeloop's count would be -{counted.traffic.lacking[level, t][0]} and wraps around to 1.8e19, here it is 0"
        for t, tensor in enumerate(counted.tiling.problem.tensors)
        for level in range(len(counted.tiling.architecture.levels))
        if counted.traffic.lacking[level, t][0]
    ]
    found += _remarks_on_bands(counted)
    if counted.tiling.rules.whole_macs and counted.sparse.used_macs[0] < 1:
        found.append(
            f"only {counted.sparse.used_macs[0]:.2f} MACs are at work on average; Timeloop truncates that to 0 and "
            "reports 0 cycles, and so does this result: do not use it"
        )
    return tuple(found)


def _remarks_on_bands(counted: Counted) -> list[str]:
    """What Timeloop makes of a band that reaches far."""
    found = [
        f"{tensor.name}: Timeloop counts tiles of a band of {tensor.density.band_width} twice where it reaches beyond "
        "half the matrix, and the metadata of tiles that hold as much as the first one alone; so does this result"
        for t, tensor in enumerate(counted.tiling.problem.tensors)
        if isinstance(tensor.density, Banded) and any(place[1] == t for place in counted.sparse.ranks)
    ]
    return found + [
        too_wide(tensor.name, tensor.density.band_width, side)
        for tensor in counted.tiling.problem.tensors
        if isinstance(tensor.density, Banded) and tensor.density.band_width > (side := _shortest(counted, tensor))
    ]


def _shortest(counted: Counted, tensor: Tensor) -> int:
    """Words along the shortest rank."""
    return min(int(extent[0]) for extent in counted.tiling.tile_below(len(counted.tiling.nest.loops), tensor).extents)


def too_wide(name: str, width: int, side: int) -> str:
    """What Timeloop makes of a band wider than its matrix.

    >>> too_wide("A", 8, 4)
    'A: ... 8 is wider than the 4 x 4 matrix; Timeloop ... 18446744073709551612 nonzeros (its sum wraps around) ...'
    """
    held = nonzeros(width, side)
    wraps = " (its sum wraps around)" if held > side * side else ""
    return (
        f"{name}: a band of {width} is wider than the {side} x {side} matrix; Timeloop takes the diagonals beyond it "
        f"off again and counts {held} nonzeros{wraps} where formats and SAFs ask for them, and so does this result: do "
        f"not use it, give a band below {side}"
    )


def _avoids_less_than_none(counted: Counted, level: int, t: int) -> bool:
    """Is a count of avoided accesses negative? (`propagate: share_left` says why.)"""
    tally, place = counted.sparse.tally, (level, t)
    for kind, op in ((kind, op) for kind in KINDS for op in OPS):
        entries = [count for rank in tally.metadata[kind][op].get(place, ()) for count in rank if count is not None]
        if any(int(count[0]) < 0 for count in (tally.data[kind][op][place], *entries)):
            return True
    return False


def _loses_nonzeros(counted: Counted, level: int, t: int, content: Occupancy) -> bool:
    """Is the mean content of a tile below that of the density model? (`smallest_occupancy` says why.)"""
    tensor = counted.tiling.problem.tensors[t]
    tile = counted.tiling.tile_below(counted.tiling.ends[level], tensor).at(np.zeros(1, dtype=np.int64))
    mean = expected_occupancy(tensor.density, counted.tiling.size(tensor), tile)[0]
    return bool(content.words[0] * content.nonempty[0] < (1.0 - NOTICEABLE) * mean)


def _level_result(counted: Counted, index: int) -> LevelResult:
    level, latency = counted.tiling.architecture.levels[index], counted.latency[index]
    tensors = {
        tensor.name: _tensor_counts(counted, index, t) for t, tensor in enumerate(counted.tiling.problem.tensors)
    }
    leaks = float(_first(counted.leakage_pj[index]))
    energy = leaks + sum(counts.energy_pj * counts.utilized_instances for counts in tensors.values())
    return LevelResult(level.name, tensors, int(latency.cycles[0]), float(latency.slowdown[0]), energy, leaks)


def _first(values: Float | None) -> float:
    return 0.0 if values is None else float(values[0])


KEYS = tuple((kind, op) for kind in KINDS for op in OPS)
NO_ACCESSES = {f"{kind}_{op}": 0 for kind, op in KEYS}


def _entries(tally: Accesses, key: tuple[str, str], place: Place, ranks: int) -> FormatCounts:
    """(metadata, payload) of each rank."""
    held = tally.metadata[key[0]][key[1]].get(place, ((None, None),) * ranks)
    return tuple((0 if m is None else unsigned(m[0]), 0 if p is None else unsigned(p[0])) for m, p in held)


def _tensor_counts(counted: Counted, index: int, t: int) -> TensorCounts:
    place, tally, sparse = (index, t), counted.sparse.tally, counted.sparse
    used, tensor = float(sparse.used[place][0]), counted.tiling.problem.tensors[t]
    actions = {name: float(pj[0]) for name, pj in counted.energy[place].items() if pj[0]}
    if tensor.name not in counted.tiling.nest.keeps[index]:  # it passes by, or streams through
        return TensorCounts(0, 0, 0, NO_ACCESSES, {}, 0, used, 0, 0, 0, 0.0, 0.0, sum(actions.values(), 0.0), actions)
    stored, latency = sparse.ranks.get(place), counted.latency[index]
    ranks = len(stored.form.ranks) if stored is not None and stored.form is not None else 0
    accesses = {f"{kind}_{op}": unsigned(tally.data[kind][op][place][0]) for kind, op in KEYS}
    moved = ("updates", "fills") if tensor.is_output else ("reads", "fills")
    return TensorCounts(
        reads=int(counted.traffic.reads[place][0]),
        fills=int(counted.traffic.fills[place][0]),
        updates=int(counted.traffic.updates[place][0]),
        accesses=accesses,
        format_accesses={f"{k}_{op}": _entries(tally, (k, op), place, ranks) for k, op in KEYS} if ranks else {},
        utilized_capacity=int(capacity(counted, index, t)[0]),
        utilized_instances=used,
        partition_size=int(counted.traffic.partition[place][0]),
        temporal_reductions=int(temporal_reductions(counted.traffic, sparse, place)[0]) if tensor.is_output else 0,
        address_generations=unsigned(sum(accesses[f"{kind}_{op}"] for kind in ("random", "gated") for op in moved)),
        read_bandwidth=float(latency.read_demand[t][0] * latency.slowdown[0]),
        write_bandwidth=float(latency.write_demand[t][0] * latency.slowdown[0]),
        energy_pj=sum(actions.values(), 0.0),
        action_energy_pj=actions,
        metadata_capacity_bits=int(metadata_capacity(counted, index, t)[0]) if ranks else 0,
        density=float(sparse.density[place][0]),
        compressions=int(tally.compressions[place][0]),
        decompressions=int(tally.decompressions[place][0]),
    )
