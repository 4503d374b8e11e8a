"""What a tile of a patterned tensor holds: expected words and metadata, and the worst case that storage must hold.

Docs/model.md, section 5.3 (Timeloop: CalculateExpectedOccupancy, CalculateExpectedMetaDataAccesses).
"""

from dataclasses import dataclass

import numpy as np

from crisp_hw.engine.density import (
    Float,
    Int,
    largest_occupancy,
    prob_empty,
    prob_empty_given,
    smallest_occupancy,
    support,
)
from crisp_hw.engine.formats import ROUNDING, StoredRanks, Units, format_of, metadata_units
from crisp_hw.engine.tiling import Tiling, keeper_above
from crisp_hw.spec.problem import Tensor
from crisp_hw.spec.sparse import SparseSpec


@dataclass(frozen=True)
class Occupancy:
    """Expected content of a tile of one tensor in one level, float64[b] each.

    `nonempty` is the probability that the tile exists at all: where the parent holds metadata, empty tiles are never
    sent, and the other fields are conditioned on that. `largest_units` are the worst case that storage must hold.
    """

    words: Float
    density: Float
    nonempty: Float
    units: Units
    largest_words: Int
    largest_units: list[tuple[Int, Int]]


def expected_occupancy_of(
    tiling: Tiling, sparse: SparseSpec, ranks: StoredRanks, level: int, tensor: Tensor
) -> Occupancy:
    """Law of total probability over the occupancies of a tile (Timeloop: CalculateExpectedOccupancy)."""
    size = int(tiling.size_below(len(tiling.nest.loops), tensor)[0])
    tile, rows = tiling.tile(level, tensor), [tiling.tile(level, tensor), *ranks.fibers, *ranks.tiles]
    distinct, inverse = np.unique(np.stack(np.broadcast_arrays(*rows)), axis=1, return_inverse=True)
    count = len(ranks.fibers)
    small = StoredRanks(ranks.form, tuple(distinct[1 : 1 + count]), tuple(distinct[1 + count :]))
    parent = keeper_above(tiling.nest, level, tensor.name)
    aware = parent is not None and format_of(sparse, tiling.architecture.levels[parent].name, tensor.name) is not None
    words, nonempty, units = _expectations(tensor, size, distinct[0], small, aware)
    pick = inverse.ravel()
    largest = largest_occupancy(tensor.density, size, tile)
    worst = [] if ranks.form is None else _worst_units(tensor, size, distinct[0], small)
    return Occupancy(
        words=words[pick],
        density=words[pick] / tile,
        nonempty=nonempty[pick],
        units=[(m[pick], p[pick]) for m, p in units],
        largest_words=largest if ranks.form is not None else tile,
        largest_units=[(m[pick], p[pick]) for m, p in worst],
    )


def _expectations(tensor: Tensor, size: int, tile: Int, ranks: StoredRanks, aware: bool) -> tuple[Float, Float, Units]:
    """(words, P(nonempty), metadata units) of distinct tiles; `aware`: empty tiles are never delivered."""
    occupancy, probability = support(tensor.density, size, tile)
    can_be_empty = smallest_occupancy(tensor.density, size, tile) == 0
    empty = np.where(occupancy == 0, probability, 0.0).sum(axis=0)
    drop = can_be_empty & aware
    nonempty = np.where(drop, 1.0 - empty, 1.0)
    weight = np.where(drop & (occupancy == 0), 0.0, probability)
    weight = np.divide(weight, nonempty, out=np.zeros_like(weight), where=nonempty > 0)
    words = (weight * occupancy).sum(axis=0)
    if ranks.form is None:
        return words, nonempty, []
    given = [prob_empty_given(tensor.density, t, tile, occupancy) for t in (*ranks.below, tile)]
    units = metadata_units(ranks, given)
    return words, nonempty, [((weight * m).sum(axis=0), (weight * p).sum(axis=0)) for m, p in units]


def _worst_units(tensor: Tensor, size: int, tile: Int, ranks: StoredRanks) -> list[tuple[Int, Int]]:
    worst = largest_occupancy(tensor.density, size, tile)
    empties = [prob_empty_given(tensor.density, t, tile, worst) for t in (*ranks.below, tile)]
    units = metadata_units(ranks, empties)
    return [(np.ceil(m - ROUNDING).astype(np.int64), np.ceil(p - ROUNDING).astype(np.int64)) for m, p in units]


def unconditioned_empty(tiling: Tiling, tensor: Tensor, words: Int) -> Float:
    """P(a tile of so many words of the tensor is empty), knowing nothing else."""
    return prob_empty(tensor.density, int(tiling.size_below(len(tiling.nest.loops), tensor)[0]), words)
