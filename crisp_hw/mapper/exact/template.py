"""Templates: what is kept where, what stands still in every block, and the traffic that follows, as sums of products.

Of a dense problem whose ranks have one dimension each, every count of the engine (`engine.traffic`) is a product of
factors once these two are settled, less the words of an output that need no read: docs/mapper.md has the proof.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from math import prod

from crisp_hw.engine.energy import action_energy, compute_energy, resolved
from crisp_hw.engine.validity import capacity_limits
from crisp_hw.mapper.exact.columns import Column, Form
from crisp_hw.mapper.exact.layout import Layout
from crisp_hw.mapper.exact.stills import Still
from crisp_hw.mapper.space import Space
from crisp_hw.spec.arch import StorageLevel
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.spec.problem import Tensor


@dataclass(frozen=True)
class Port:
    """Words per instance through a port of limited bandwidth: `words` less `unread` ones."""

    bandwidth: float
    words: Form
    unread: Form


@dataclass(frozen=True)
class Room:
    """Words that a level holds; at most `size` (None: any number), at least `least`."""

    size: int | None
    least: int
    words: Form


@dataclass(frozen=True)
class Template:
    """The costs of all mappings that keep tensors, and let them stand still, in one way.

    Energy is `energy_pj` less `unread_pj`, and per cycle `leaks_pj`; cycles are at least `steps`, and what the `ports`
    ask. Factors in `forced` are 1.
    """

    forced: int
    energy_pj: Form
    unread_pj: Form
    leaks_pj: Form
    ports: tuple[Port, ...]
    rooms: tuple[Room, ...]
    steps: Column
    compute_pj: float
    computes: int


@dataclass
class _Words:
    """Sums under way: pJ of words and of those that need no read, and the words through each level's ports."""

    pj: dict[Column, float] = field(default_factory=lambda: defaultdict(float))
    unread_pj: dict[Column, float] = field(default_factory=lambda: defaultdict(float))
    reads: list[dict[Column, float]] = field(default_factory=list)
    unread: list[dict[Column, float]] = field(default_factory=list)
    writes: list[dict[Column, float]] = field(default_factory=list)
    unwritten: list[dict[Column, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Templates:
    """Makes the templates of one space: what it keeps is settled, what stands still is given."""

    space: Space
    layout: Layout

    def of(self, stills: tuple[Still, ...], forced: int) -> Template:
        """The template of some classes, one per temporal block (innermost first); `forced` are further factors of 1."""
        space, layout = self.space, self.layout
        design, top = space.design, len(space.keeps) - 1
        levels = design.architecture.levels
        sums = _Words()
        for each in (sums.reads, sums.unread, sums.writes, sums.unwritten):
            each.extend(defaultdict(float) for _ in levels)
        prices = resolved(design.energy, design.rules)
        for index, tensor in enumerate(design.problem.tensors):
            kept = [level for level, keeps in enumerate(space.keeps) if tensor.name in keeps]
            into = {child: self._arriving(stills, index, child) for child in (-1, *kept[:-1])}
            for child, level in zip([-1, *kept[:-1]], kept, strict=True):
                filled = None if level == top else into[level]
                self._count(sums, prices, (tensor, child, level), (into[child], filled))
        every = layout.every
        return Template(
            forced | self._forced(stills),
            dict(sums.pj),
            dict(sums.unread_pj),
            self._leaks(design.energy),
            self._ports(sums),
            self._rooms(),
            Column(layout.bits(every, "temporal", 0, top)),
            compute_energy(design.energy, design.architecture.compute, "random") * prod(design.problem.bounds),
            prod(design.problem.bounds),
        )

    def key(self, stills: tuple[Still, ...], forced: int) -> tuple[int, ...]:
        """What the template of some classes depends on; equal for classes that no cost can tell apart."""
        tensors = self.space.design.problem.tensors
        arriving = [
            self._arriving(stills, index, child)
            for index, tensor in enumerate(tensors)
            for child, keeps in enumerate(self.space.keeps[:-1])
            if tensor.name in keeps
        ]
        return (forced | self._forced(stills), *arriving)

    def _own(self, tensor: Tensor) -> list[int]:
        return [d for d in self.layout.every if self.layout.dims[d] in tensor.dims]

    def _forced(self, stills: tuple[Still, ...]) -> int:
        found = 0
        for level, still in enumerate(stills):
            dims = [d for d in self.layout.every if self.layout.dims[d] in still.forced]
            found |= self.layout.bits(dims, "temporal", level, level)
        return found

    def _arriving(self, stills: tuple[Still, ...], tensor: int, child: int) -> int:
        """Words of a tensor that an instance of a level (-1: a MAC) receives: its tile, as often as it is delivered."""
        layout, one = self.layout, self.space.design.problem.tensors[tensor]
        found = layout.bits(self._own(one), "all", 0, child)
        standing = child >= 0
        for level in range(child + 1, len(stills)):
            still = stills[level]
            free = still.free[tensor] if standing else frozenset[str]()
            dims = [d for d in layout.every if layout.dims[d] not in free]
            found |= layout.bits(dims, "temporal", level, level)
            standing = standing and still.passes[tensor]
        return found

    def _count(
        self, sums: _Words, prices: EnergyTable, where: tuple[Tensor, int, int], moved: tuple[int, int | None]
    ) -> None:
        """Enter what a level sends to the next inner keeper of a tensor, and what it is filled with."""
        (tensor, child, level), (sent_in, filled) = where, moved
        layout, top, own = self.layout, len(self.space.keeps) - 1, self._own(tensor)
        outside = layout.bits(layout.every, "spatial", level + 1, top)
        sent = sent_in | layout.bits(own, "spatial", child + 1, level)
        pj = self._word_pj(prices, self.space.design.architecture.levels[level])
        # the words of an output that one instance sees over the whole run, whose first update reads nothing
        part = layout.bits(own, "all", 0, top) & ~outside
        rules = self.space.design.rules
        if tensor.is_output:
            sums.pj[Column(sent | outside)] += pj["updates"] + pj["reads"]
            sums.unread_pj[Column(part | outside)] += pj["reads"]
            sums.unread[level][Column(part)] += 1.0
            sums.writes[level][Column(sent)] += 1.0
        else:
            sums.pj[Column(sent | outside)] += pj["reads"]
        sums.reads[level][Column(sent)] += 1.0
        if filled is None:
            return
        sums.pj[Column(filled | outside)] += pj["fills"]
        sums.writes[level][Column(filled)] += 1.0
        if tensor.is_output and rules.first_fill_elided:
            sums.unread_pj[Column(part | outside)] += pj["fills"]
            sums.unwritten[level][Column(part)] += 1.0

    def _word_pj(self, prices: EnergyTable, level: StorageLevel) -> dict[str, float]:
        """pJ per word: an access moves a block of them, and a cluster of instances shares one at best."""
        shared = level.block_size * level.cluster_size
        return {op: action_energy(prices, level, "random", op) / shared for op in ("reads", "fills", "updates")}

    def _leaks(self, energy: EnergyTable) -> Form:
        """pJ per cycle of the instances at work."""
        layout, levels = self.layout, self.space.design.architecture.levels
        found: dict[Column, float] = defaultdict(float)
        for index, level in enumerate(levels):
            used = Column(layout.bits(layout.every, "spatial", index + 1, len(levels) - 1))
            found[used] += energy.actions.get(level.name, {}).get("leak", 0.0)
        return {column: pj for column, pj in found.items() if pj}

    def _ports(self, sums: _Words) -> tuple[Port, ...]:
        found = []
        for index, level in enumerate(self.space.design.architecture.levels):
            reads, writes = (sums.reads[index], sums.unread[index]), (sums.writes[index], sums.unwritten[index])
            both = _sum(reads[0], writes[0]), _sum(reads[1], writes[1])
            limits = (level.read_bandwidth, level.write_bandwidth, level.shared_bandwidth)
            for limit, (words, unread) in zip(limits, (reads, writes, both), strict=True):
                if limit is not None and words:
                    found.append(Port(limit, dict(words), dict(unread)))
        return tuple(found)

    def _rooms(self) -> tuple[Room, ...]:
        """What the levels of limited size hold."""
        space, found = self.space, []
        for index, level in enumerate(space.design.architecture.levels):
            words: dict[Column, float] = defaultdict(float)
            for tensor in space.design.problem.tensors:
                if tensor.name in space.keeps[index]:
                    words[Column(self.layout.bits(self._own(tensor), "all", 0, index))] += 1.0
            if level.size_words is not None:
                found.append(Room(capacity_limits(level)[0], space.least_words[index], dict(words)))
        return tuple(found)


def _sum(one: Form, other: Form) -> Form:
    return {column: one.get(column, 0.0) + other.get(column, 0.0) for column in {**one, **other}}
