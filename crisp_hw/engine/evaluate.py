"""A design and its mappings to cycles, energy and a verdict: the list of the calls that the other modules offer."""

from dataclasses import dataclass, field

import numpy as np

from crisp_hw.engine.energy import compute_energy, instance_energy, read_energy_per_word
from crisp_hw.engine.formats import word_bits
from crisp_hw.engine.latency import LevelLatency, compute_cycles, level_latency
from crisp_hw.engine.safs import AmbiguousChoice, Sparse, apply_safs, dense_only
from crisp_hw.engine.safs.counts import KINDS, OPS
from crisp_hw.engine.tiling import Bool, Float, Int, Tiling
from crisp_hw.engine.traffic import Traffic, dense_traffic
from crisp_hw.errors import InputError, MappingError
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.mapping import LoopNest
from crisp_hw.spec.result import ComputeResult, LevelResult, Result, TensorCounts


@dataclass(frozen=True)
class Failure:
    """One rule that some mappings of a batch break: what is needed and what there is, [b] each."""

    level: str
    tensor: str | None
    what: str
    need: Float
    have: Float
    failed: Bool


@dataclass(frozen=True)
class Batch:
    """Verdict, cycles and energy of a batch of mappings, [b] each; `failures` lists the rules that were broken."""

    valid: Bool
    cycles: Int
    energy_pj: Float
    failures: tuple[Failure, ...] = ()


@dataclass
class _Part:
    """Everything known of the mappings of one structure."""

    tiling: Tiling
    traffic: Traffic
    sparse: Sparse
    energy: dict[tuple[int, int], dict[str, Float]]
    latency: list[LevelLatency]
    cycles: Int
    compute_pj: Float
    failures: list[Failure] = field(default_factory=list)

    @property
    def energy_pj(self) -> Float:
        """All levels with all their instances at work, and the MACs."""
        total = self.compute_pj.copy()
        for place, actions in self.energy.items():
            total = total + sum(actions.values()) * self.sparse.used[place]
        return total


def evaluate_batch(design: Design, nest: LoopNest, bounds: Int) -> Batch:
    """Evaluate mappings that share a nest: `bounds` is int64[b, L], the bound of each loop, innermost first.

    Every number of a batch equals that of the mapping evaluated alone. Raises InputError where the bounds do not
    multiply to the problem, or the design asks for something that the model does not know.
    """
    bounds = np.ascontiguousarray(bounds, dtype=np.int64)
    _check(design, nest, bounds)
    valid = np.zeros(len(bounds), dtype=bool)
    cycles, energy = np.zeros(len(bounds), dtype=np.int64), np.zeros(len(bounds))
    failures: dict[tuple[str, str | None, str], Failure] = {}
    for rows in _same_structure(bounds):
        for part_rows, part in _evaluate_rows(design, nest, bounds, rows):
            if isinstance(part, MappingError):
                _merge(failures, _unmappable(part, len(part_rows)), part_rows, len(bounds))
                continue
            cycles[part_rows], energy[part_rows] = part.cycles, part.energy_pj
            valid[part_rows] = ~np.any([f.failed for f in part.failures] or [[False] * len(part_rows)], axis=0)
            for failure in part.failures:
                _merge(failures, failure, part_rows, len(bounds))
    return Batch(valid, cycles, energy, tuple(failures.values()))


def evaluate(point: DesignPoint) -> Result:
    """Evaluate one design point and report every count.

    Raises InputError as `evaluate_batch`; an invalid mapping is a Result whose `reasons` say why.
    """
    bounds = np.array([point.mapping.bounds], dtype=np.int64)
    _check(point.design, point.mapping.nest, bounds)
    ((_, part),) = _evaluate_rows(point.design, point.mapping.nest, bounds, np.array([0]))
    if isinstance(part, MappingError):
        return Result(False, (str(part),), 0, 0.0, 0.0, None, (), point.assumptions)
    return _report(point, part)


def _check(design: Design, nest: LoopNest, bounds: Int) -> None:
    for dim, size in zip(design.problem.dims, design.problem.bounds, strict=True):
        columns = [j for j, loop in enumerate(nest.loops) if loop.dim == dim]
        product = bounds[:, columns].prod(axis=1)
        if (product != size).any():
            raise InputError(
                f"mapping: the factors of {dim} multiply to {product[product != size][0]}, but the problem has "
                f"{dim} = {size}; imperfect factors are not modelled yet"
            )
    for tensor in design.problem.tensors:
        if any(len(rank) > 1 or abs(rank[0].coefficient) != 1 for rank in tensor.ranks):
            raise InputError(
                f"problem {design.problem.name}: tensor {tensor.name} has a rank with several terms or a stride; "
                "sliding windows are not modelled yet: give the layer as a matrix product"
            )
        if not any(tensor.name in keeps for keeps in nest.keeps):
            raise InputError(f"mapping: no level keeps tensor {tensor.name}; let one keep it")
    for (fan_x, fan_y), level in zip(design.architecture.fanouts, design.architecture.levels, strict=True):
        if fan_x < 1 or fan_y < 1:
            raise InputError(f"architecture: level {level.name} has a wider mesh than the level inside it; widen that one")


