"""What is known of a pruned network: the masks it came with, and what they turn out to be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crisp_hw.spec.layer import Layer, Skipped
from crisp_hw.spec.patterns import NM, RowPattern, TwoRank
from crisp_hw.spec.shown import counted

Role = Literal["hybrid", "nm", "dense"]
PRODUCTS = "products_of_activations"
"""Under this name the provenance of a file says that whoever wrote it looked for QK^T and PV."""

SHRUNK = "shrunk"
"""Under this name the provenance of a file says which layers lost output channels for good: [had, has] of each."""


@dataclass(frozen=True)
class PrunedLayer:
    """A layer with its keep-mask: bool[rows, columns] in the matrix view (input channel fastest), None when dense.

    `nm` and `block` are what the writer claims; `describe` checks them against the mask.
    """

    layer: Layer
    role: Role
    mask: NDArray[np.bool_] | None = None
    nm: NM | None = None
    block: int | None = None

    def __repr__(self) -> str:
        kept = None if self.mask is None else int(self.mask.sum()) / self.mask.size
        return f"<PrunedLayer {_pattern(self.layer, self.role, self.nm, self.block)}, {_density(kept)}>"


@dataclass(frozen=True)
class PrunedModel:
    """The content of a pruned-model file."""

    name: str
    layers: tuple[PrunedLayer, ...]
    classes: tuple[int, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        masked = sum(each.mask is not None for each in self.layers)
        return f"<PrunedModel {self.name}: {counted(len(self.layers), 'layer')}, {masked} of them with masks>"

    @property
    def may_lack_attention(self) -> bool:
        """Did a release of crisp_prune write it that left QK^T and PV out, of a network that is applied to tokens?

        Examples
        --------
        >>> PrunedModel("own", (PrunedLayer(Layer("fc", "linear", 2, 2, tokens=5), "dense"),)).may_lack_attention
        False
        """
        ours = self.provenance.get("pruner") == "crisp_prune" and PRODUCTS not in self.provenance
        kinds = {each.layer.kind for each in self.layers if each.layer.kind != "linear" or each.layer.tokens > 1}
        return ours and "linear" in kinds and "matmul" not in kinds


@dataclass(frozen=True)
class Descriptor:
    """What one layer's weight matrix really looks like; sizes in elements, metadata in bits.

    `nm` is the tightest n:m that every group obeys (None: no constraint found). With `block`, `kept_blocks` is the
    number of live blocks in every block row when the rows are balanced, else None, and `most_blocks` that of the
    fullest row where it is known; `total_blocks` is ceil(K/block).
    `row_blocks` are the kept blocks of every block row, where a mask tells that they differ (empty: they do not).
    `two_rank` and `row_patterns` (empty: all rows are alike) are found in masks; cases of a file may ask for them.
    `kept_columns` is K' = kept_blocks * block, the last block counted at its real width when it is ragged.
    """

    layer: Layer
    role: Role
    nnz: int
    nm: NM | None = None
    block: int | None = None
    kept_blocks: int | None = None
    total_blocks: int | None = None
    kept_columns: float | None = None
    block_density: float | None = None
    longest_row: int | None = None
    most_blocks: int | None = None
    metadata_bits: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    two_rank: TwoRank | None = field(default=None, compare=False)
    row_patterns: tuple[RowPattern, ...] = field(default=(), compare=False)
    row_blocks: tuple[int, ...] = ()

    def __repr__(self) -> str:
        blocks = f", keeps {self.kept_blocks} of {self.total_blocks} blocks a row" if self.balanced else ""
        return f"<Descriptor {_pattern(self.layer, self.role, self.nm, self.block)}{blocks}, {_density(self.density)}>"

    @property
    def density(self) -> float:
        """Nonzero weights over all weights."""
        return self.nnz / self.layer.weights

    @property
    def balanced(self) -> bool:
        """Does every block row keep the same number of blocks?"""
        return self.kept_blocks is not None


def _pattern(layer: Layer, role: Role, nm: NM | None, block: int | None) -> str:
    """What a layer is and how it is pruned, on one line."""
    said = [f"{layer.name}: {layer.kind} {layer.rows} x {layer.columns}", role]
    said += [f"{nm.n}:{nm.m}"] if nm else []
    said += [f"blocks of {block}"] if block else []
    return ", ".join(said)


def _density(kept: float | None) -> str:
    return "no mask" if kept is None else f"density {kept:.1%}".replace("%", " %")
