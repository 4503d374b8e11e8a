"""What a tile of a patterned tensor holds, whatever the density model: by size (`density`) or by shape.

Tiles are batches, results [b]. Statistical models look at the words of a tile, those by shape at its extents. `size` is
the whole tensor in words. Docs/model.md, section 4 and "Masks as data".
"""

from collections.abc import Callable
from functools import lru_cache
from math import isqrt
from typing import assert_never

import numpy as np

from crisp_hw.engine import actual, banded, closed, density
from crisp_hw.engine.arrays import ceil, distinct, floats, like, namespace, on_host, to_int
from crisp_hw.engine.tiling import Float, Int, Tile
from crisp_hw.spec.patterns import (
    Actual,
    Banded,
    ByShape,
    Density,
    FixedStructured,
    HybridBlocks,
    Hypergeometric,
    PatternedLines,
)
from crisp_hw.spec.problem import Tensor

Extents = tuple[int, ...]


def prob_empty(model: Density, size: int, tile: Tile) -> Float:
    """Probability that a tile holds no nonzero: the share of empty tiles of an `Actual`."""
    match model:
        case FixedStructured():
            return density.prob_empty(model, size, tile.words)
        case Hypergeometric():
            if tile.words.__class__ is np.ndarray and len(tile.words) <= density.MOST_LOOKED_UP:
                return density.prob_empty(model, size, tile.words)  # which looks up what it knows, one by one
            first, which = distinct([tile.words])
            empty: Float = like(density.prob_empty(model, size, on_host(tile.words[first])), tile.words)[which]
            return empty
        case Banded(width):
            side = isqrt(size)
            return _each(tile, lambda one: float(banded.histogram(width, side, _inside(side, one))[1][0]))
        case Actual() | HybridBlocks() | PatternedLines():
            return _each(tile, lambda one: _share_empty(model, _within(model, one)))
    assert_never(model)


def prob_empty_given(model: Density, tile: Tile, outer: Tile, occupancy: Int) -> Float:
    """The same inside an `outer` tile that is known to hold `occupancy` ([b] or [K, b]) nonzeros.

    An occupancy that no tile of an `Actual` has (padding of `support`) counts as the nearest one above; one that is
    less likely than 1e-30, of a closed form, likewise.
    """
    match model:
        case FixedStructured() | Hypergeometric():
            return density.prob_empty_given(model, tile.words, outer.words, occupancy)
        case Banded() | Actual() | HybridBlocks() | PatternedLines():
            columns = occupancy[None] if occupancy.ndim == 1 else occupancy
            pairs = zip(tile.columns(columns.shape[1]), outer.columns(columns.shape[1]), columns.T, strict=True)
            found = np.stack([_given(model, inner, whole, held) for inner, whole, held in pairs], axis=1)
            return found[0] if occupancy.ndim == 1 else found
    assert_never(model)


def expected_occupancy(model: Density, size: int, tile: Tile) -> Float:
    """Mean number of nonzeros in a tile."""
    match model:
        case FixedStructured() | Hypergeometric():
            return density.expected_occupancy(model, size, tile.words)
        case Banded(width):
            return floats(tile.words) * (banded.nonzeros(width, isqrt(size)) / size)
        case Actual() | HybridBlocks() | PatternedLines():
            return _each(tile, lambda one: _mean(model, _within(model, one)))
    assert_never(model)


def mean_density(tensor: Tensor, size: int) -> float:
    """Expected nonzeros of one word of a tensor of `size` words."""
    word = np.ones(1, dtype=np.int64)
    return float(expected_occupancy(tensor.density, size, Tile(word, (word,) * len(tensor.ranks)))[0])


def largest_occupancy(model: Density, size: int, tile: Tile) -> Int:
    """Worst-case number of nonzeros in a tile: the fullest one of an `Actual`."""
    match model:
        case FixedStructured() | Hypergeometric():
            return density.largest_occupancy(model, size, tile.words)
        case Banded(width):
            side = isqrt(size)
            return to_int(_each(tile, lambda one: int(banded.histogram(width, side, _inside(side, one))[0][-1])))
        case Actual() | HybridBlocks() | PatternedLines():
            return to_int(_each(tile, lambda one: _extremes(model, _within(model, one))[1]))
    assert_never(model)


def fullest_at_least(model: Density, size: int, words: Int) -> Int:
    """Nonzeros that the fullest tile of `words` words holds at least, whatever its shape.

    Exact where a tile's words alone decide; else the mean, which the fullest tile reaches. It grows with `words`.

    >>> fullest_at_least(Hypergeometric(0.5), 8, np.array([2, 6])).tolist()
    [2, 4]
    """
    match model:
        case FixedStructured() | Hypergeometric():
            return density.largest_occupancy(model, size, words)
        case Banded(width):
            mean = banded.nonzeros(width, isqrt(size)) / size
        case Actual() | HybridBlocks() | PatternedLines():
            mean = model.density
        case _:
            assert_never(model)
    return ceil(floats(words) * (mean * (1 - 1e-9)))  # a rounding error must not count a word that is not there


