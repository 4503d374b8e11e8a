"""What makes a mapping invalid, in numbers (docs/model.md, section 9)."""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np

from crisp_hw.engine.arrays import Bool, Float, Int, any_, floats, maximum_of, namespace, on_host, sum_in_order
from crisp_hw.engine.arrays import ceil as ceiled
from crisp_hw.engine.counted import Counted
from crisp_hw.engine.latency import MOST_CYCLES, port_words
from crisp_hw.spec.arch import StorageLevel
from crisp_hw.spec.dialect import HEAD
from crisp_hw.spec.patterns import Banded

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


def broken_rules(counted: Counted) -> list[Failure]:
    """Every rule of docs/model.md, section 9, that some of the mappings break."""
    arch, sparse = counted.tiling.architecture, counted.sparse
    found = [failure for index in range(len(arch.levels)) for failure in _level_rules(counted, index)]
    if sparse.skips_lanes:  # the only designs for which Timeloop looks at each parent's own lanes
        for name, needed, there in lanes_per_parent(counted):
            found += _more(name, "lanes along x per parent", needed[0], there[0])
            found += _more(name, "lanes along y per parent", needed[1], there[1])
    x, y = sparse.macs_mesh
    found += _more(arch.compute.name, "instances", x * y, arch.compute.instances)
    found += _more(arch.compute.name, "instances along x", x, arch.compute.mesh_x)
    found += _more(arch.compute.name, "instances along y", y, arch.compute.mesh_y)
    if counted.tiling.rules == HEAD and not sparse.packed:  # a program with position skipping may know better
        found += [_certain(what, counted.tiling.batch) for what in _conversions(counted)]
    illegal = _where(on_host(~sparse.tally.legal_computes), CONTRADICTION)
    return [*found, *illegal, *_negative(counted), *_short(counted), *_timeless(counted)]


def _timeless(counted: Counted) -> list[Failure]:
    """Levels of limited bandwidth through which all tensors move in 0 cycles: Timeloop's cycles are 0 / 0 then."""
    found: list[Failure] = []
    for level, latency in zip(counted.tiling.architecture.levels, counted.latency, strict=True):
        if latency.limited:
            found += _where(on_host(latency.cycles >= MOST_CYCLES), FOREVER.format(level=level.name))
    if bool(namespace(counted.mac_cycles).all(counted.mac_cycles > 0)):
        return found
    for level, latency in zip(counted.tiling.architecture.levels, counted.latency, strict=True):
        read, write = (_endless(demand) for demand in (latency.read_demand, latency.write_demand))
        limits = ((level.read_bandwidth, read), (level.write_bandwidth, write), (level.shared_bandwidth, read & write))
        failed = np.any([endless & (limit is not None) for limit, endless in limits], axis=0)
        found += _where(failed, TIMELESS.format(level=level.name))
    return found


def _endless(demand: list[Float]) -> Bool:
    """Where every tensor moves in no time."""
    endless: Bool = np.isinf(np.stack([on_host(each) for each in demand])).all(axis=0)
    return endless


def _level_rules(counted: Counted, index: int) -> list[Failure]:
    """What one level must hold, and how many of its instances can work."""
    level, sparse, busiest = counted.tiling.architecture.levels[index], counted.sparse, counted.sparse.busiest(index)
    mesh = sparse.extent(index + 1)
    return [
        *(_sizes(counted, index) if level.size_words is not None else ()),
        *_more(level.name, "instances", namespace(busiest).floor(busiest), level.instances),
        *_more(level.name, "instances along x", mesh[0], level.mesh_x),
        *_more(level.name, "instances along y", mesh[1], level.mesh_y),
    ]


def _sizes(counted: Counted, index: int) -> list[Failure]:
    """Words and metadata bits against the size of a level, and the least that a mapping must use of it."""
    level, tensors = counted.tiling.architecture.levels[index], range(len(counted.tiling.problem.tensors))
    room, bits_room = capacity_limits(level)
    held = [capacity(counted, index, t) for t in tensors if (index, t) in counted.traffic.tile]
    words = sum_in_order(held or [counted.tiling.zeros])
    found = _more(level.name, "words of capacity", words, room)
    bits = [metadata_capacity(counted, index, t) for t in tensors if _has_metadata(counted, index, t)]
    if bits:
        found += _more(level.name, "bits of metadata capacity", sum_in_order(bits), bits_room)
    if least := ceil(room * level.min_utilization):
        used = on_host(floats(words))
        if (used < least).any():
            found.append(Failure(level.name, None, "words in use", 0.0 * used + least, used, used < least))
    return found


def _more(level: str, what: str, need: Int | Float, have: float) -> list[Failure]:
    """The rule that no more than there is may be needed, where some mapping breaks it."""
    failed = need > have
    if not any_(failed):
        return []
    needed = on_host(floats(need))
    return [Failure(level, None, what, needed, np.full(len(needed), float(have)), on_host(failed))]


def _where(failed: Bool, what: str) -> list[Failure]:
    """A rule that is no matter of numbers, where some mapping breaks it."""
    nothing = np.zeros(len(failed))
    return [Failure("", None, what, nothing + 1, nothing, failed)] if failed.any() else []


