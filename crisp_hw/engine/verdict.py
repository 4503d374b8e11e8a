"""What makes a mapping invalid, in numbers (docs/model.md, section 9)."""

from dataclasses import dataclass
from itertools import pairwise, product
from math import ceil

import numpy as np

from crisp_hw.engine.formats import word_bits
from crisp_hw.engine.latency import MOST_CYCLES, port_words
from crisp_hw.engine.part import Part
from crisp_hw.engine.tiling import Bool, Float, Int
from crisp_hw.spec.arch import StorageLevel
from crisp_hw.spec.dialect import HEAD

CONTRADICTION = (
    "the SAFs remove more computes than the zeros of the operands allow, or all of them (an operand would be nonzero "
    "with probability above 1), and Timeloop stops there; let the SAF look at smaller tiles"
)
NEGATIVE = (
    "level {level}: Timeloop's probabilities of tiles of the band add up to more than 1, so that a negative number of "
    "instances would be at work; give a narrower band, or larger tiles"
)
FOREVER = "level {level}: its bandwidth makes a run of more cycles than can be counted; widen it"
GAPS = "give its ranks no coefficients above 1"
TIMELESS = (
    "level {level}: less than one MAC is at work on average, which Timeloop counts as 0 cycles and divides by; lift "
    "the level's bandwidth limit, or use more MACs"
)


@dataclass(frozen=True)
class Failure:
    """One rule that some mappings of a batch break: what is needed and what there is, [b] each."""

    level: str
    tensor: str | None
    what: str
    need: Float
    have: Float
    failed: Bool


def broken_rules(part: Part) -> list[Failure]:
    """Every rule of docs/model.md, section 9, that some mapping of the part breaks."""
    found: list[Failure] = []
    arch, sparse = part.tiling.architecture, part.sparse

    def require(level: str, what: str, need: Int | Float, have: float) -> None:
        failed = need > have
        if failed.any():
            found.append(Failure(level, None, what, need.astype(float), np.full(len(need), float(have)), failed))

    for index, level in enumerate(arch.levels):
        if level.size_words is not None:
            room = capacity_limits(level)
            words = np.sum([capacity(part, index, t) for t in range(len(part.tiling.problem.tensors))], axis=0)
            require(level.name, "words of capacity", words, room[0])
            bits = np.sum([metadata_capacity(part, index, t) for t in range(len(part.tiling.problem.tensors))], axis=0)
            require(level.name, "bits of metadata capacity", bits, room[1])
            least = ceil(room[0] * level.min_utilization)
            if (words < least).any():
                found.append(Failure(level.name, None, "words in use", 0.0 * words + least, words + 0.0, words < least))
        require(level.name, "instances", np.floor(sparse.used[index].max(axis=0)), level.instances)
        mesh = sparse.mesh[:, index + 1].max(axis=0)
        require(level.name, "instances along x", mesh[0], level.mesh_x)
        require(level.name, "instances along y", mesh[1], level.mesh_y)
    if sparse.skips_lanes:  # the only designs for which Timeloop looks at each parent's own lanes
        for name, needed, there in lanes_per_parent(part):
            require(name, "lanes along x per parent", needed[0], there[0])
            require(name, "lanes along y per parent", needed[1], there[1])
    require(arch.compute.name, "instances", sparse.macs_mesh.prod(axis=0), arch.compute.instances)
    require(arch.compute.name, "instances along x", sparse.macs_mesh[0], arch.compute.mesh_x)
    require(arch.compute.name, "instances along y", sparse.macs_mesh[1], arch.compute.mesh_y)
    if part.tiling.rules == HEAD and not sparse.packed:  # a program with position skipping may know better
        found += [_certain(what, len(sparse.tally.legal_computes)) for what in _conversions(part)]
    if not sparse.tally.legal_computes.all():
        nothing = np.zeros(len(sparse.tally.legal_computes))
        found.append(Failure("", None, CONTRADICTION, nothing + 1, nothing, ~sparse.tally.legal_computes))
    return found + _negative(part) + _short(part) + _timeless(part)


def _timeless(part: Part) -> list[Failure]:
    """Levels of limited bandwidth through which all tensors move in 0 cycles: Timeloop's cycles are 0 / 0 then."""
    found: list[Failure] = []
    for level, latency in zip(part.tiling.architecture.levels, part.latency, strict=True):
        read, write = (np.isinf(demand).all(axis=0) for demand in (latency.read_demand, latency.write_demand))
        limits = ((level.read_bandwidth, read), (level.write_bandwidth, write), (level.shared_bandwidth, read & write))
        failed = np.any([endless & (limit is not None) for limit, endless in limits], axis=0)
        if failed.any():
            found.append(Failure("", None, TIMELESS.format(level=level.name), failed + 0.0, 0.0 * failed, failed))
    return found


def _short(part: Part) -> list[Failure]:
    """Outputs of which fewer words arrive than they have: strides that leave gaps (tiling.cpp: an assertion)."""
    found: list[Failure] = []
    for (index, level), (t, tensor) in product(
        enumerate(part.tiling.architecture.levels), enumerate(part.tiling.problem.tensors)
    ):
        missing = part.traffic.short[index, t]
        if missing.any():
            what = f"level {level.name}: not every word of {tensor.name} is updated, and Timeloop stops there; {GAPS}"
            found.append(Failure("", None, what, missing + 1.0, 0.0 * missing, missing > 0))
    return found