def smallest_occupancy(model: Density, size: int, tile: Tile) -> Float:
    """Fewest nonzeros of a tile; with statistical models what Timeloop believes, quirks included."""
    match model:
        case FixedStructured() | Hypergeometric():
            return density.smallest_occupancy(model, size, tile.words)
        case Banded():
            return np.zeros(tile.words.shape)
        case Actual() | HybridBlocks() | PatternedLines():
            return _each(tile, lambda one: _extremes(model, _within(model, one))[0])
    assert_never(model)


def support(model: Density, size: int, tile: Tile) -> tuple[Int, Float]:
    """Occupancies with their probabilities, [K, b] each, columns padded with probability 0 (`density.support`)."""
    match model:
        case FixedStructured() | Hypergeometric():
            return density.support(model, size, tile.words)
        case Banded(width):
            side = isqrt(size)
            return density.padded([banded.support(width, side, _inside(side, one)) for one in tile.columns()])
        case Actual() | HybridBlocks() | PatternedLines():
            return density.padded([_histogram(model, _within(model, one)) for one in tile.columns()])
    assert_never(model)


def largest_in_fiber(model: Density, size: int, fiber: Tile, element: Tile) -> Int:
    """Most nonempty elements that a fiber can hold; exact for an `Actual`, else a bound (*MaxNumElement*)."""
    match model:
        case FixedStructured() | Hypergeometric():
            return density.largest_in_fiber(model, size, fiber.words, element.words)
        case HybridBlocks() | PatternedLines():
            full = largest_occupancy(model, size, fiber)
            most: Int = namespace(full).minimum(fiber.words // element.words, full)
            return most
        case Banded() | Actual():
            first, which = distinct([*fiber.extents, *element.extents])
            pairs = zip(fiber.at(first).columns(), element.at(first).columns(), strict=True)
            exact = [_most_nonempty(model, isqrt(size), *pair) for pair in pairs]
            spread: Int = like(np.array(exact, dtype=np.int64), fiber.words)[which]
            return spread
    assert_never(model)


def _most_nonempty(model: Banded | Actual, side: int, fiber: Extents, element: Extents) -> int:
    match model:
        case Banded(width):
            return int(banded.largest_in_fiber(width, side, fiber, element))
        case Actual():
            return int(actual.most_nonempty(model, *_nested(model, fiber, element)))
    assert_never(model)


def shape_of(model: Density) -> Extents | None:
    """The tensor that a density belongs to, in words along each rank; None where it fits any."""
    match model:
        case FixedStructured() | Hypergeometric() | Banded():
            return None
        case Actual() | HybridBlocks() | PatternedLines():
            return model.shape
    assert_never(model)


def _each(tile: Tile, value: Callable[[Extents], float]) -> Float:
    """A value of every tile of a batch; equal tiles are asked for once."""
    first, which = distinct(list(tile.extents))
    found = np.array([value(column) for column in tile.at(first).columns()], dtype=np.float64)
    spread: Float = like(found, tile.words)[which]
    return spread


def _inside(side: int, extents: Extents) -> Extents:
    """The same for a square matrix."""
    return tuple(min(extent, side) for extent in extents)


def _within(model: ByShape, extents: Extents) -> Extents:
    """A tile of a SAF may reach beyond the tensor, where there is nothing."""
    return tuple(min(extent, length) for extent, length in zip(extents, model.shape, strict=True))


def _nested(model: ByShape, outer: Extents, inner: Extents) -> tuple[Extents, Extents]:
    whole = _within(model, outer)
    return whole, tuple(min(part, extent) for part, extent in zip(inner, whole, strict=True))


def _histogram(model: ByShape, extents: Extents) -> tuple[Int, Float]:
    match model:
        case Actual():
            return actual.histogram(model, extents)
        case HybridBlocks() | PatternedLines():
            return closed.histogram(model, extents)
    assert_never(model)


def _extremes(model: ByShape, extents: Extents) -> tuple[int, int]:
    match model:
        case Actual():
            occupancy, _ = actual.histogram(model, extents)
            return int(occupancy[0]), int(occupancy[-1])
        case HybridBlocks() | PatternedLines():
            return closed.extremes(model, extents)
    assert_never(model)


def _share_empty(model: ByShape, extents: Extents) -> float:
    occupancy, probability = _histogram(model, extents)
    return float(probability[0]) if occupancy[0] == 0 else 0.0


def _mean(model: ByShape, extents: Extents) -> float:
    occupancy, probability = _histogram(model, extents)
    return float(density.in_order(occupancy * probability))


def _given(model: Banded | ByShape, inner: Extents, outer: Extents, held: Int) -> Float:
    if isinstance(model, Banded):
        return banded.empty_given(model.band_width, inner, outer, held)
    whole, part = _nested(model, outer, inner)
    known, empty = _known(model, whole, part)
    return empty[np.minimum(np.searchsorted(known, held), len(known) - 1)]


@lru_cache(maxsize=65536)
def _known(model: ByShape, outer: Extents, inner: Extents) -> tuple[Int, Float]:
    """Occupancies of the outer tile, and P(inner tile is empty) for each."""
    known, _ = _histogram(model, outer)
    match model:
        case Actual():
            return known, actual.empty_given(model, inner, outer)
        case HybridBlocks() | PatternedLines():
            return known, closed.empty_given(model, inner, outer)
    assert_never(model)
