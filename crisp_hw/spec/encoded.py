"""A layer as an accelerator runs it, with everything that had to be assumed to write it down."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.design import Design
from crisp_hw.spec.runs import Per


@dataclass(frozen=True)
class BlockIndex:
    """Blocked-ELLPACK index of a layer: `blocks` kept blocks, each with the number of its block column in `bits`."""

    bits: int
    blocks: int


@dataclass(frozen=True)
class IndexLine:
    """Traffic of the block index in bits and its energy in pJ, per level, beside what the model counts."""

    read_bits: Mapping[str, int]
    fill_bits: Mapping[str, int]
    energy_pj: Mapping[str, float]


@dataclass(frozen=True)
class CircuitUse:
    """A circuit beside the model: a component of the energy table, what each of its actions serves, its size over that
    of the table's."""

    circuit: str
    per: Per
    size: float


@dataclass(frozen=True)
class OverheadLine:
    """A circuit that the model does not count: how often it acts in a layer, and its energy in pJ.

    `name` is that of the energy table: "selection" (an activation for a kept weight), "offset_decoder", ...
    """

    name: str
    actions: int
    pj_per_action: float
    energy_pj: float


@dataclass(frozen=True)
class Encoded:
    """A design that any backend evaluates once a mapping is found, and the constraints that the mapping obeys.

    `real_macs` counts the layer's own multiply-accumulates, the design's problem also those of padding;
    `block_index` is None where there is none or it was not asked for; `charges` are the circuits that are used beside
    the model. `macs_at_once` MACs can work at once at most, on the part of the fabric that this encoding uses.
    `options` are those that its case asks for, `carriers` the levels that move the block index with the weights.
    `row_columns` are the columns of every group where they differ: each has their mean in the design.
    """

    design: Design
    constraints: Constraints
    real_macs: int
    macs_at_once: int
    assumptions: tuple[str, ...] = ()
    block_index: BlockIndex | None = field(default=None)
    charges: tuple[CircuitUse, ...] = ()
    options: frozenset[str] = frozenset()
    carriers: tuple[str, ...] = ()
    row_columns: tuple[int, ...] = ()
