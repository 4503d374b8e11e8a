"""What shares leave of the counts of a sparse design, by the sizes of the tiles that decide."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine import density
from crisp_hw.engine.tiling import projected_size
from crisp_hw.mapper.exact.columns import Column, Leader, Share
from crisp_hw.spec.patterns import Actual, FixedStructured, Hypergeometric
from crisp_hw.spec.problem import Problem

Floats = NDArray[np.float64]
Shares = tuple[Share, ...]


def tiles_of(shares: Shares) -> Iterator[Column]:
    """The extents of all tiles that decide."""
    for share in shares:
        for leaders in share.choices:
            for leader in leaders:
                yield from leader.tile


@dataclass(frozen=True)
class Leaving:
    """P(a tile is not empty) of the tensors of a problem, at least."""

    problem: Problem
    _known: dict[int, dict[int, float]] = field(default_factory=dict, repr=False)

    def left(self, shares: Shares, sizes: Mapping[Column, Floats]) -> Floats:
        """What all shares leave at least, with the extents of the tiles, float64[n] each."""
        found = np.ones(())
        for share in shares:
            least = np.ones(())
            for leaders in share.choices:
                here = np.ones(())
                for leader in leaders:
                    here = here * self._filled(leader, sizes)
                least = np.minimum(least, here)
            found = found * least
        return np.asarray(found)

    def _filled(self, leader: Leader, sizes: Mapping[Column, Floats]) -> Floats:
        words = np.ones(())
        for column in leader.tile:
            words = words * sizes[column]
        return self.filled(leader.tensor, words, len(leader.tile))

    def filled(self, tensor: int, words: Floats, ranks: int) -> Floats:
        """The least for a tile of so many words, float64[n], along so many ranks of a tensor."""
        match model := self.problem.tensors[tensor].density:
            case FixedStructured() | Hypergeometric():
                return self._by_words(tensor, words)
            case Actual():
                # of tiles that do not divide the mask, those at its rim hold less: at most half of each rank
                return np.full_like(words, model.density / 2**ranks)
            case _:
                return np.zeros_like(words)

    def _by_words(self, tensor: int, words: Floats) -> Floats:
        """Never falls as a tile grows: what is not in a part of a tile may be in the rest."""
        one = self.problem.tensors[tensor]
        known = self._known.setdefault(tensor, {})
        whole = int(projected_size(self.problem, one, self.problem.bounds))
        sizes, which = np.unique(words, return_inverse=True)
        if missing := [int(size) for size in sizes.tolist() if int(size) not in known]:
            tiles = np.array(missing, dtype=np.int64)
            assert isinstance(one.density, FixedStructured | Hypergeometric)
            empty = density.prob_empty(one.density, whole, np.minimum(tiles, whole))
            known.update(zip(missing, (1.0 - empty).tolist(), strict=True))
        return np.array([known[int(size)] for size in sizes.tolist()])[which].reshape(words.shape)