def _negative(part: Part) -> list[Failure]:
    """Levels of which a negative number of instances moves words: probabilities of a band that add up to more than 1.

    Timeloop divides by that number and goes on with what its unsigned integers make of it.
    """
    found: list[Failure] = []
    for index, level in enumerate(part.tiling.architecture.levels):
        moving = sum(port_words(part.sparse, index, level, ops) for ops in (("reads",), ("fills", "updates")))
        failed = ((part.sparse.used[index] < 0) & (moving > 0)).any(axis=0)
        if failed.any():
            nothing = np.zeros(len(failed))
            found.append(Failure("", None, NEGATIVE.format(level=level.name), nothing + 1, nothing, failed))
    return found


def _certain(what: str, count: int) -> Failure:
    """A rule that all mappings of a part break."""
    nothing = np.zeros(count)
    return Failure("", None, what, nothing + 1, nothing, nothing == 0)


def _conversions(part: Part) -> list[str]:
    """Changes between packed and unpacked that the hardware cannot do (Timeloop: CheckFormatModelsAndMapping)."""
    levels, found = part.tiling.architecture.levels, []
    for t, tensor in enumerate(part.tiling.problem.tensors):
        kept = [level for level in range(len(levels)) if (level, t) in part.sparse.ranks]
        for inner, outer in pairwise(kept):
            below, above = (
                (form := part.sparse.ranks[level, t].form) is not None and form.compressed for level in (inner, outer)
            )
            child, parent = levels[inner], levels[outer]
            if below and above and _ranks(part, outer, t) < _ranks(part, inner, t):
                found.append(
                    f"level {parent.name}: {tensor.name} has {_ranks(part, outer, t)} ranks there and "
                    f"{_ranks(part, inner, t)} in {child.name}; cutting packed tiles up on the way is not supported, "
                    f"give it as many ranks in {parent.name}"
                )
            if below and not above:
                found.append(
                    f"level {parent.name}: {tensor.name} lies unpacked there and packed in {child.name}, which "
                    f"Timeloop does not model; give it a packed format in {parent.name}, or none in {child.name}"
                )
            if above and not below and not child.decompression_supported:
                found.append(
                    f"level {child.name}: decompression of {tensor.name}, packed in {parent.name}, is needed but not "
                    "supported; set decompression_supported, or give it a packed format there"
                )
            if above and not below and tensor.is_output and not child.compression_supported:
                found.append(
                    f"level {child.name}: compression of {tensor.name} towards {parent.name} is needed but not "
                    "supported; set compression_supported, or give it a packed format there"
                )
    return found


def _ranks(part: Part, level: int, t: int) -> int:
    form = part.sparse.ranks[level, t].form
    return len(form.ranks) if form is not None else 0


def lanes_per_parent(part: Part) -> list[tuple[str, Int, tuple[int, int]]]:
    """Per level, MACs first: the lanes (x, y) that the mapping uses below one parent, int64[2, b], and those there."""
    arch, mesh = part.tiling.architecture, part.sparse.mesh
    names = (arch.compute.name, *(level.name for level in arch.levels))
    lanes = mesh[:, :-1] // np.maximum(mesh[:, 1:], 1)
    return [
        (name, lanes[:, inner].max(axis=0), fan)
        for inner, (name, fan) in enumerate(zip(names, arch.fanouts, strict=False))
    ]


def capacity_limits(level: StorageLevel) -> tuple[int, int]:
    """Words of data and bits of metadata that a level of finite size holds, each buffer counted once."""
    words, bits = level.size_words or 0, level.metadata_depth * level.metadata_width_bits
    return int(words / level.multiple_buffering), int(bits / level.multiple_buffering)


def capacity(part: Part, index: int, t: int) -> Int:
    """Words that a level reserves for a tensor: the worst case where it keeps metadata, the dense tile elsewhere."""
    stored = part.sparse.ranks.get((index, t))
    if stored is not None and stored.form is not None:
        return part.sparse.occupancy[index, t].largest_words
    tile: Int = part.traffic.tile[index, t]
    return tile


def metadata_capacity(part: Part, index: int, t: int) -> Int:
    """Bits that a level reserves for a tensor's metadata: the worst case, entries of all ranks times their widths."""
    stored, level = part.sparse.ranks.get((index, t)), part.tiling.architecture.levels[index]
    total = np.zeros(part.tiling.bounds.shape[1])
    if stored is None or stored.form is None:
        return total.astype(np.int64)
    for rank, (metadata, payload) in zip(stored.form.ranks, part.sparse.occupancy[index, t].largest_units, strict=True):
        width = word_bits(level, rank)
        total = total + (metadata * width[0] + payload * width[1])
    return np.ceil(total).astype(np.int64)


def reason(failure: Failure, row: int = 0) -> str:
    """One broken rule in words.

    >>> reason(Failure("SMEM", None, "words of capacity", np.array([300.0]), np.array([256.0]), np.array([True])))
    'level SMEM: 300 words of capacity needed, 256 there'
    """
    if not failure.level:
        return failure.what
    return f"level {failure.level}: {failure.need[row]:.0f} {failure.what} needed, {failure.have[row]:.0f} there"
