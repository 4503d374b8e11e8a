"""Where layers stand against the roofs of an accelerator: the MACs, and every port of a level that has a bandwidth."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from crisp_hw.spec.arch import StorageLevel
from crisp_hw.spec.evaluation import LayerEvaluation, NetworkEvaluation
from crisp_hw.spec.result import LevelResult

Way = Literal["read", "written", "read or written"]
WAYS: tuple[Way, ...] = ("read", "written", "read or written")


@dataclass(frozen=True)
class Port:
    """A level and what passes through one of its ports."""

    level: str
    way: Way

    def bandwidth(self, level: StorageLevel) -> float | None:
        """Words per cycle and instance; None is unlimited."""
        limits = (level.read_bandwidth, level.write_bandwidth, level.shared_bandwidth)
        return limits[WAYS.index(self.way)]


@dataclass(frozen=True)
class Point:
    """A layer on an accelerator at one port.

    `intensity` is MACs per word through the port of one instance, `performance` MACs per cycle. The MACs are those of
    the whole array that take a cycle, random and gated ones; skipped ones are not work that is done. The words are data
    and metadata (as whole words) that occupy the port, a mean over the instances that the mapping uses. The roofs are
    `bandwidth` words per cycle (None: unlimited) and `peak` MACs per cycle.
    """

    arch: str
    layer: str
    intensity: float
    performance: float
    bandwidth: float | None
    peak: int
    bound_by: str

    @property
    def roof(self) -> float:
        """MACs per cycle that no mapping with this intensity exceeds."""
        return self.peak if self.bandwidth is None else min(float(self.peak), self.intensity * self.bandwidth)


@dataclass(frozen=True)
class Position:
    """Where a run stands: MACs per cycle that it attains, those that its lowest roof allows, and what binds it.

    `binds` is the MACs by their name, or the port whose level sets the cycles: "SMEM read", "DRAM write".
    """

    attained: float
    attainable: float
    binds: str


def position(row: LayerEvaluation) -> Position | None:
    """The position of a row; None where the result has no MACs at work.

    Of a level that binds, the port is the one that would need most cycles.
    """
    arch, result = row.point.design.architecture, row.result
    if result.compute is None or not result.cycles:
        return None
    macs = result.compute.random + result.compute.gated
    peak, found = float(arch.compute.instances), list(_loads(row))
    attainable = min([peak, *(macs / load.cycles for load in found)])
    own = [load for load in found if load.level == result.bound_by]
    binds = max(own, key=lambda load: load.cycles).text if own else result.bound_by
    return Position(macs / result.cycles, attainable, binds)


@dataclass(frozen=True)
class _Load:
    """Cycles that the words of one port of one instance take at its bandwidth."""

    level: str
    way: Way
    cycles: float

    @property
    def text(self) -> str:
        match self.way:
            case "read":
                return f"{self.level} read"
            case "written":
                return f"{self.level} write"
            case "read or written":
                return f"{self.level} read and write"


def _loads(row: LayerEvaluation) -> Iterator[_Load]:
    """Of every port that has a bandwidth and moves words."""
    arch, compute = row.point.design.architecture, row.result.compute
    for level in row.result.levels if compute else ():
        for way in WAYS:
            bandwidth = Port(level.name, way).bandwidth(arch.level(level.name))
            if compute and bandwidth and (words := _words(level, way, compute.cycles)) > 0:
                yield _Load(level.name, way, words / bandwidth)


def ports(network: NetworkEvaluation) -> tuple[Port, ...]:
    """Every port that has a bandwidth on some accelerator, outermost level first; without any, what DRAM reads.

    >>> ports(NetworkEvaluation("nothing", ()))
    ()
    """
    chains = [row.point.design.architecture for row in network.rows]
    every = dict.fromkeys(Port(level.name, way) for arch in chains for level in reversed(arch.levels) for way in WAYS)
    levels = [level for arch in dict.fromkeys(chains) for level in arch.levels]
    limited = {(level.name, way) for level in levels for way in WAYS if Port(level.name, way).bandwidth(level)}
    found = tuple(port for port in every if (port.level, port.way) in limited)
    return found or tuple(every)[:1]


def points(network: NetworkEvaluation, port: Port) -> tuple[Point, ...]:
    """A point for every row that moves words through the port and does work in some cycles.

    >>> points(NetworkEvaluation("nothing", ()), Port("DRAM", "read"))
    ()
    """
    return tuple(point for row in network.rows for point in _point(row, port))


def _point(row: LayerEvaluation, port: Port) -> Iterator[Point]:
    arch, result = row.point.design.architecture, row.result
    level = next((level for level in result.levels if level.name == port.level), None)
    if level is None or result.compute is None or not result.cycles:
        return
    words, macs = _words(level, port.way, result.compute.cycles), result.compute.random + result.compute.gated
    if words > 0 and macs > 0:
        bandwidth = port.bandwidth(arch.level(port.level))
        rate = macs / result.cycles
        yield Point(row.arch, row.layer, macs / words, rate, bandwidth, arch.compute.instances, result.bound_by)


def _words(level: LevelResult, way: Way, cycles: int) -> float:
    """Through the port of one instance: what it would move a cycle at full speed, times the cycles of the MACs."""
    rates = [
        (counts.read_bandwidth if way != "written" else 0.0) + (counts.write_bandwidth if way != "read" else 0.0)
        for counts in level.tensors.values()
    ]
    return sum(rates) / level.slowdown * cycles if level.slowdown else 0.0
