"""Steps along a chain, which both directions take alike."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.chains.chain import MISSING, Chain
from crisp_hw.mapper.chains.labels import Labels

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Cut = Callable[[Labels], Labels]


@dataclass(frozen=True)
class Step:
    """What a level keeps, or its temporal or spatial loops."""

    level: int
    kind: Literal["keep", "temporal", "spatial"]


def steps_of(chain: Chain) -> tuple[Step, ...]:
    """From the outermost level's temporal loops to the lanes of the MACs; that level keeps all."""
    found = []
    for level in range(chain.top, -1, -1):
        found += [Step(level, "keep")] if level < chain.top else []
        found += [Step(level, "temporal"), Step(level, "spatial")]
    return tuple(found)


def placed(chain: Chain, extent: Ints, factors: tuple[int, ...], outward: bool) -> tuple[Ints, Bools]:
    """Extents with a factor of every dimension taken off or put on, and where that is possible."""
    found, there = extent.copy(), np.ones(len(extent), dtype=np.bool_)
    for dim, factor in enumerate(factors):
        if factor > 1:
            move = chain.moved(dim, factor, outward)[chain.place(extent, dim)]
            there &= move != MISSING
            found = found + move
    return found, there


def loops_of(
    chain: Chain,
    labels: Labels,
    allowed: tuple[Ints, ...],
    follows: Callable[[int, int], bool],
    outward: bool,
) -> Iterator[tuple[Labels, int, int, Ints]]:
    """Labels that can take one more loop: with its dimension, its bound, and the move of their extents."""
    masks = range(1 << len(chain.dims))
    for dim in range(len(chain.dims)):
        may = np.array([not mask >> dim & 1 and follows(mask, dim) for mask in masks])
        open_ones = labels.at(may[labels.mask])
        place = chain.place(open_ones.extent, dim)
        for factor in allowed[dim].tolist():
            if factor > 1:
                move = chain.moved(dim, factor, outward)[place]
                there = move != MISSING
                if there.any():
                    yield open_ones.at(there), dim, factor, move[there]
