"""A network on accelerators: one row per layer and accelerator, and what must be said about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.encoded import IndexLine
from crisp_hw.spec.layer import Skipped
from crisp_hw.spec.result import Result


@dataclass(frozen=True)
class LayerEvaluation:
    """One layer on one accelerator with its best mapping, and the unpruned layer on the same fabric run dense.

    `real_macs` counts the unpruned layer's multiply-accumulates without padding; `tried` and `valid` count mappings.
    `index` is the cost of block-index fetches that the model's documents cannot hold (None: none, or in the result).
    `sources` ("SMEM.size" -> where the number comes from) are those of the accelerator.
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

    @property
    def layer(self) -> str:
        """Name of the layer."""
        return self.descriptor.layer.name

    @property
    def speedup(self) -> float:
        """Dense cycles over cycles."""
        return self.dense.cycles / self.result.cycles


@dataclass(frozen=True)
class NetworkEvaluation:
    """All rows of one evaluation; `provenance` is what the pruned-model file says of itself, if there was one."""

    name: str
    rows: tuple[LayerEvaluation, ...]
    skipped: tuple[Skipped, ...] = ()
    assumptions: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
