"""What makes a mapping invalid, in numbers (docs/model.md, section 9)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil

import numpy as np

from crisp_hw.engine.arrays import Bool, Float, Int, any_, floats, maximum_of, namespace, on_host, sum_in_order
from crisp_hw.engine.arrays import ceil as ceiled
from crisp_hw.engine.counted import Counted
from crisp_hw.engine.latency import MOST_CYCLES, port_words
from crisp_hw.spec.arch import StorageLevel
from crisp_hw.spec.patterns import Banded
from crisp_hw.spec.problem import Tensor
from crisp_hw.spec.rules import Failure, Rule

RuleKey = tuple[Rule, str, str | None, str]


@dataclass(frozen=True)
class RuleCheck:
    """One rule that some mappings of a batch break: which they are, and what is needed and there, [b] each.

    `need` and `have` are None where the rule compares no numbers; `level`, `tensor` and `other` as in `Failure`.
    """

    rule: Rule
    level: str
    failed: Bool
    need: Float | None = None
    have: Float | None = None
    tensor: str | None = None
    other: str = ""

    @property
    def key(self) -> RuleKey:
        """What tells a rule of a batch from all others of it."""
        return self.rule, self.level, self.tensor, self.other

    def at(self, rows: slice) -> "RuleCheck":
        """Of some neighbouring mappings."""
        need, have = (None if each is None else each[rows] for each in (self.need, self.have))
        return replace(self, failed=self.failed[rows], need=need, have=have)

    def of(self, row: int = 0) -> Failure:
        """The rule as one mapping breaks it."""
        need, have = (None if each is None else float(each[row]) for each in (self.need, self.have))
        return Failure(self.rule, self.level, self.tensor, need, have, self.other)


def certain(failure: Failure, count: int) -> RuleCheck:
    """A rule that all of some mappings break."""
    need, have = (None if each is None else np.full(count, each) for each in (failure.need, failure.have))
    every = np.ones(count, dtype=bool)
    return RuleCheck(failure.rule, failure.level, every, need, have, failure.tensor, failure.other)


def broken_rules(counted: Counted) -> list[RuleCheck]:
    """Every rule of docs/model.md, section 9, that some of the mappings break."""
    arch, sparse = counted.tiling.architecture, counted.sparse
    found = [check for index in range(len(arch.levels)) for check in _level_rules(counted, index)]
    if sparse.skips_lanes:  # the only designs for which Timeloop looks at each parent's own lanes
        for name, needed, there in lanes_per_parent(counted):
            found += _more(Rule.LANES_X, name, needed[0], there[0])
            found += _more(Rule.LANES_Y, name, needed[1], there[1])
    x, y = sparse.macs_mesh
    found += _more(Rule.INSTANCES, arch.compute.name, x * y, arch.compute.instances)
    found += _more(Rule.INSTANCES_X, arch.compute.name, x, arch.compute.mesh_x)
    found += _more(Rule.INSTANCES_Y, arch.compute.name, y, arch.compute.mesh_y)
    if not counted.tiling.rules.position_skipping and not sparse.packed:  # a program that packs may know better
        found += [certain(failure, counted.tiling.batch) for failure in _conversions(counted)]
    found += _where(Rule.SAF_CONTRADICTION, "", on_host(~sparse.tally.legal_computes))
    return [*found, *_negative(counted), *_short(counted), *_timeless(counted)]


def failures_of(checks: Sequence[RuleCheck]) -> tuple[Failure, ...]:
    """The rules that the first mapping breaks."""
    return tuple(check.of() for check in checks)


def _timeless(counted: Counted) -> list[RuleCheck]:
    """Levels of limited bandwidth through which all tensors move in 0 cycles: Timeloop's cycles are 0 / 0 then."""
    found: list[RuleCheck] = []
    for level, latency in zip(counted.tiling.architecture.levels, counted.latency, strict=True):
        if latency.limited:
            found += _where(Rule.ENDLESS, level.name, on_host(latency.cycles >= MOST_CYCLES))
    if bool(namespace(counted.mac_cycles).all(counted.mac_cycles > 0)):
        return found
    for level, latency in zip(counted.tiling.architecture.levels, counted.latency, strict=True):
        read, write = (_endless(demand) for demand in (latency.read_demand, latency.write_demand))
        limits = ((level.read_bandwidth, read), (level.write_bandwidth, write), (level.shared_bandwidth, read & write))
        failed = np.any([endless & (limit is not None) for limit, endless in limits], axis=0)
        found += _where(Rule.TIMELESS, level.name, failed)
    return found


def _endless(demand: list[Float]) -> Bool:
    """Where every tensor moves in no time."""
    endless: Bool = np.isinf(np.stack([on_host(each) for each in demand])).all(axis=0)
    return endless


