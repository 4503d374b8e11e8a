"""Sparse post-processing: formats, expected occupancy, SAFs, and the computes that are left."""

from dataclasses import dataclass, field

import numpy as np

from crisp_hw.engine.content import expected_occupancy
from crisp_hw.engine.density import Float, Int
from crisp_hw.engine.formats import StoredRanks, stored_ranks
from crisp_hw.engine.occupancy import Occupancy, expected_occupancy_of
from crisp_hw.engine.safs.compute import Operand, count_computes
from crisp_hw.engine.safs.counts import KINDS, OPS, Accesses, empty_accesses
from crisp_hw.engine.safs.position import Packing, packed_computes, packed_macs, packed_reads, packings
from crisp_hw.engine.safs.probability import Impact, saf_impact
from crisp_hw.engine.safs.propagate import Combiner, Kind, Saf, combine, represented
from crisp_hw.engine.safs.spatial import Shrink, shrink, spatial_extent
from crisp_hw.engine.tiling import Bool, Tiling, keeper_below
from crisp_hw.engine.traffic import Traffic
from crisp_hw.errors import InputError, MappingError
from crisp_hw.spec.sparse import ActionOptimization, SparseSpec

READ_OPERANDS = 2  # the sparse compute model of Sparseloop knows MACs with two inputs


@dataclass(frozen=True)
class Sparse:
    """All that latency and energy need.

    `mesh` int64[T, S + 1, 2, b] and `used` float64[S, T, b] are extents and average instances per level;
    `used_macs` float64[b], `macs_mesh` int64[2, b]; `occupancy`, `ranks` and `safs` by (level, tensor index).
    `skips_lanes` says that spatial skipping is at work, `shrunk` what it does; `operands` are what the MACs see,
    `packed` those whose nonzeros are packed into the lanes.
    """

    tally: Accesses
    occupancy: dict[tuple[int, int], Occupancy]
    ranks: dict[tuple[int, int], StoredRanks]
    mesh: Int
    used: Float
    used_macs: Float
    macs_mesh: Int
    density: Float
    skips_lanes: bool = False
    safs: dict[tuple[int, int], Saf] = field(default_factory=dict)
    operands: tuple[Operand, ...] = ()
    shrunk: Shrink | None = None
    packed: dict[int, Packing] = field(default_factory=dict)


ReadEnergy = dict[str, float]
"""pJ per word read of each level: what decides between the options of one SAF."""


class AmbiguousChoice(Exception):
    """The best option differs between the mappings of a batch: split it by `choice` int64[b] and go on."""

    def __init__(self, choice: Int) -> None:
        super().__init__("options differ within the batch")
        self.choice = choice


def dense_only(tiling: Tiling, traffic: Traffic) -> Sparse:
    """Without sparse optimizations every access happens and densities have no effect."""
    tally = empty_accesses(traffic.reads.shape)
    for op, counts in zip(OPS, (traffic.reads, traffic.fills, traffic.updates), strict=True):
        tally.data["random"][op] = counts.copy()
    outputs = np.array([tensor.is_output for tensor in tiling.problem.tensors])[None, :, None]
    tally.reductions = np.where(outputs, traffic.reads, 0)
    tally.random_computes = traffic.computes
    mesh = np.stack([spatial_extent(tiling)] * len(tiling.problem.tensors))
    used = np.repeat(traffic.instances[:, None, :].astype(np.float64), len(tiling.problem.tensors), axis=1)
    density = np.ones(traffic.reads.shape)
    return Sparse(tally, {}, {}, mesh, used, traffic.macs.astype(np.float64), mesh[0, 0], density)


