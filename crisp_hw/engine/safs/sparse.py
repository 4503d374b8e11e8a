"""Sparse post-processing: formats, expected occupancy, SAFs, and the computes that are left."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from crisp_hw.engine.arrays import Bool, Float, Int, any_, ceil, floats, maximum_of, on_host, ratio, snapped
from crisp_hw.engine.content import mean_density
from crisp_hw.engine.formats import StoredRanks, stored_ranks
from crisp_hw.engine.occupancy import Occupancy, expected_occupancy_of
from crisp_hw.engine.safs.compute import Operand, count_computes
from crisp_hw.engine.safs.counts import OPS, Accesses, Entries, empty_accesses
from crisp_hw.engine.safs.position import Packing, packed_computes, packed_macs, packed_reads, packings
from crisp_hw.engine.safs.probability import Impact, saf_impact
from crisp_hw.engine.safs.propagate import Combiner, Kind, Saf, combine, represented
from crisp_hw.engine.safs.spatial import Extent, Shrink, shrink, spatial_extent
from crisp_hw.engine.structures import AmbiguousChoice
from crisp_hw.engine.tiling import Counts, Place, Tiling, keeper_below
from crisp_hw.engine.traffic import Traffic
from crisp_hw.errors import InputError, Where
from crisp_hw.spec.patterns import Actual
from crisp_hw.spec.rules import Failure, Rule, Unmappable
from crisp_hw.spec.sparse import ActionOptimization, SparseSpec

READ_OPERANDS = 2  # the sparse compute model of Sparseloop knows MACs with two inputs


@dataclass(frozen=True)
class Sparse:
    """All that latency and energy need.

    `mesh` are extents by tensor and architecture level (0: the MACs), `used` average instances by (level, tensor);
    `used_macs` float64[b], `macs_mesh` their extent; `occupancy`, `ranks` and `safs` by (level, tensor index).
    `skips_lanes` says that spatial skipping is at work, `shrunk` what it does; `operands` are what the MACs see,
    `packed` those whose nonzeros are packed into the lanes.
    """

    tally: Accesses
    occupancy: dict[Place, Occupancy]
    ranks: dict[Place, StoredRanks]
    mesh: list[list[Extent]]
    used: dict[Place, Float]
    used_macs: Float
    macs_mesh: Extent
    density: dict[Place, Float]
    skips_lanes: bool = False
    safs: dict[Place, Saf] = field(default_factory=dict)
    operands: tuple[Operand, ...] = ()
    shrunk: Shrink | None = None
    packed: dict[int, Packing] = field(default_factory=dict)

    def extent(self, architecture_level: int) -> Extent:
        """Mesh extent of an architecture level, whatever the tensor."""
        return widest(mesh[architecture_level] for mesh in self.mesh)

    def provided(self, place: Place) -> Int:
        """Instances of a storage level that the mesh of a tensor spans."""
        x, y = self.mesh[place[1]][place[0] + 1]
        return x * y

    def all_work(self, place: Place) -> bool:
        """Do all instances that the mapping provides work all the time, by structure?"""
        return not self.skips_lanes and place not in self.occupancy

    def busiest(self, level: int) -> Float:
        """Average instances of a storage level at work for the tensor that needs most of them."""
        found: Float = maximum_of([self.used[level, t] for t in range(len(self.mesh))])
        return found


def widest(extents: Iterable[Extent]) -> Extent:
    """The largest of some extents along each axis."""
    x, y = zip(*extents, strict=True)
    return maximum_of(x), maximum_of(y)


ReadEnergy = dict[str, float]
"""pJ per word read of each level: what decides between the options of one SAF."""


def dense_only(tiling: Tiling, traffic: Traffic) -> Sparse:
    """Without sparse optimizations every access happens and densities have no effect."""
    tally = empty_accesses(tiling.zeros)
    for op, counts in zip(OPS, (traffic.reads, traffic.fills, traffic.updates), strict=True):
        tally.data["random"][op].update(counts)
    tally.random_computes = traffic.computes
    tensors, mesh = range(len(tiling.problem.tensors)), spatial_extent(tiling)
    instances = [floats(each) for each in traffic.instances]
    used = {(level, t): each for level, each in enumerate(instances) for t in tensors}
    density = dict.fromkeys(used, tiling.certain)
    return Sparse(tally, {}, {}, [mesh for _ in tensors], used, floats(traffic.macs), mesh[0], density)


def temporal_reductions(traffic: Traffic, sparse: Sparse, place: Place) -> Int:
    """Partial sums that one instance adds to what it holds, as often as updates really happen (0 for operands)."""
    updates = traffic.updates[place]
    share = ratio(sparse.tally.data["random"]["updates"][place], updates, 0.0)
    return ceil(floats(traffic.reads[place]) * share)


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
    used, density = dict(base.used), dict(base.density)
    for place, content in occupancy.items():
        density[place] = content.density
        if content.nonempty is not tiling.certain:
            used[place] = used[place] * content.nonempty
    safs, packed = _storage_safs(tiling, spec, occupancy, read_energy), packings(tiling, spec)
    sparse = replace(base, tally=empty_accesses(tiling.zeros), occupancy=occupancy, ranks=ranks, used=used)
    sparse = replace(sparse, density=density, safs=safs, packed=packed)
    if any(action.kind == "skipping_spatial" for action in spec.actions):
        sparse = _with_fewer_lanes(tiling, spec, base, sparse)
    operands = _fill_tally(tiling, traffic, spec, sparse)
    return replace(sparse, used_macs=packed_macs(sparse.used_macs, packed), operands=operands)


def _with_fewer_lanes(tiling: Tiling, spec: SparseSpec, dense: Sparse, sparse: Sparse) -> Sparse:
    """Spatial skipping: what is left of the lanes and instances that work where nothing is skipped (`dense`)."""
    names = {tensor.name: t for t, tensor in enumerate(tiling.problem.tensors)}
    (shrunk, probabilities), safs = shrink(tiling, spec), dict(sparse.safs)
    for (level, name), p in probabilities.items():
        if (place := (level, names[name])) in safs and any_(safs[place].probability != 0):
            raise InputError(
                f"{name} is skipped spatially and also gated or skipped in time; Timeloop does not model both",
                Where("sparse_optimizations", tiling.architecture.levels[level].name),
                "drop one",
            )
        safs[place] = Saf("spatial", p)
    # beside packing, spatial skipping takes instances of levels alone (D2: seen in recorded runs)
    macs = dense.used_macs if sparse.packed else maximum_of([dense.used_macs * share[0] for share in shrunk.share])
    used = {(level, t): dense.used[level, t] * shrunk.share[t][level + 1] for level, t in sparse.used}
    if any(isinstance(tensor.density, Actual) for tensor in tiling.problem.tensors):  # counted shares
        macs, used = snapped(macs), {place: snapped(each) for place, each in used.items()}
    return replace(
        sparse,
        mesh=shrunk.mesh,
        used=used,
        used_macs=macs,
        macs_mesh=widest(extents[0] for extents in shrunk.mesh),
        safs=safs,
        skips_lanes=True,
        shrunk=shrunk,
    )


def _fill_tally(tiling: Tiling, traffic: Traffic, spec: SparseSpec, sparse: Sparse) -> tuple[Operand, Operand]:
    """Every count of the tally; returns the operands as the MACs see them."""
    tally, occupancy, ranks, packed = sparse.tally, sparse.occupancy, sparse.ranks, sparse.packed
    dense = {"reads": traffic.reads, "fills": traffic.fills, "updates": traffic.updates}
    remaining = {op: _copy(counts) for op, counts in dense.items()}
    entries: dict[str, dict[Place, Entries]] = {op: {} for op in OPS}
    for place, content in occupancy.items():
        if ranks[place].form is None:
            continue
        counted = isinstance(tiling.problem.tensors[place[1]].density, Actual)
        for op in OPS:
            if place in dense[op] and (op != "updates" or tiling.problem.tensors[place[1]].is_output):
                remaining[op][place] = represented(dense[op][place], content.density, counted)
            entries[op][place] = _entries(content, dense[op].get(place), traffic.tile[place])
    reached = combine(Combiner(tiling.problem, tiling.nest, sparse.safs, remaining, entries, tally))
    _compression(tiling, ranks, tally)
    reads = tally.data["random"]["reads"]
    for t in (t for t, tensor in enumerate(tiling.problem.tensors) if packed and not tensor.is_output):
        keeper = min(level for level, index in ranks if index == t)
        reads[keeper, t] = packed_reads(reads[keeper, t], t, packed)
    operands = _operands(tiling, ranks, reached, packed)
    computes = count_computes(packed_computes(traffic.computes, packed), operands, spec.compute)
    tally.random_computes, tally.gated_computes = computes.random, computes.gated
    tally.skipped_computes, tally.legal_computes = computes.skipped, computes.legal
    return operands


def _copy(counts: Counts) -> Counts:
    copy = Counts(counts.nothing)
    copy.update(counts)
    return copy


def _entries(content: Occupancy, counts: Int | None, tile: Int) -> Entries:
    """Rank entries moved with `counts` words (None: none): the expected entries of a tile, as often as it moves."""
    if counts is None:
        return ((None, None),) * len(content.units)
    share = floats(counts) / floats(tile)
    pairs = [[None if units is None else ceil(units * share) for units in rank] for rank in content.units]
    return tuple((metadata, payload) for metadata, payload in pairs)


def _storage_safs(
    tiling: Tiling, spec: SparseSpec, occupancy: dict[Place, Occupancy], read_energy: ReadEnergy
) -> dict[Place, Saf]:
    """Gating before skipping, inner levels first; of several SAFs on one tensor and level the likelier one wins."""
    names = [level.name for level in tiling.architecture.levels]
    tensors = {tensor.name: t for t, tensor in enumerate(tiling.problem.tensors)}
    kinds: dict[str, Kind] = {"gating": "gated", "skipping": "skipped"}
    safs: dict[Place, Saf] = {}
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
    tiling: Tiling, action: ActionOptimization, occupancy: dict[Place, Occupancy], read_energy: ReadEnergy
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
        best = len(savings) - 1 - np.argmax(np.stack([on_host(each) for each in savings])[::-1], axis=0)
        _require_uniform(best)
        impacts = [impacts[int(best[0])]]
    _check_leaders(action, impacts[0])
    return impacts[0]


def _check_leaders(action: ActionOptimization, impact: Impact) -> None:
    for leader in impact.leaders:
        if leader.unknown is None:
            continue
        _require_uniform(leader.unknown)
        if leader.unknown[0]:
            raise Unmappable(Failure(Rule.BAND_LEADER, action.level, impact.target, other=leader.name))


def _stored_size(tiling: Tiling, level: int, t: int, occupancy: dict[Place, Occupancy]) -> Float:
    """Words of a tile plus the metadata sent with it, in words (whole words of the default metadata width only)."""
    child = keeper_below(tiling.nest, level, tiling.problem.tensors[t].name)
    hardware = tiling.architecture.levels[level]
    units = occupancy[level if child < 0 else child, t].units
    entries = tiling.never
    for metadata, payload in units:
        both = [each for each in (metadata, payload) if each is not None]
        entries = entries + (both[0] + both[1] if len(both) > 1 else both[0]) if both else entries
    return occupancy[level, t].words + entries * (hardware.metadata_word_bits // hardware.word_bits)


def _require_uniform(choice: Int | Bool) -> None:
    if choice.shape[0] and any_(choice != choice[0]):
        raise AmbiguousChoice(on_host(choice).astype(np.int64))


def _compression(tiling: Tiling, ranks: dict[Place, StoredRanks], tally: Accesses) -> None:
    """An uncompressed level under a compressed parent unpacks what it is filled with, and packs what it drains."""
    for (level, t), stored in ranks.items():
        outer = [place for place in ranks if place[1] == t and place[0] > level]
        parent = min(outer, default=None)
        packed = parent is not None and (form := ranks[parent].form) is not None and form.compressed
        if parent is None or not packed or (stored.form is not None and stored.form.compressed):
            continue
        tally.decompressions[level, t] = tally.data["random"]["fills"][level, t]
        if tiling.problem.tensors[t].is_output:
            tally.compressions[level, t] = tally.data["random"]["updates"][parent]


def _operands(
    tiling: Tiling, ranks: dict[Place, StoredRanks], reached: dict[int, Float], packed: dict[int, Packing]
) -> tuple[Operand, Operand]:
    """The two inputs of the MACs as their innermost level hands them over."""
    operands = []
    for t, tensor in enumerate(tiling.problem.tensors):
        if tensor.is_output:
            continue
        innermost = min(level for level, index in ranks if index == t)
        # of the computes that are left
        density = 1.0 if t in packed else mean_density(tensor, tiling.size(tensor))
        operands.append(Operand(density, reached.get(t), ranks[innermost, t].form is not None))
    if len(operands) != READ_OPERANDS:
        raise InputError(
            f"sparse optimizations need exactly {READ_OPERANDS} read-only tensors, and {tiling.problem.name} has "
            f"{len(operands)}",
            Where("problem"),
            "drop the sparse optimizations or reshape the problem",
        )
    return operands[0], operands[1]
