"""What a tile of a patterned tensor holds: expected words and metadata, and the worst case that storage must hold.

Docs/model.md, section 5.3 (Timeloop: CalculateExpectedOccupancy, CalculateExpectedMetaDataAccesses).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

import numpy as np

from crisp_hw.engine.arrays import Float, Int, distinct, floats, in_order, like, namespace, on_host, ratio
from crisp_hw.engine.content import (
    expected_occupancy,
    largest_occupancy,
    prob_empty,
    prob_empty_given,
    shape_of,
    smallest_occupancy,
    support,
)
from crisp_hw.engine.formats import StoredRanks, format_of
from crisp_hw.engine.metadata import Units, metadata_units
from crisp_hw.engine.tiling import Tile, Tiling, keeper_above
from crisp_hw.spec.dialect import Rules
from crisp_hw.spec.patterns import Actual, Banded, ByShape, Density, FixedStructured
from crisp_hw.spec.problem import FULL, Tensor
from crisp_hw.spec.sparse import SparseSpec, TensorFormat

MOST_KNOWN = 65536  # tiles remembered per density and format: some tens of MB
Key = tuple[int, ...]
Column = Float | Int


def _none() -> Units:
    return []


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
    worst: Callable[[], Units] = field(default=_none, repr=False)

    @cached_property
    def largest_units(self) -> Units:
        """Worked out where it is asked for: only levels of finite size must hold the worst case."""
        return self.worst()


@dataclass(frozen=True)
class _How:
    """What decides about a tile's content beside its size: `aware` of empty tiles, which are then never delivered."""

    size: int
    aware: bool
    packs: bool
    rules: Rules


def expected_occupancy_of(
    tiling: Tiling, sparse: SparseSpec, ranks: StoredRanks, level: int, tensor: Tensor
) -> Occupancy:
    """Law of total probability over the occupancies of a tile (Timeloop: CalculateExpectedOccupancy).

    A level that packs nonzeros of a tensor into its lanes takes every tile of it, empty or not, each of them with the
    metadata of one that is not empty (D2: seen in recorded runs).
    """
    tile = tiling.tile_below(tiling.ends[level], tensor)
    if ranks.form is None and tensor.density == FULL:
        return Occupancy(tile.words, floats(tile.words), tiling.certain, tiling.certain, [], tile.words)
    parent = keeper_above(tiling.nest, level, tensor.name)
    hardware = tiling.architecture.levels
    packs = sparse.packs(hardware[level].name, tensor.name)
    aware = not packs and parent is not None and format_of(sparse, hardware[parent].name, tensor.name) is not None
    how = _How(tiling.size(tensor), aware, packs, tiling.rules)
    if isinstance(tensor.density, FixedStructured):
        return _measured(tensor, tile, ranks, how)
    # a batch has far fewer tile sizes than mappings, and a distribution is dear: each tile that differs is worked out
    # once, and remembered for the batches to come
    rows = [tile.words, *ranks.fibers, *ranks.tiles]
    if isinstance(tensor.density, Banded) or shape_of(tensor.density) is not None:
        rows += chain(tile.extents, *ranks.extents)
    first, which = distinct([row for row in rows if row is not tiling.ones] or [tiling.ones])
    small, few = tile.at(first), ranks.at(first)
    keys = list(zip(*(on_host(row[first]).tolist() for row in rows), strict=True))
    return _handed_out(_remembered(tensor, (small, few), keys, how), tile.words, which)


def _measured(tensor: Tensor, tile: Tile, ranks: StoredRanks, how: _How) -> Occupancy:
    """The content of tiles one by one."""
    expected = _expectations if how.rules.content_by_cases else _mean_content
    words, nonempty, units = expected(tensor, tile, ranks, how)
    density = words / floats(tile.words)
    if ranks.form is None:
        return Occupancy(tile.words, words, density, nonempty, units, tile.words)
    if how.packs:
        units = _mean_units(tensor, tile, ranks, how)
    largest = largest_occupancy(tensor.density, how.size, tile)
    worst = lambda: _worst_units(tensor, tile, ranks, how)  # noqa: E731
    return Occupancy(tile.words, words, density, nonempty, units, largest, worst)