def apply_safs(tiling: Tiling, traffic: Traffic, spec: SparseSpec, read_energy: ReadEnergy) -> Sparse:
    """Formats, SAFs and computes of a batch (Timeloop: PerformSparseProcessing).

    Raises MappingError when a format cannot hold the mapping's loops, and AmbiguousChoice as its docstring says.
    """
    base = dense_only(tiling, traffic)
    names = {tensor.name: t for t, tensor in enumerate(tiling.problem.tensors)}
    ranks = {(level, names[name]): r for (level, name), r in stored_ranks(tiling, spec).items()}
    occupancy = {
        place: expected_occupancy_of(tiling, spec, stored, place[0], tiling.problem.tensors[place[1]])
        for place, stored in ranks.items()
    }
    used = base.used.copy()
    density = base.density.copy()
    for (level, t), content in occupancy.items():
        used[level, t] = used[level, t] * content.nonempty
        density[level, t] = content.density
    safs = _storage_safs(tiling, spec, occupancy, read_energy)
    mesh, macs_mesh, used_macs = base.mesh, base.macs_mesh, base.used_macs
    skips_lanes, shrunk = any(action.kind == "skipping_spatial" for action in spec.actions), None
    if skips_lanes:
        shrunk, probabilities = shrink(tiling, spec)
        mesh = shrunk.mesh
        used = traffic.instances[:, None, :] * np.moveaxis(shrunk.share[:, 1:], 0, 1)
        used_macs, macs_mesh = (traffic.macs * shrunk.share[:, 0]).max(axis=0), mesh[:, 0].max(axis=0)
        for (level, name), p in probabilities.items():
            if (level, names[name]) in safs and (safs[level, names[name]].probability != 0).any():
                raise InputError(
                    f"level {tiling.architecture.levels[level].name}: {name} is skipped spatially and also gated or "
                    "skipped in time, which Timeloop does not model together; drop one"
                )
            safs[level, names[name]] = Saf("spatial", p)
    packed = packings(tiling, spec)
    operands = _fill_tally(tiling, traffic, spec, (base.tally, occupancy, ranks, safs, packed))
    measured = (base.tally, occupancy, ranks, mesh, used, packed_macs(used_macs, packed), macs_mesh, density)
    return Sparse(*measured, skips_lanes, safs=safs, operands=operands, shrunk=shrunk, packed=packed)


Place = tuple[int, int]
Work = tuple[Accesses, dict[Place, Occupancy], dict[Place, StoredRanks], dict[Place, Saf], dict[int, Packing]]


def _fill_tally(tiling: Tiling, traffic: Traffic, spec: SparseSpec, work: Work) -> tuple[Operand, Operand]:
    """Every count of the tally; returns the operands as the MACs see them."""
    tally, occupancy, ranks, safs, packed = work
    dense = {"reads": traffic.reads, "fills": traffic.fills, "updates": traffic.updates}
    remaining = {op: counts.astype(np.float64) for op, counts in dense.items()}
    entries: dict[str, dict[tuple[int, int], Int]] = {op: {} for op in OPS}
    for (level, t), content in occupancy.items():
        if ranks[level, t].form is None:
            continue
        for op in OPS:
            counts = dense[op][level, t]
            if op != "updates" or tiling.problem.tensors[t].is_output:
                remaining[op][level, t] = represented(counts, content.density)
            entries[op][level, t] = _entries(content, counts, traffic.tile[level, t])
            for kind in KINDS:
                tally.metadata[kind][op][level, t] = np.zeros_like(entries[op][level, t])
    reached = combine(Combiner(tiling.problem, tiling.nest, traffic, safs, remaining, entries, tally))
    _compression(tiling, ranks, tally)
    for t in packed:
        keeper = min(level for level, index in ranks if index == t)
        reads = tally.data["random"]["reads"]
        reads[keeper, t] = packed_reads(reads[keeper, t], t, packed)
    operands = _operands(tiling, ranks, reached, packed)
    computes = count_computes(packed_computes(traffic.computes, packed), operands, spec.compute)
    tally.random_computes, tally.gated_computes = computes.random, computes.gated
    tally.skipped_computes, tally.legal_computes = computes.skipped, computes.legal
    return operands


def _entries(content: Occupancy, counts: Int, tile: Int) -> Int:
    """Rank entries moved with `counts` words, int64[R, 2, b]: the expected entries of a tile, as often as it moves."""
    share = counts / tile
    rows = [[np.ceil(metadata * share), np.ceil(payload * share)] for metadata, payload in content.units]
    return np.array(rows).astype(np.int64)


def _storage_safs(
    tiling: Tiling, spec: SparseSpec, occupancy: dict[tuple[int, int], Occupancy], read_energy: ReadEnergy
) -> dict[tuple[int, int], Saf]:
    """Gating before skipping, inner levels first; of several SAFs on one tensor and level the likelier one wins."""
    names = [level.name for level in tiling.architecture.levels]
    tensors = {tensor.name: t for t, tensor in enumerate(tiling.problem.tensors)}
    kinds: dict[str, Kind] = {"gating": "gated", "skipping": "skipped"}
    safs: dict[tuple[int, int], Saf] = {}
    for action_kind, kind in kinds.items():
        actions = [a for a in spec.actions if a.kind == action_kind]
        for action in sorted(actions, key=lambda a: names.index(a.level)):
            impact = _best_option(tiling, action, occupancy, read_energy)
            place, p = (impact.level, tensors[impact.target]), impact.probability
            if place in safs:
                _require_uniform(safs[place].probability < p)
                if not safs[place].probability[0] < p[0]:
                    continue
            safs[place] = Saf(kind, p, impact)
    return safs


