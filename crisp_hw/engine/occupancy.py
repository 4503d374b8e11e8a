"""What a tile of a patterned tensor holds: expected words and metadata, and the worst case that storage must hold.

Docs/model.md, section 5.3 (Timeloop: CalculateExpectedOccupancy, CalculateExpectedMetaDataAccesses).
"""

from dataclasses import dataclass

import numpy as np

from crisp_hw.engine.content import (
    largest_occupancy,
    prob_empty,
    prob_empty_given,
    shape_of,
    smallest_occupancy,
    support,
)
from crisp_hw.engine.density import Float, Int, in_order
from crisp_hw.engine.formats import StoredRanks, Units, format_of, metadata_units
from crisp_hw.engine.tiling import Tile, Tiling, keeper_above
from crisp_hw.spec.dialect import Rules
from crisp_hw.spec.patterns import Banded, FixedStructured
from crisp_hw.spec.problem import FULL, Tensor
from crisp_hw.spec.sparse import SparseSpec


@dataclass(frozen=True)
class Occupancy:
    """Expected content of a tile (`tile` words, zeros counted) of one tensor in one level, float64[b] each.

    `nonempty` is the probability that the tile exists at all: where the parent holds metadata, empty tiles are never
    sent, and the other fields are conditioned on that. `largest_units` are the worst case that storage must hold.
    """

    tile: Int
    words: Float
    density: Float
    nonempty: Float
    units: Units
    largest_words: Int
    largest_units: Units


def expected_occupancy_of(
    tiling: Tiling, sparse: SparseSpec, ranks: StoredRanks, level: int, tensor: Tensor
) -> Occupancy:
    """Law of total probability over the occupancies of a tile (Timeloop: CalculateExpectedOccupancy).

    A level that packs nonzeros into its lanes takes every tile, empty or not, and holds the metadata of the mean tile
    (D2: seen in reference outputs).
    """
    size, tile = tiling.size(tensor), tiling.tile_below(tiling.ends[level], tensor)
    if ranks.form is None and tensor.density == FULL:
        return _full(tile)
    first, inverse = _distinct(tensor, tile, ranks)
    distinct, small = tile.at(first), ranks.at(first)
    parent = keeper_above(tiling.nest, level, tensor.name)
    hardware = tiling.architecture.levels
    packs = sparse.packs(hardware[level].name)
    aware = not packs and parent is not None and format_of(sparse, hardware[parent].name, tensor.name) is not None
    words, nonempty, units = _expectations(tensor, size, distinct, small, (aware, tiling.rules))
    if packs and ranks.form is not None:
        units = _mean_units(tensor, size, distinct, small, tiling.rules)
    pick = inverse
    largest = largest_occupancy(tensor.density, size, tile)
    worst = [] if ranks.form is None else _worst_units(tensor, size, distinct, small, tiling.rules)
    return Occupancy(
        tile=tile.words,
        words=words[pick],
        density=words[pick] / tile.words,
        nonempty=nonempty[pick],
        units=[(m[pick], p[pick]) for m, p in units],
        largest_words=largest if ranks.form is not None else tile.words,
        largest_units=[(m[pick], p[pick]) for m, p in worst],
    )


def _full(tile: Tile) -> Occupancy:
    """A tile without zeros and without metadata: nothing is left to chance."""
    words, certain = tile.words.astype(np.float64), np.ones(len(tile.words))
    return Occupancy(tile.words, words, certain, certain, [], tile.words, [])


def _distinct(tensor: Tensor, tile: Tile, ranks: StoredRanks) -> tuple[Int, Int]:
    """Indices of mappings whose tiles differ, and which of them each mapping equals; all, where that is cheap."""
    every = np.arange(len(tile.words))
    if len(every) == 1 or isinstance(tensor.density, FixedStructured):
        return every, every
    rows = [tile.words, *ranks.fibers, *ranks.tiles]
    if shape_of(tensor.density) is not None or isinstance(tensor.density, Banded):
        rows += [extent for extents in (tile.extents, *ranks.extents) for extent in extents]
    _, first, inverse = np.unique(np.stack(np.broadcast_arrays(*rows)), axis=1, return_index=True, return_inverse=True)
    return first, inverse.ravel()


def _expectations(
    tensor: Tensor, size: int, tile: Tile, ranks: StoredRanks, how: tuple[bool, Rules]
) -> tuple[Float, Float, Units]:
    """(words, P(nonempty), metadata units) of distinct tiles; `how`: are empty tiles never delivered, and the rules."""
    aware, rules = how
    occupancy, probability = support(tensor.density, size, tile)
    least = smallest_occupancy(tensor.density, size, tile)
    # Timeloop drops the first occupancy that is possible, which is not 0 where its `least` is wrong
    drop = aware & (least == 0)
    nonempty = np.where(drop, 1.0 - probability[0], 1.0)
    possible = (nonempty > 0) & (least <= tile.words)
    weight = np.divide(probability, nonempty, out=np.zeros_like(probability), where=possible)
    weight[0] = np.where(drop, 0.0, weight[0])
    words = in_order(weight * occupancy)
    if ranks.form is None:
        return words, nonempty, []
    given = [prob_empty_given(tensor.density, t, tile, occupancy) for t in (*ranks.below, tile)]
    units = metadata_units(ranks, given, rules)
    return words, nonempty, [(in_order(weight * m), in_order(weight * p)) for m, p in units]


def _mean_units(tensor: Tensor, size: int, tile: Tile, ranks: StoredRanks, rules: Rules) -> Units:
    return metadata_units(ranks, [prob_empty(tensor.density, size, t) for t in (*ranks.below, tile)], rules)


def _worst_units(tensor: Tensor, size: int, tile: Tile, ranks: StoredRanks, rules: Rules) -> Units:
    worst = largest_occupancy(tensor.density, size, tile)
    empties = [prob_empty_given(tensor.density, t, tile, worst) for t in (*ranks.below, tile)]
    return metadata_units(ranks, empties, rules)


def unconditioned_empty(tiling: Tiling, tensor: Tensor, tile: Tile) -> Float:
    """P(a tile of the tensor is empty), knowing nothing else."""
    return prob_empty(tensor.density, tiling.size(tensor), tile)
