"""Words that are moved, as sums under way: what they cost, and what passes the ports of each level."""

from collections import defaultdict
from dataclasses import dataclass, field

from crisp_hw.engine.energy import action_energy
from crisp_hw.mapper.exact.columns import Column, Form, Share
from crisp_hw.mapper.exact.forms import Port
from crisp_hw.mapper.exact.layout import Layout
from crisp_hw.mapper.exact.ragged import Counted
from crisp_hw.mapper.space import Space
from crisp_hw.spec.arch import StorageLevel
from crisp_hw.spec.ert import EnergyTable


@dataclass
class Words:
    """Sums under way: pJ of words and of those that need no read (or another form of both, where that is more), and the
    words through each level's ports.
    """

    pj: dict[Column, float] = field(default_factory=lambda: defaultdict(float))
    unread_pj: dict[Column, float] = field(default_factory=lambda: defaultdict(float))
    or_pj: dict[Column, float] = field(default_factory=lambda: defaultdict(float))
    or_unread_pj: dict[Column, float] = field(default_factory=lambda: defaultdict(float))
    reads: list[dict[Column, float]] = field(default_factory=list)
    unread: list[dict[Column, float]] = field(default_factory=list)
    writes: list[dict[Column, float]] = field(default_factory=list)
    unwritten: list[dict[Column, float]] = field(default_factory=list)
    less: dict[Column, None] = field(default_factory=dict)
    more: dict[Column, None] = field(default_factory=dict)

    @classmethod
    def of(cls, levels: int) -> "Words":
        """Nothing yet in any level."""
        found = cls()
        for each in (found.reads, found.unread, found.writes, found.unwritten):
            each.extend(defaultdict(float) for _ in range(levels))
        return found

    def add(self, other: "Words") -> None:
        """Enter the sums of another."""
        mine = [
            self.pj,
            self.unread_pj,
            self.or_pj,
            self.or_unread_pj,
            *self.reads,
            *self.unread,
            *self.writes,
            *self.unwritten,
        ]
        theirs = [
            other.pj,
            other.unread_pj,
            other.or_pj,
            other.or_unread_pj,
            *other.reads,
            *other.unread,
            *other.writes,
            *other.unwritten,
        ]
        for form, more in zip(mine, theirs, strict=True):
            for column, weight in more.items():
                form[column] += weight


@dataclass(frozen=True)
class Left:
    """What a sparse design leaves of the words of a tensor in a level: sent inwards, those that take time, fills; and
    the weight of a word.
    """

    sent: tuple[Share, ...]
    through: tuple[Share, ...]
    filled: tuple[Share, ...]
    weight: float


def ports_of(sums: Words, levels: tuple[StorageLevel, ...]) -> tuple[Port, ...]:
    """The ports of limited bandwidth through which anything passes."""
    found = []
    for index, level in enumerate(levels):
        reads, writes = (sums.reads[index], sums.unread[index]), (sums.writes[index], sums.unwritten[index])
        both = _sum(reads[0], writes[0]), _sum(reads[1], writes[1])
        limits = (level.read_bandwidth, level.write_bandwidth, level.shared_bandwidth)
        for limit, (words, unread) in zip(limits, (reads, writes, both), strict=True):
            if limit is not None and words:
                found.append(Port(limit, dict(words), dict(unread)))
    return tuple(found)


def _sum(one: Form, other: Form) -> Form:
    return {column: one.get(column, 0.0) + other.get(column, 0.0) for column in {**one, **other}}


def word_pj(prices: EnergyTable, level: StorageLevel) -> dict[str, float]:
    """pJ per word of a level: an access moves a block of them, and a cluster of instances shares one at best."""
    shared = level.block_size * level.cluster_size
    return {op: action_energy(prices, level, "random", op) / shared for op in ("reads", "fills", "updates")}


def leaks_pj(space: Space, layout: Layout, *, idle: bool) -> Form:
    """pJ per cycle of the instances at work; of instances that wait (`idle`), one leaks at least."""
    levels, energy = space.design.architecture.levels, space.design.energy
    found: dict[Column, float] = defaultdict(float)
    for index, level in enumerate(levels):
        lanes = layout.bits(layout.every, "spatial", index + 1, len(levels) - 1)
        used = Column(0, counted=Counted(floor=lanes)) if space.imperfect and lanes else Column(lanes)
        found[Column(0) if idle else used] += energy.actions.get(level.name, {}).get("leak", 0.0)
    return {column: pj for column, pj in found.items() if pj}