def _best_option(
    tiling: Tiling, action: ActionOptimization, occupancy: dict[tuple[int, int], Occupancy], read_energy: ReadEnergy
) -> Impact:
    """The option that saves most read energy."""
    names = [level.name for level in tiling.architecture.levels]
    tensors = {tensor.name: t for t, tensor in enumerate(tiling.problem.tensors)}
    impacts = [saf_impact(tiling, names.index(action.level), option) for option in action.options]
    if len(impacts) > 1:
        savings = []
        for impact in impacts:
            stored = _stored_size(tiling, impact.level, tensors[impact.target], occupancy)
            savings.append(stored * impact.probability * read_energy[names[impact.level]])
        # the last of equal savings wins, as in Timeloop's scan
        best = len(savings) - 1 - np.argmax(np.stack(savings)[::-1], axis=0)
        _require_uniform(best)
        impacts = [impacts[int(best[0])]]
    _check_leaders(action, impacts[0])
    return impacts[0]


def _check_leaders(action: ActionOptimization, impact: Impact) -> None:
    for leader in impact.leaders:
        _require_uniform(leader.unknown)
        if leader.unknown[0]:
            raise MappingError(
                f"level {action.level}: one access to {impact.target} covers more than the banded matrix "
                f"{leader.name}, where Timeloop divides by zero; choose smaller blocks, or another leader"
            )


def _stored_size(tiling: Tiling, level: int, t: int, occupancy: dict[tuple[int, int], Occupancy]) -> Float:
    """Words of a tile plus the metadata sent with it, in words (whole words of the default metadata width only)."""
    child = keeper_below(tiling.nest, level, tiling.problem.tensors[t].name)
    hardware = tiling.architecture.levels[level]
    units = occupancy[level if child < 0 else child, t].units
    entries = sum((metadata + payload for metadata, payload in units), np.zeros(tiling.bounds.shape[1]))
    return occupancy[level, t].words + entries * (hardware.metadata_word_bits // hardware.word_bits)


def _require_uniform(choice: Int | Bool) -> None:
    if len(choice) and not (choice == choice[0]).all():
        raise AmbiguousChoice(choice.astype(np.int64))


def _compression(tiling: Tiling, ranks: dict[tuple[int, int], StoredRanks], tally: Accesses) -> None:
    """An uncompressed level under a compressed parent unpacks what it is filled with, and packs what it drains."""
    for (level, t), stored in ranks.items():
        outer = [place for place in ranks if place[1] == t and place[0] > level]
        parent = min(outer, default=None)
        packed = parent is not None and (form := ranks[parent].form) is not None and form.compressed
        if parent is None or not packed or (stored.form is not None and stored.form.compressed):
            continue
        tally.decompressions[level, t] += tally.data["random"]["fills"][level, t]
        if tiling.problem.tensors[t].is_output:
            tally.compressions[level, t] += tally.data["random"]["updates"][parent]


def _operands(
    tiling: Tiling, ranks: dict[Place, StoredRanks], reached: dict[int, Float], packed: dict[int, Packing]
) -> tuple[Operand, Operand]:
    """The two inputs of the MACs as their innermost level hands them over."""
    operands = []
    for t, tensor in enumerate(tiling.problem.tensors):
        if tensor.is_output:
            continue
        innermost = min(level for level, index in ranks if index == t)
        word = tiling.tile_below(0, tensor).at(np.zeros(1, dtype=np.int64))
        mean = float(expected_occupancy(tensor.density, tiling.size(tensor), word)[0])
        density = 1.0 if t in packed else mean  # of the computes that are left
        operands.append(Operand(density, reached.get(t), ranks[innermost, t].form is not None))
    if len(operands) != READ_OPERANDS:
        raise InputError(
            f"problem {tiling.problem.name}: sparse optimizations need exactly {READ_OPERANDS} read-only tensors, "
            f"not {len(operands)}; drop the sparse optimizations or reshape the problem"
        )
    return operands[0], operands[1]
