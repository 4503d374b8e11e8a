"""What the hardware does with sparsity: representation formats and sparse acceleration features (SAFs)."""

from dataclasses import dataclass
from typing import Literal

Format = Literal["U", "UOP", "B", "CP", "RLE"]
ActionKind = Literal["gating", "skipping", "skipping_spatial", "position_skipping"]
ComputeKind = Literal["gating", "skipping"]


@dataclass(frozen=True)
class Rank:
    """One fibertree rank: its format and the widths of its words (None: the level's default metadata width).

    `flattened` lists groups of dimensions that this one rank may absorb together.
    """

    format: Format
    metadata_bits: int | None = None
    payload_bits: int | None = None
    flattened: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True)
class TensorFormat:
    """The format of one tensor in one level: ranks **innermost first**, and from which end loops are assigned."""

    level: str
    tensor: str
    ranks: tuple[Rank, ...]
    inner_to_outer: bool = False

    @property
    def compressed(self) -> bool:
        """True when some rank stores only nonzeros (B, CP, RLE)."""
        return any(rank.format in ("B", "CP", "RLE") for rank in self.ranks)


@dataclass(frozen=True)
class Condition:
    """Accesses to `target` are avoided where all tensors of `condition_on` (the leaders) are empty."""

    target: str
    condition_on: tuple[str, ...]


@dataclass(frozen=True)
class ActionOptimization:
    """A storage SAF at a level; with several options the model takes the one that saves most.

    `position_skipping` has no leaders: the target's own nonzeros are packed into the level's lanes.
    """

    level: str
    kind: ActionKind
    options: tuple[Condition, ...]


@dataclass(frozen=True)
class SparseSpec:
    """All sparse optimizations of a design; the default is a dense accelerator."""

    formats: tuple[TensorFormat, ...] = ()
    actions: tuple[ActionOptimization, ...] = ()
    compute: tuple[ComputeKind, ...] = ()

    @property
    def active(self) -> bool:
        """False when density has no effect because nothing exploits it."""
        return bool(self.formats or self.actions or self.compute)

    def packs(self, level: str, tensor: str) -> bool:
        """Does the level pack nonzeros of the tensor into its lanes (position skipping)?"""
        targets = [
            option.target
            for action in self.actions
            if action.kind == "position_skipping" and action.level == level
            for option in action.options
        ]
        return tensor in targets