def _level_rules(counted: Counted, index: int) -> list[RuleCheck]:
    """What one level must hold, and how many of its instances can work."""
    level, sparse, busiest = counted.tiling.architecture.levels[index], counted.sparse, counted.sparse.busiest(index)
    mesh = sparse.extent(index + 1)
    return [
        *(_sizes(counted, index) if level.size_words is not None else ()),
        *_more(Rule.INSTANCES, level.name, namespace(busiest).floor(busiest), level.instances),
        *_more(Rule.INSTANCES_X, level.name, mesh[0], level.mesh_x),
        *_more(Rule.INSTANCES_Y, level.name, mesh[1], level.mesh_y),
    ]


def _sizes(counted: Counted, index: int) -> list[RuleCheck]:
    """Words and metadata bits against the size of a level, and the least that a mapping must use of it."""
    level, tensors = counted.tiling.architecture.levels[index], range(len(counted.tiling.problem.tensors))
    room, bits_room = capacity_limits(level)
    held = [capacity(counted, index, t) for t in tensors if (index, t) in counted.traffic.tile]
    words = sum_in_order(held or [counted.tiling.zeros])
    found = _more(Rule.CAPACITY, level.name, words, room)
    bits = [metadata_capacity(counted, index, t) for t in tensors if _has_metadata(counted, index, t)]
    if bits:
        found += _more(Rule.METADATA_CAPACITY, level.name, sum_in_order(bits), bits_room)
    if least := ceil(room * level.min_utilization):
        used = on_host(floats(words))
        if (used < least).any():
            found.append(RuleCheck(Rule.MIN_UTILIZATION, level.name, used < least, 0.0 * used + least, used))
    return found


def _more(rule: Rule, level: str, need: Int | Float, have: float) -> list[RuleCheck]:
    """The rule that no more than there is may be needed, where some mapping breaks it."""
    failed = need > have
    if not any_(failed):
        return []
    needed = on_host(floats(need))
    return [RuleCheck(rule, level, on_host(failed), needed, np.full(len(needed), float(have)))]


def _where(rule: Rule, level: str, failed: Bool) -> list[RuleCheck]:
    """A rule that is no matter of numbers, where some mapping breaks it."""
    return [RuleCheck(rule, level, failed)] if failed.any() else []


def _negative(counted: Counted) -> list[RuleCheck]:
    """Levels of which a negative number of instances moves words: probabilities of a band that add up to more than 1.

    Timeloop divides by that number and goes on with what its unsigned integers make of it.
    """
    found: list[RuleCheck] = []
    banded = [t for t, tensor in enumerate(counted.tiling.problem.tensors) if isinstance(tensor.density, Banded)]
    for index, level in enumerate(counted.tiling.architecture.levels if banded else ()):
        ports = [port_words(counted.sparse, index, level, ops) for ops in (("reads",), ("fills", "updates"))]
        for t in banded:
            moving = sum_in_order([counted.tiling.zeros, *(words[t] for words in ports if words[t] is not None)])
            failed = on_host((counted.sparse.used[index, t] < 0) & (moving > 0))
            found += _where(Rule.BAND_PROBABILITY, level.name, failed)
    return found


def _short(counted: Counted) -> list[RuleCheck]:
    """Outputs of which fewer words arrive than they have: strides that leave gaps (tiling.cpp: an assertion)."""
    found: list[RuleCheck] = []
    for (index, t), missing in counted.traffic.short.items():
        if missing.any():
            level, tensor = counted.tiling.architecture.levels[index], counted.tiling.problem.tensors[t]
            lacking = missing.astype(np.float64)
            found.append(
                RuleCheck(Rule.OUTPUT_GAPS, level.name, missing > 0, lacking, 0.0 * lacking, tensor=tensor.name)
            )
    return found


def _conversions(counted: Counted) -> list[Failure]:
    """Changes between packed and unpacked that the hardware cannot do (Timeloop: CheckFormatModelsAndMapping)."""
    levels, found = counted.tiling.architecture.levels, []
    for t, tensor in enumerate(counted.tiling.problem.tensors):
        kept = [level for level in range(len(levels)) if (level, t) in counted.sparse.ranks]
        for inner, outer in pairwise(kept):
            below, above = (
                (form := counted.sparse.ranks[level, t].form) is not None and form.compressed
                for level in (inner, outer)
            )
            ranks = float(_ranks(counted, inner, t)), float(_ranks(counted, outer, t))
            if below and above and ranks[1] < ranks[0]:
                name = levels[inner].name
                found.append(Failure(Rule.SPLIT_TILES, levels[outer].name, tensor.name, *ranks, name))
            if below != above:
                found += conversions(tensor, levels[inner], levels[outer], packed_inside=below)
    return found


def conversions(tensor: Tensor, child: StorageLevel, parent: StorageLevel, packed_inside: bool) -> list[Failure]:
    """What hardware lacks for a tensor that lies packed in one of two levels: the inner one, or else the outer one."""
    found = []
    if packed_inside:
        return [Failure(Rule.PACKED_INSIDE, parent.name, tensor.name, other=child.name)]
    if not child.decompression_supported:
        found.append(Failure(Rule.DECOMPRESSION, child.name, tensor.name, other=parent.name))
    if tensor.is_output and not child.compression_supported:
        found.append(Failure(Rule.COMPRESSION, child.name, tensor.name, other=parent.name))
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
