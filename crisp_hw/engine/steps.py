"""The loops of one mapping as a walk goes through them: what each does, and how far it and those inside it reach."""

from dataclasses import dataclass

from crisp_hw.engine.tiling import Tiling
from crisp_hw.spec.mapping import LoopKind


@dataclass(frozen=True)
class WalkedLoop:
    """A loop that does something: `top` are the last indices per dimension inside it, `top_last` with residuals.

    `first` and `final` mark the innermost and outermost loop of a level; `ragged_inside`: some loop over the same
    dimension inside it has a residual.
    """

    level: int
    dim: int
    kind: LoopKind
    bound: int
    residual: int
    stride: int
    top: tuple[int, ...]
    top_last: tuple[int, ...]
    ragged_inside: bool
    first: bool = False
    final: bool = False


def lowest(loops: list[WalkedLoop], level: int) -> int:
    """Place of the innermost loop of a level."""
    return next(i for i, loop in enumerate(loops) if loop.level == level)


def walked_loops(tiling: Tiling, column: int) -> list[WalkedLoop]:
    """The active loops, innermost first; a level without one in time keeps a loop of one step there."""
    dims = tiling.problem.dims
    residuals = tiling.bounds if tiling.residuals is None else tiling.residuals
    rows: list[tuple[int, int, LoopKind, int, int]] = []
    for level in range(len(tiling.architecture.levels)):
        here = [j for j in tiling.loops(level) if tiling.active[j]]
        for j in here:
            loop = tiling.nest.loops[j]
            bound, rest = int(tiling.bounds[j, column]), int(residuals[j, column])
            rows.append((level, dims.index(loop.dim), loop.kind, bound, rest))
        # a level is visited, and its tile noted, by a loop in time; one of one step changes no count
        if not any(tiling.temporal(j) for j in here):
            rows.append((level, len(dims) - 1, "temporal", 1, 1))
    whole, last, ragged = [1] * len(dims), [1] * len(dims), [False] * len(dims)
    loops = []
    for place, (level, dim, kind, bound, rest) in enumerate(rows):
        stride, inside = whole[dim], ragged[dim]
        last[dim] += stride * (rest - 1)
        whole[dim] *= bound
        ragged[dim] = inside or rest != bound
        top, top_last = tuple(n - 1 for n in whole), tuple(n - 1 for n in last)
        first = place == 0 or rows[place - 1][0] != level
        final = place + 1 == len(rows) or rows[place + 1][0] != level
        loops.append(WalkedLoop(level, dim, kind, bound, rest, stride, top, top_last, inside, first, final))
    return loops