def _same_structure(bounds: Int) -> list[Int]:
    """Row indices grouped by which loops do something."""
    if len(bounds) == 1:
        return [np.array([0])]
    packed = np.packbits(bounds > 1, axis=1)
    _, inverse = np.unique(packed, axis=0, return_inverse=True)
    order = np.argsort(inverse.ravel(), kind="stable")
    return np.split(order, np.flatnonzero(np.diff(inverse.ravel()[order])) + 1)


def _evaluate_rows(
    design: Design, nest: LoopNest, bounds: Int, rows: Int
) -> list[tuple[Int, "_Part | MappingError"]]:
    tiling = Tiling(design.problem, design.architecture, nest, np.ascontiguousarray(bounds[rows].T))
    try:
        return [(rows, _evaluate_part(design, tiling))]
    except AmbiguousChoice as ambiguous:
        parts = [rows[ambiguous.choice == choice] for choice in np.unique(ambiguous.choice)]
        return [found for part in parts for found in _evaluate_rows(design, nest, bounds, part)]
    except MappingError as error:
        return [(rows, error)]


def _evaluate_part(design: Design, tiling: Tiling) -> _Part:
    levels, tensors = design.architecture.levels, design.problem.tensors
    traffic = dense_traffic(tiling)
    if design.sparse.active:
        weights = {level.name: read_energy_per_word(design.energy, level) for level in levels}
        sparse = apply_safs(tiling, traffic, design.sparse, weights)
    else:
        sparse = dense_only(tiling, traffic)
    compute = compute_cycles(sparse)
    latency = [level_latency(sparse, index, level, compute) for index, level in enumerate(levels)]
    cycles = np.max([compute, *(level.cycles for level in latency)], axis=0)
    places = [(index, t) for index in range(len(levels)) for t in range(len(tensors))]
    energy = {place: instance_energy(tiling, sparse, design.energy, place) for place in places}
    part = _Part(tiling, traffic, sparse, energy, latency, cycles, _compute_pj(design, sparse))
    part.failures = _failures(part)
    return part


def _compute_pj(design: Design, sparse: Sparse) -> Float:
    tally, compute = sparse.tally, design.architecture.compute
    counts = {"random": tally.random_computes, "gated": tally.gated_computes, "skipped": tally.skipped_computes}
    total: Float = np.sum([n * compute_energy(design.energy, compute, kind) for kind, n in counts.items()], axis=0)
    return total


def _failures(part: _Part) -> list[Failure]:
    """Every rule of docs/model.md, section 9, that some mapping of the part breaks."""
    found: list[Failure] = []
    arch, sparse = part.tiling.architecture, part.sparse

    def require(level: str, what: str, need: Int | Float, have: float) -> None:
        failed = need > have
        if failed.any():
            found.append(Failure(level, None, what, need.astype(float), np.full(len(need), float(have)), failed))

    for index, level in enumerate(arch.levels):
        if level.size_words is not None:
            words = np.sum([_capacity(part, index, t) for t in range(len(part.tiling.problem.tensors))], axis=0)
            require(level.name, "words of capacity", words, int(level.size_words / level.multiple_buffering))
            bits = np.sum([_metadata_capacity(part, index, t) for t in range(len(part.tiling.problem.tensors))], axis=0)
            room = level.metadata_depth * level.metadata_width_bits
            require(level.name, "bits of metadata capacity", bits, int(room / level.multiple_buffering))
        require(level.name, "instances", np.floor(sparse.used[index].max(axis=0)), level.instances)
        mesh = sparse.mesh[:, index + 1].max(axis=0)
        require(level.name, "instances along x", mesh[0], level.mesh_x)
        require(level.name, "instances along y", mesh[1], level.mesh_y)
    require(arch.compute.name, "instances", sparse.macs_mesh.prod(axis=0), arch.compute.instances)
    require(arch.compute.name, "instances along x", sparse.macs_mesh[0], arch.compute.mesh_x)
    require(arch.compute.name, "instances along y", sparse.macs_mesh[1], arch.compute.mesh_y)
    return found


def _capacity(part: _Part, index: int, t: int) -> Int:
    """Words that a level reserves for a tensor: the worst case where it keeps metadata, the dense tile elsewhere."""
    stored = part.sparse.ranks.get((index, t))
    if stored is not None and stored.form is not None:
        return part.sparse.occupancy[index, t].largest_words
    tile: Int = part.traffic.tile[index, t]
    return tile


