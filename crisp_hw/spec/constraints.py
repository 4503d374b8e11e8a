"""What a mapping must obey: the constraints that an architecture puts on its mapspace."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Factor:
    """The bound of one loop: exactly, at most or at least `value`."""

    relation: Literal["=", "<=", ">="]
    value: int


@dataclass(frozen=True)
class LevelConstraint:
    """Constraints of one level's temporal or spatial block; dimensions without a factor are free.

    `permutation` lists dimensions innermost first (the rest follow, free in order when `order_free`); `split` is the
    number of spatial dimensions, counted in `permutation`, that run along x, the rest along y. A spatial block does not
    pass the tensors of `no_link_transfer` between neighbours.
    """

    level: str
    kind: Literal["temporal", "spatial"]
    factors: Mapping[str, Factor] = field(default_factory=dict)
    permutation: tuple[str, ...] = ()
    order_free: bool = False
    split: int | None = None
    no_link_transfer: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Constraints:
    """All constraints of a mapspace; `keeps[level]` are the tensors stored there (a level not named keeps all)."""

    levels: tuple[LevelConstraint, ...] = ()
    keeps: Mapping[str, frozenset[str]] = field(default_factory=dict)
