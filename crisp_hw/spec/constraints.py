"""What a mapping must obey: the constraints that an architecture puts on its mapspace."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Factor:
    """The bound of one loop: exactly, at most or at least `value`; `why` says where it comes from, for messages.

    >>> str(Factor("<=", 4, "at_most of the case sparse"))
    '<=4 (at_most of the case sparse)'
    """

    relation: Literal["=", "<=", ">="]
    value: int
    why: str = field(default="", compare=False, repr=False, metadata={"content": False})

    def __str__(self) -> str:
        said = f" ({self.why})" if self.why else ""
        return f"{self.relation}{self.value}{said}"


@dataclass(frozen=True)
class LevelConstraint:
    """Constraints of one level's temporal or spatial block; dimensions without a factor are free.

    `permutation` lists dimensions innermost first, `outermost` those that stand outside all others, innermost of them
    first; the rest lie between, free in order when `order_free`. `split` is the number of spatial dimensions, counted
    from the innermost, that run along x, the rest along y. `at_least` are lower bounds beside the `factors`. The flags
    are those of a `LoopNest`: a spatial block does not pass the tensors of `no_link_transfer` between neighbours and
    sends those of `no_multicast` to each receiver alone; a temporal block fills its level anew with those of
    `no_temporal_reuse`, and reads those of `rmw_first_update` before their first update, too.
    """

    level: str
    kind: Literal["temporal", "spatial"]
    factors: Mapping[str, Factor] = field(default_factory=dict)
    permutation: tuple[str, ...] = ()
    order_free: bool = False
    split: int | None = None
    no_link_transfer: frozenset[str] = frozenset()
    outermost: tuple[str, ...] = ()
    at_least: Mapping[str, int] = field(default_factory=dict)
    no_multicast: frozenset[str] = frozenset()
    no_temporal_reuse: frozenset[str] = frozenset()
    rmw_first_update: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Across:
    """Bounds of the product of a dimension's factors in the blocks of some levels, as `constraint` has them for one."""

    levels: tuple[str, ...]
    constraint: LevelConstraint


@dataclass(frozen=True)
class Constraints:
    """All constraints of a mapspace.

    A level stores its tensors of `keeps` for certain; those of `either` it may store or bypass, both are searched; all
    others it bypasses. A level that `keeps` does not name keeps every tensor that is not in its `either`. `parallelism`
    is the least share of all lanes, over the whole chain of fanouts, that a mapping must use. `across` are bounds that
    several levels have together. With `imperfect`, factors need not divide what is left of their dimension.
    """

    levels: tuple[LevelConstraint, ...] = ()
    keeps: Mapping[str, frozenset[str]] = field(default_factory=dict)
    either: Mapping[str, frozenset[str]] = field(default_factory=dict)
    parallelism: float = 0.0
    across: tuple[Across, ...] = ()
    imperfect: bool = False