def _metadata_capacity(part: _Part, index: int, t: int) -> Int:
    stored, level = part.sparse.ranks.get((index, t)), part.tiling.architecture.levels[index]
    total = np.zeros(part.tiling.bounds.shape[1], dtype=np.int64)
    if stored is None or stored.form is None:
        return total
    for rank, (metadata, payload) in zip(
        stored.form.ranks, part.sparse.occupancy[index, t].largest_units, strict=True
    ):
        width = word_bits(level, rank)
        total = total + metadata * width[0] + payload * width[1]
    return total


def _unmappable(error: MappingError, count: int) -> Failure:
    nothing = np.zeros(count)
    return Failure("", None, str(error), nothing + 1, nothing, nothing == 0)


def _merge(found: dict[tuple[str, str | None, str], Failure], new: Failure, rows: Int, total: int) -> None:
    """Scatter a failure of some rows into one over the whole batch."""
    key = (new.level, new.tensor, new.what)
    blank = Failure(*key, np.zeros(total), np.zeros(total), np.zeros(total, dtype=bool))
    into = found.setdefault(key, blank)
    into.need[rows], into.have[rows], into.failed[rows] = new.need, new.have, new.failed


def reason(failure: Failure, row: int = 0) -> str:
    """One broken rule in words.

    >>> reason(Failure("SMEM", None, "words of capacity", np.array([300.0]), np.array([256.0]), np.array([True])))
    'level SMEM: 300 words of capacity needed, 256 there'
    """
    if not failure.level:
        return failure.what
    return f"level {failure.level}: {failure.need[row]:.0f} {failure.what} needed, {failure.have[row]:.0f} there"


def _report(point: DesignPoint, part: _Part) -> Result:
    arch, sparse, tally = part.tiling.architecture, part.sparse, part.sparse.tally
    levels = tuple(_level_result(part, index) for index in range(len(arch.levels)))
    busy = int(tally.random_computes[0] + tally.gated_computes[0])
    compute = ComputeResult(
        name=arch.compute.name,
        algorithmic=int(part.traffic.computes[0]),
        random=int(tally.random_computes[0]),
        gated=int(tally.gated_computes[0]),
        skipped=int(tally.skipped_computes[0]),
        cycles=int(compute_cycles(sparse)[0]),
        utilized_instances=float(sparse.used_macs[0]),
        energy_pj=float(part.compute_pj[0]),
    )
    return Result(
        valid=not part.failures,
        reasons=tuple(reason(failure) for failure in part.failures),
        cycles=int(part.cycles[0]),
        energy_pj=float(part.energy_pj[0]),
        utilization=busy / arch.compute.instances / max(int(part.cycles[0]), 1),
        compute=compute,
        levels=levels,
        assumptions=point.assumptions,
    )


def _level_result(part: _Part, index: int) -> LevelResult:
    level, latency = part.tiling.architecture.levels[index], part.latency[index]
    tensors = {tensor.name: _tensor_counts(part, index, t) for t, tensor in enumerate(part.tiling.problem.tensors)}
    energy = sum(counts.energy_pj * counts.utilized_instances for counts in tensors.values())
    return LevelResult(level.name, tensors, int(latency.cycles[0]), float(latency.slowdown[0]), energy)


def _tensor_counts(part: _Part, index: int, t: int) -> TensorCounts:
    place, tally = (index, t), part.sparse.tally
    stored, latency = part.sparse.ranks.get(place), part.latency[index]
    kinds = [(kind, op) for kind in KINDS for op in OPS]
    has_metadata = stored is not None and stored.form is not None
    moved = ("updates", "fills") if part.tiling.problem.tensors[t].is_output else ("reads", "fills")
    actions = {name: float(pj[0]) for name, pj in part.energy[place].items() if pj[0]}
    return TensorCounts(
        reads=int(part.traffic.reads[place][0]),
        fills=int(part.traffic.fills[place][0]),
        updates=int(part.traffic.updates[place][0]),
        accesses={f"{kind}_{op}": int(tally.data[kind][op][place][0]) for kind, op in kinds},
        format_accesses={
            f"{kind}_{op}": tuple((int(m[0]), int(p[0])) for m, p in tally.metadata[kind][op][place])
            for kind, op in kinds
            if has_metadata
        },
        utilized_capacity=int(_capacity(part, index, t)[0]),
        utilized_instances=float(part.sparse.used[place][0]),
        partition_size=int(part.traffic.partition[place][0]),
        temporal_reductions=int(tally.reductions[place][0]),
        address_generations=int(sum(tally.data[kind][op][place][0] for kind in ("random", "gated") for op in moved)),
        read_bandwidth=float(latency.read_demand[t, 0] * latency.slowdown[0]),
        write_bandwidth=float(latency.write_demand[t, 0] * latency.slowdown[0]),
        energy_pj=sum(actions.values()),
        action_energy_pj=actions,
        metadata_capacity_bits=int(_metadata_capacity(part, index, t)[0]),
        density=float(part.sparse.density[place][0]),
        compressions=int(tally.compressions[place][0]),
        decompressions=int(tally.decompressions[place][0]),
    )