def _negative(counted: Counted) -> list[Failure]:
    """Levels of which a negative number of instances moves words: probabilities of a band that add up to more than 1.

    Timeloop divides by that number and goes on with what its unsigned integers make of it.
    """
    found: list[Failure] = []
    banded = [t for t, tensor in enumerate(counted.tiling.problem.tensors) if isinstance(tensor.density, Banded)]
    for index, level in enumerate(counted.tiling.architecture.levels if banded else ()):
        ports = [port_words(counted.sparse, index, level, ops) for ops in (("reads",), ("fills", "updates"))]
        for t in banded:
            moving = sum_in_order([counted.tiling.zeros, *(words[t] for words in ports if words[t] is not None)])
            failed = on_host((counted.sparse.used[index, t] < 0) & (moving > 0))
            found += _where(failed, NEGATIVE.format(level=level.name))
    return found


def _short(counted: Counted) -> list[Failure]:
    """Outputs of which fewer words arrive than they have: strides that leave gaps (tiling.cpp: an assertion)."""
    found: list[Failure] = []
    for (index, t), missing in counted.traffic.short.items():
        if missing.any():
            level, tensor = counted.tiling.architecture.levels[index], counted.tiling.problem.tensors[t]
            what = f"level {level.name}: not every word of {tensor.name} is updated, and Timeloop stops there; {GAPS}"
            need = missing.astype(np.float64)
            found.append(Failure("", None, what, need + 1.0, 0.0 * need, missing > 0))
    return found


def _certain(what: str, count: int) -> Failure:
    """A rule that all mappings of one structure break."""
    nothing = np.zeros(count)
    return Failure("", None, what, nothing + 1, nothing, nothing == 0)


def _conversions(counted: Counted) -> list[str]:
    """Changes between packed and unpacked that the hardware cannot do (Timeloop: CheckFormatModelsAndMapping)."""
    levels, found = counted.tiling.architecture.levels, []
    for t, tensor in enumerate(counted.tiling.problem.tensors):
        kept = [level for level in range(len(levels)) if (level, t) in counted.sparse.ranks]
        for inner, outer in pairwise(kept):
            below, above = (
                (form := counted.sparse.ranks[level, t].form) is not None and form.compressed
                for level in (inner, outer)
            )
            child, parent = levels[inner], levels[outer]
            if below and above and _ranks(counted, outer, t) < _ranks(counted, inner, t):
                found.append(
                    f"level {parent.name}: {tensor.name} has {_ranks(counted, outer, t)} ranks there and "
                    f"{_ranks(counted, inner, t)} in {child.name}; cutting packed tiles up on the way is not "
                    f"supported, give it as many ranks in {parent.name}"
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


def _ranks(counted: Counted, level: int, t: int) -> int:
    form = counted.sparse.ranks[level, t].form
    return len(form.ranks) if form is not None else 0


def lanes_per_parent(counted: Counted) -> list[tuple[str, tuple[Int, Int], tuple[int, int]]]:
    """Per level, MACs first: the lanes (x, y) that the mapping uses below one parent, int64[b] each; those there."""
    arch, mesh = counted.tiling.architecture, counted.sparse.mesh
    names = (arch.compute.name, *(level.name for level in arch.levels))
    found = []
    for inner, (name, fan) in enumerate(zip(names, arch.fanouts, strict=False)):
        pairs = {(id(each[inner]), id(each[inner + 1])): (each[inner], each[inner + 1]) for each in mesh}
        x, y = (maximum_of([_per_parent(*(end[axis] for end in pair)) for pair in pairs.values()]) for axis in (0, 1))
        found.append((name, (x, y), fan))
    return found


def _per_parent(lanes: Int, parents: Int) -> Int:
    fewest: Int = lanes // namespace(parents).maximum(parents, 1)
    return fewest


def capacity_limits(level: StorageLevel) -> tuple[int, int]:
    """Words of data and bits of metadata that a level of finite size holds, each buffer counted once."""
    words, bits = level.size_words or 0, level.metadata_depth * level.metadata_width_bits
    return int(words / level.multiple_buffering), int(bits / level.multiple_buffering)


def capacity(counted: Counted, index: int, t: int) -> Int:
    """Words that a level reserves for a tensor: the worst case where it keeps metadata, the dense tile elsewhere."""
    stored = counted.sparse.ranks.get((index, t))
    if stored is not None and stored.form is not None:
        return counted.sparse.occupancy[index, t].largest_words
    tile: Int = counted.traffic.tile[index, t]
    return tile


def _has_metadata(counted: Counted, index: int, t: int) -> bool:
    stored = counted.sparse.ranks.get((index, t))
    return stored is not None and stored.form is not None


def metadata_capacity(counted: Counted, index: int, t: int) -> Int:
    """Bits that a level reserves for a tensor's metadata: the worst case, entries of all ranks times their widths."""
    stored = counted.sparse.ranks.get((index, t))
    bits = 0.0 * floats(counted.cycles)
    if stored is None or stored.form is None:
        return counted.tiling.zeros
    for width, units in zip(stored.widths, counted.sparse.occupancy[index, t].largest_units, strict=True):
        held = [count * bits_each for count, bits_each in zip(units, width, strict=True) if count is not None]
        bits = bits + sum_in_order(held) if held else bits
    return ceiled(bits)


def reason(failure: Failure, row: int = 0) -> str:
    """One broken rule in words.

    >>> reason(Failure("SMEM", None, "words of capacity", np.array([300.0]), np.array([256.0]), np.array([True])))
    'level SMEM: 300 words of capacity needed, 256 there'
    """
    if not failure.level:
        return failure.what
    return f"level {failure.level}: {failure.need[row]:.0f} {failure.what} needed, {failure.have[row]:.0f} there"
