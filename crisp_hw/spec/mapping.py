"""A mapping: the loop nest that assigns every iteration to a level, a lane and a time."""

from dataclasses import dataclass
from typing import Literal

LoopKind = Literal["temporal", "x", "y"]


@dataclass(frozen=True)
class Loop:
    """A loop over `dim` at storage level `level` (0 innermost): in time, or across the mesh in x or y."""

    level: int
    dim: str
    kind: LoopKind


@dataclass(frozen=True)
class LoopNest:
    """The structure that a batch of mappings shares: order, kinds and what each level keeps, without the bounds.

    `loops` is the complete nest, **innermost first**: per level its spatial loops, then its temporal loops, each
    listing every dimension once (bound 1 where it does nothing). A level without fanout has no spatial loops.
    `keeps[l]` are the tensors stored in level l; `no_link_transfer[l]` those that its network does not pass between
    neighbours, `no_multicast[l]` those of which it sends every receiver its own copy; `no_temporal_reuse[l]` those
    that level l is filled with anew at every step, `rmw_first_update[l]` those whose first update is read, too;
    `streams[l]` those that pass through level l without being kept (MICRO 2022 dialect).
    """

    loops: tuple[Loop, ...]
    keeps: tuple[frozenset[str], ...]
    no_link_transfer: tuple[frozenset[str], ...] = ()
    streams: tuple[frozenset[str], ...] = ()
    no_multicast: tuple[frozenset[str], ...] = ()
    no_temporal_reuse: tuple[frozenset[str], ...] = ()
    rmw_first_update: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True)
class LoopMapping:
    """One mapping: a nest and the bound of each of its loops.

    `residuals[j]`, between 1 and `bounds[j]`, is the bound of loop j in the last iteration of all loops over its
    dimension outside it; None (the usual case): every loop always runs to its bound.
    """

    nest: LoopNest
    bounds: tuple[int, ...]
    residuals: tuple[int, ...] | None = None
