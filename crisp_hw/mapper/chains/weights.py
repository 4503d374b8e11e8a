"""How much of what a dense chain counts is left in a sparse design at least, whatever levels keep and loops do.

A count that a SAF thins is never less than with the least tile that can decide (a word), so that every share of
`exact.sparse` is a number here. The least of all choices of keep and bypass holds for each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.exact.columns import Share
from crisp_hw.mapper.exact.layout import layout_of
from crisp_hw.mapper.exact.leaving import Leaving, tiles_of
from crisp_hw.mapper.exact.sparse import Thinner
from crisp_hw.mapper.exact.stills import open_still
from crisp_hw.mapper.space import Space

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Weights:
    """What counts of a word, float64[levels, tensors] each: where it is `sent` inwards, where that takes time
    (`through`), and where a level is `filled` with it; `packed`, bool[levels, tensors], says what lies in a format.

    Of multiply-accumulates the share `busy` takes a cycle; all of them take `compute_pj`. Counts that are `rounded`,
    bool[levels, tensors], may be a word lower. Where instances are `idle` in a part of the time, one leaks.
    """

    sent: Floats
    through: Floats
    filled: Floats
    packed: Bools
    busy: float
    compute_pj: float
    rounded: Bools
    idle: bool


def weights_of(spaces: Sequence[Space]) -> Weights:
    """The least of some choices of keep and bypass of one design."""
    chosen = [*spaces] if spaces[0].design.sparse.active else [_everything_kept(spaces[0])]
    found = [_of_choice(space) for space in chosen]
    sent, through, filled = (
        np.minimum.reduce([getattr(each, name) for each in found]) for name in ("sent", "through", "filled")
    )
    sent, through, filled = (np.where(np.isfinite(each), each, 0.0) for each in (sent, through, filled))
    return Weights(
        sent,
        through,
        filled,
        np.logical_or.reduce([each.packed for each in found]),
        min(each.busy for each in found),
        min(each.compute_pj for each in found),
        np.logical_or.reduce([each.rounded for each in found]),
        any(each.idle for each in found),
    )


def _everything_kept(space: Space) -> Space:
    """Of dense designs all of every word counts, whatever is kept."""
    every = frozenset(tensor.name for tensor in space.design.problem.tensors)
    return replace(space, keeps=(every,) * len(space.keeps))


def _of_choice(space: Space) -> Weights:
    """The weights of one choice; inf where a level does not keep a tensor."""
    problem, thinner = space.design.problem, Thinner(space, layout_of(space))
    stills = (open_still(problem),) * len(space.keeps)
    leaving, shape = Leaving(problem), (len(space.keeps), len(problem.tensors))
    sent, through, filled = (np.full(shape, np.inf) for _ in range(3))
    packed, rounded = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)

    def least(shares: tuple[Share, ...]) -> float:
        return float(leaving.left(shares, {column: np.ones(()) for column in tiles_of(shares)}))

    for level, keeps in enumerate(space.keeps):
        for t, tensor in enumerate(problem.tensors):
            if tensor.name in keeps:
                where, weight = (stills, level, t), thinner.weight(level, tensor) * thinner.at_work[t][level]
                sent[level, t] = weight * least(thinner.sent(*where))
                through[level, t] = weight * least(thinner.through(*where))
                filled[level, t] = weight * least(thinner.filled(*where))
                packed[level, t], rounded[level, t] = thinner.stored(level, tensor), thinner.ends(level, t)
    computes = thinner.computes(stills)
    busy, pj = (
        sum(number * least(column.shares) for column, number in form.items())
        for form in (computes.busy, computes.energy_pj)
    )
    return Weights(sent, through, filled, packed, busy, pj, rounded, thinner.idles)
