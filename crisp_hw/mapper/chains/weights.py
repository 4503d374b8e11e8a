"""How much of what a dense chain counts is left in a sparse design at least, whatever levels keep and loops do.

Formats leave of words a share that is a number here; what SAFs leave of them depends on tiles (`left`). The least of
all choices of keep and bypass holds for each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.chains.left import Acting, acting
from crisp_hw.mapper.exact.columns import Share
from crisp_hw.mapper.exact.layout import layout_of
from crisp_hw.mapper.exact.leaving import Leaving, tiles_of
from crisp_hw.mapper.exact.sparse import Thinner
from crisp_hw.mapper.exact.stills import open_still
from crisp_hw.mapper.space import Space

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Acts = tuple[tuple[frozenset[Acting], ...], ...]
PLACES = ("sent", "through", "filled")
SENT, THROUGH, FILLED = range(len(PLACES))


@dataclass(frozen=True)
class Weights:
    """What counts of a word that moves, float64[levels, tensors], before SAFs: `sent` inwards, where that takes time
    (`through`), and where a level is `filled` with it; `acts` are the SAFs of each of the three, by level and tensor.
    `packed`, bool[levels, tensors], says what lies in a format.

    Of multiply-accumulates the share `busy` takes a cycle; all of them take `compute_pj`. Counts that are `rounded`,
    bool[levels, tensors], may be a word lower. Where instances are `idle` in a part of the time, one leaks.
    """

    sent: Floats
    through: Floats
    filled: Floats
    acts: tuple[Acts, Acts, Acts]
    packed: Bools
    busy: float
    compute_pj: float
    rounded: Bools
    idle: bool


def weights_of(spaces: Sequence[Space]) -> Weights:
    """The least of some choices of keep and bypass of one design."""
    chosen = [*spaces] if spaces[0].design.sparse.active else [_everything_kept(spaces[0])]
    found = [_of_choice(space) for space in chosen]
    moved = np.minimum.reduce([each.sent for each in found])
    moved = np.where(np.isfinite(moved), moved, 0.0)
    sent, through, filled = (_together([each.acts[place] for each in found]) for place in range(len(PLACES)))
    return Weights(
        moved,
        moved,
        moved,
        (sent, through, filled),
        np.logical_or.reduce([each.packed for each in found]),
        min(each.busy for each in found),
        min(each.compute_pj for each in found),
        np.logical_or.reduce([each.rounded for each in found]),
        any(each.idle for each in found),
    )


def _together(choices: Sequence[Acts]) -> Acts:
    """Whatever may act in some choice."""
    return tuple(
        tuple(frozenset[Acting]().union(*each) for each in zip(*levels, strict=True))
        for levels in zip(*choices, strict=True)
    )


def _everything_kept(space: Space) -> Space:
    """Of dense designs all of every word counts, whatever is kept."""
    every = frozenset(tensor.name for tensor in space.design.problem.tensors)
    return replace(space, keeps=(every,) * len(space.keeps))


def _of_choice(space: Space) -> Weights:
    """The weights of one choice; inf, and no act, where a level does not keep a tensor."""
    problem, thinner = space.design.problem, Thinner(space, layout_of(space))
    shape = (len(space.keeps), len(problem.tensors))
    moved = np.full(shape, np.inf)
    packed, rounded = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    kept = [[tensor.name in keeps for tensor in problem.tensors] for keeps in space.keeps]
    for level, t in np.argwhere(kept).tolist():
        tensor = problem.tensors[t]
        moved[level, t] = thinner.weight(level, tensor) * thinner.at_work[t][level]
        packed[level, t], rounded[level, t] = thinner.stored(level, tensor), thinner.ends(level, t)
    sent, through, filled = (
        tuple(
            tuple(frozenset({acting(thinner, level, t, place)} if there else ()) for t, there in enumerate(here))
            for level, here in enumerate(kept)
        )
        for place in PLACES
    )
    busy, pj = _computes(space, thinner)
    return Weights(moved, moved, moved, (sent, through, filled), packed, busy, pj, rounded, thinner.idles)


def _computes(space: Space, thinner: Thinner) -> tuple[float, float]:
    """Of multiply-accumulates the share that takes a cycle, and what all of them take."""
    leaving, computes = (
        Leaving(space.design.problem),
        thinner.computes((open_still(space.design.problem),) * len(space.keeps)),
    )

    def least(shares: tuple[Share, ...]) -> float:
        return float(leaving.left(shares, {column: np.ones(()) for column in tiles_of(shares)}))

    busy, pj = (
        sum(number * least(column.shares) for column, number in form.items())
        for form in (computes.busy, computes.energy_pj)
    )
    return busy, pj
