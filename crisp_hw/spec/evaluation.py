"""A network on accelerators: one row per layer and accelerator, and what must be said about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crisp_hw.spec.absent import absent
from crisp_hw.spec.descriptors import Descriptor, PrunedLayer
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.encoded import IndexLine, OverheadLine
from crisp_hw.spec.layer import Skipped
from crisp_hw.spec.result import Result
from crisp_hw.spec.shown import counted, listed
from crisp_hw.spec.silicon import Silicon
from crisp_hw.spec.variant import Changes
from crisp_hw.spec.vocabulary import SECTIONS


@dataclass(frozen=True)
class TileContent:
    """Nonzeros of a tile in words: mean and largest over all tiles, and the share of tiles that hold none."""

    mean: float
    largest: int
    empty: float


@dataclass(frozen=True)
class TileCheck:
    """Tiles of the weights in one level, `extents` along each rank: by the density in use and by the model's."""

    level: str
    extents: tuple[int, ...]
    found: TileContent
    model: TileContent


@dataclass(frozen=True)
class DensityCheck:
    """The row's mapping evaluated once more, with the statistical density that the accelerator's scheme takes.

    `density` names what the row itself was evaluated with.
    """

    density: str
    model: Result
    tiles: tuple[TileCheck, ...]


@dataclass(frozen=True)
class LayerEvaluation:
    """One layer on one accelerator with its best mapping, and the unpruned layer on the same fabric run dense.

    `real_macs` counts the unpruned layer's multiply-accumulates without padding; `tried` and `valid` count mappings.
    `gap` is how far the objective of the mapping, or of that of the dense run, may lie above a lower bound, as a share:
    0 where both are proven to be the best, None where no bound is known.
    `index` is the cost of block-index fetches that the model's documents cannot hold (None: none, or in the result).
    `overheads` are circuits beside the model (empty: none, or not asked for).
    `sources` ("SMEM.size" -> where the number comes from) are those of the accelerator. `check` holds the statistical
    model against the density in use (None: that is the model, or density has no effect). `silicon` is what time,
    power and area follow from (None: the result is older than these).
    """

    arch: str
    descriptor: Descriptor
    point: DesignPoint
    result: Result
    dense: Result
    real_macs: int
    tried: int
    valid: int
    index: IndexLine | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    check: DensityCheck | None = None
    overheads: tuple[OverheadLine, ...] = ()
    silicon: Silicon | None = None
    gap: float | None = None

    def __repr__(self) -> str:
        said = f"{self.result.cycles:,} cycles, speedup {self.speedup:.2f}"
        return f"<LayerEvaluation {self.layer} on {self.arch}: {said}>"

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            """What is asked for and is not there: a sentence that says where it is."""
            columns = (each.key for each in SECTIONS["layers"].columns)
            raise absent(self, name, {"to_frame() of the evaluation": columns})

    @property
    def layer(self) -> str:
        """Name of the layer."""
        return self.descriptor.layer.name

    @property
    def cycles(self) -> int:
        """Clock cycles of the pruned layer."""
        return self.result.cycles

    @property
    def dense_cycles(self) -> int:
        """Clock cycles of the unpruned layer, run dense."""
        return self.dense.cycles

    @property
    def speedup(self) -> float:
        """Dense cycles over cycles."""
        return self.dense.cycles / self.result.cycles


@dataclass(frozen=True)
class NetworkEvaluation:
    """All rows of one evaluation; `provenance` is what the pruned-model file says of itself, if there was one.

    `parameters` holds, by accelerator, the value of every parameter that was changed of one of them (empty: none was).
    `masks` are those that were evaluated, for pictures; a saved result does not keep them.
    """

    name: str
    rows: tuple[LayerEvaluation, ...]
    skipped: tuple[Skipped, ...] = ()
    assumptions: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Changes] = field(default_factory=dict)
    masks: Mapping[str, PrunedLayer] = field(default_factory=dict, compare=False)

    def __repr__(self) -> str:
        layers = len(dict.fromkeys(row.layer for row in self.rows))
        archs = listed(dict.fromkeys(row.arch for row in self.rows))
        return f"<NetworkEvaluation {self.name}: {counted(layers, 'layer')} on {archs}>"