def _remembered(tensor: Tensor, tiles: tuple[Tile, StoredRanks], keys: list[Key], how: _How) -> Occupancy:
    """The content of tiles that differ: what another batch asked for already is looked up.

    `keys` hold all that decides about each tile.
    """
    tile, ranks = tiles

    def content(rows: Int) -> list[Column | None]:
        found = _measured(tensor, tile.at(rows), ranks.at(rows), how)
        return [found.words, found.density, found.nonempty, found.largest_words, *chain(*found.units)]

    def worst(rows: Int) -> list[Column | None]:
        return list(chain(*_worst_units(tensor, tile.at(rows), ranks.at(rows), how)))

    what = (tensor.density, ranks.form, how, ranks.counted)
    words, density, nonempty, largest, *units = _looked_up(_known(*what, "content"), keys, content)
    assert words is not None and density is not None and nonempty is not None and largest is not None
    lazy = lambda: _paired(_looked_up(_known(*what, "worst"), keys, worst))  # noqa: E731
    return Occupancy(tile.words, words, density, nonempty, _paired(units), largest, lazy)


def _paired(columns: list[Any]) -> Units:
    return list(zip(columns[::2], columns[1::2], strict=True))


@lru_cache(maxsize=256)
def _known(density: Density, form: TensorFormat | None, how: _How, counted: int, what: str) -> dict[Key, list[Any]]:
    """What is known already of tiles with this density in this format."""
    return {}


def _looked_up(known: dict[Key, list[Any]], keys: list[Key], work: Callable[[Int], list[Column | None]]) -> list[Any]:
    """Columns of all keys; `work` makes those of the places that are asked for, None where there is none at all."""
    if len(known) > MOST_KNOWN:
        known.clear()
    missing = [place for place, key in enumerate(keys) if key not in known]
    if missing:
        columns = work(np.array(missing))
        new = zip(*([None] * len(missing) if each is None else each.tolist() for each in columns), strict=True)
        known.update(zip((keys[place] for place in missing), map(list, new), strict=True))
    rows = [known[key] for key in keys]
    return [_column(each) for each in zip(*rows, strict=True)]


def _column(values: Sequence[Any]) -> Column | None:
    """Units of a rank that spans nothing in some of the tiles are 0 there; of one that never does there are none."""
    if None not in values:
        return np.array(values)
    there = any(value is not None for value in values)
    return np.array([0.0 if value is None else value for value in values]) if there else None


def _handed_out(few: Occupancy, tile: Int, which: Int) -> Occupancy:
    """The content of tiles that differ, handed to every mapping that has one of them."""

    def each(value: Float | Int) -> Float:
        found: Float = like(value, tile)[which]
        return found

    def every(units: Units) -> Units:
        return [(None if m is None else each(m), None if p is None else each(p)) for m, p in units]

    words, density, nonempty = each(few.words), each(few.density), each(few.nonempty)
    largest: Int = like(few.largest_words, tile)[which]
    return Occupancy(tile, words, density, nonempty, every(few.units), largest, lambda: every(few.largest_units))


