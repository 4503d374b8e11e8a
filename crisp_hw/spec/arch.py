"""Hardware as Timeloop sees it: a chain of storage levels above an array of MACs."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal


@dataclass(frozen=True)
class Wires:
    """What joins one instance of a storage level to those of the next inner level; the default costs nothing.

    A word costs `hop_pj` per hop (not given: its bits over wires as long as a hop, `tile_width_um`), `router_pj` per
    router and `ingress_pj` once; `fill_cycles` and `drain_cycles` are added to every run. None: not given, which costs
    nothing; `word_bits` None are those of the level. `subtype` is a name that changes nothing.
    """

    word_bits: int | None = None
    wire_pj_per_bit_mm: float | None = None
    tile_width_um: float | None = None
    hop_pj: float | None = None
    router_pj: float | None = None
    ingress_pj: float | None = None
    fill_cycles: int = 0
    drain_cycles: int = 0
    subtype: Literal["", "1:1", "1:N"] = ""


FREE = Wires()


@dataclass(frozen=True)
class StorageLevel:
    """One storage level; sizes in words, widths in bits, bandwidths in words per cycle and instance.

    `size_words` None is unbounded; a bandwidth of None is unlimited. `block_size` is the number of words that one
    access moves, `min_utilization` the share of the size that a mapping must use. `network` leads inwards;
    `reduction_supported` says whether the level adds up partial sums that arrive (None: unless it is DRAM), on which
    only the energy of the network depends. Energies and areas alone depend on `banks` and `ports`.
    """

    name: str
    technology: Literal["DRAM", "SRAM"] = "SRAM"
    instances: int = 1
    mesh_x: int = 1
    mesh_y: int = 1
    word_bits: int = 16
    block_size: int = 1
    cluster_size: int = 1
    size_words: int | None = None
    multiple_buffering: float = 1.0
    metadata_word_bits: int = 0
    metadata_width_bits: int = 0
    metadata_depth: int = 0
    read_bandwidth: float | None = None
    write_bandwidth: float | None = None
    shared_bandwidth: float | None = None
    decompression_supported: bool = False
    compression_supported: bool = False
    min_utilization: float = 0.0
    wires: Wires = FREE
    reduction_supported: bool | None = None
    banks: int = 1
    ports: int = 1


@dataclass(frozen=True)
class OperandBits:
    """Bits of a weight, of an activation and of a sum, where they differ."""

    weights: int
    activations: int
    sums: int


@dataclass(frozen=True)
class ComputeLevel:
    """The array of MACs; `operands` are the widths of its words where they differ (None: all have `word_bits`)."""

    name: str = "MAC"
    instances: int = 1
    mesh_x: int = 1
    mesh_y: int = 1
    word_bits: int = 16
    operands: OperandBits | None = None


@dataclass(frozen=True)
class Architecture:
    """Storage levels, **innermost first** (index 0 feeds the MACs), and the compute level.

    >>> Architecture((StorageLevel("RF"), StorageLevel("DRAM", "DRAM")), ComputeLevel()).level("DRAM").technology
    'DRAM'
    """

    levels: tuple[StorageLevel, ...]
    compute: ComputeLevel

    def __repr__(self) -> str:
        return f"<Architecture {self.chain}>"

    @property
    def chain(self) -> str:
        """Levels and MACs on one line, outermost first, with their instances and sizes."""
        parts = [(each.instances, each.name, _size(each)) for each in reversed(self.levels)]
        return " > ".join(
            f"{f'{count} ' if count > 1 else ''}{name}{size}"
            for count, name, size in (*parts, (self.compute.instances, self.compute.name, ""))
        )

    def level(self, name: str) -> StorageLevel:
        """The storage level of that name (KeyError when there is none)."""
        for level in self.levels:
            if level.name == name:
                return level
        raise KeyError(name)

    @cached_property
    def fanouts(self) -> tuple[tuple[int, int], ...]:
        """(x, y) children that one instance of each level feeds, innermost level first (Timeloop: DeriveFanouts)."""
        meshes = [(self.compute.mesh_x, self.compute.mesh_y), *((lv.mesh_x, lv.mesh_y) for lv in self.levels)]
        return tuple((x // outer_x, y // outer_y) for (x, y), (outer_x, outer_y) in pairwise(meshes))


def _size(level: StorageLevel) -> str:
    """The size of one instance; nothing where it is unbounded."""
    size = None if level.size_words is None else level.size_words * level.word_bits / 8
    if size is None:
        return ""
    return f" {size / 1024:g} KB" if size >= 1024 else f" {size:g} B"