def _expectations(tensor: Tensor, tile: Tile, ranks: StoredRanks, how: _How) -> tuple[Float, Float, Units]:
    """(words, P(nonempty), metadata units) of tiles."""
    xp = namespace(tile.words)
    occupancy, probability = support(tensor.density, how.size, tile)
    least = smallest_occupancy(tensor.density, how.size, tile)
    none, first = xp.zeros_like(least), probability[0, ...]
    # empty tiles are never sent where the parent holds metadata, so the average is over those that are not empty
    # Timeloop drops the first occupancy that is possible, which is not 0 where its `least` is wrong
    if how.aware:
        drop = least == 0
        nonempty = xp.where(drop, 1.0 - first, xp.ones_like(first))
        possible = (nonempty > 0) & (least <= floats(tile.words))
        weight = xp.where(possible, probability / xp.where(possible, nonempty, xp.ones_like(first)), none)
        weight = xp.concat([xp.where(drop, none, weight[0, ...])[None, ...], weight[1:, ...]])
    else:
        nonempty = xp.ones_like(first)
        weight = xp.where(least <= floats(tile.words), probability, none)
    words = in_order(weight * floats(occupancy))
    if isinstance(tensor.density, Actual):  # shares that were counted: their sum exceeds the tile by rounding alone
        words = xp.minimum(words, floats(tile.words))
    if ranks.form is None:
        return words, nonempty, []
    given = [prob_empty_given(tensor.density, t, tile, occupancy) for t in _nested(ranks, tile)]
    units = metadata_units(ranks, given, _coordinates(tensor.density, how.rules))
    return words, nonempty, [(_mean(weight, m), _mean(weight, p)) for m, p in units]


def _nested(ranks: StoredRanks, tile: Tile) -> tuple[Tile, ...]:
    """The tiles below the ranks that are counted, and the one that holds them all: the whole tile at the top."""
    nested = ranks.below
    return (*nested[:-1], tile) if ranks.counted == len(ranks.fibers) else nested


def _mean(weight: Float, units: Float | None) -> Float | None:
    return None if units is None else in_order(weight * units)


def _mean_content(tensor: Tensor, tile: Tile, ranks: StoredRanks, how: _How) -> tuple[Float, Float, Units]:
    """The same of the mean tile, or of the mean one that is not empty (D10)."""
    words = expected_occupancy(tensor.density, how.size, tile)
    nonempty = namespace(words).ones_like(words)
    if how.aware:
        nonempty = 1.0 - prob_empty(tensor.density, how.size, tile)
        words = namespace(words).minimum(ratio(words, nonempty, 0.0), floats(tile.words))
    return words, nonempty, [] if ranks.form is None else _mean_units(tensor, tile, ranks, how)


def _mean_units(tensor: Tensor, tile: Tile, ranks: StoredRanks, how: _How) -> Units:
    """Metadata of the mean tile; of the mean one that is not empty where those alone have any."""
    empties = [prob_empty(tensor.density, how.size, t) for t in _nested(ranks, tile)]
    units = metadata_units(ranks, empties, how.rules)
    if not how.aware and not how.packs:
        return units
    some = 1.0 - prob_empty(tensor.density, how.size, tile)
    return [(_share_of(m, some), _share_of(p, some)) for m, p in units]


def _share_of(units: Float | None, some: Float) -> Float | None:
    return None if units is None else ratio(units, some, 0.0)


def _worst_units(tensor: Tensor, tile: Tile, ranks: StoredRanks, how: _How) -> Units:
    worst = largest_occupancy(tensor.density, how.size, tile)
    empties = [prob_empty_given(tensor.density, t, tile, worst) for t in _nested(ranks, tile)]
    return metadata_units(ranks, empties, _coordinates(tensor.density, how.rules))


def _coordinates(density: Density, rules: Rules) -> Rules:
    """How coordinates are counted: all that there are, where it is known which fibers hold how many.

    HEAD rounds the mean over all fibers up, empty ones included, and charges it to those that are not empty. A mask
    whose blocks, or groups of an outer rank, leave fibers empty would have fewer coordinates than nonzeros.
    """
    return replace(rules, whole_coordinates=False) if isinstance(density, ByShape) else rules


def unconditioned_empty(tiling: Tiling, tensor: Tensor, tile: Tile) -> Float:
    """P(a tile of the tensor is empty), knowing nothing else."""
    return prob_empty(tensor.density, tiling.size(tensor), tile)
