"""Occupancy of a tile: how many nonzeros it holds, and how often none.

Tiles are int64[b] sizes in words; results are float64[b] or int64[b]. Fixed structure is computed wherever the arrays
lie, hypergeometric distributions on the host. A tile may be conditioned on a containing tile
with known occupancy. Formulas: docs/model.md, section 4 (Timeloop: src/workload/density-models).
"""

from functools import lru_cache
from math import ceil
from typing import Any, assert_never

import numpy as np

from crisp_hw.engine.arrays import Float, Int, floats, in_order, namespace, to_int
from crisp_hw.engine.arrays import ceil as ceiled
from crisp_hw.spec.patterns import BySize, FixedStructured, Hypergeometric

__all__ = ["Float", "Int", "in_order"]

UNSIGNED = 2.0**64  # Timeloop counts words in unsigned 64-bit integers
Wide = np.longdouble  # as Boost: 80 bits where the machine has them, so that Timeloop's counts follow to the last bit
SHORT_PRODUCT = 4096  # factors up to which P(empty) is multiplied out; beyond, log-gamma is as accurate and cheaper
TAIL_SIGMAS = 12.0  # P beyond 12 standard deviations is below 1e-31: nothing that a double sum can see
MOST_LOOKED_UP = 4096  # cases up to which each is looked up; of more, all are worked out at once
MOST_KNOWN = 2**18  # cases remembered: some tens of MB
FEW = 64  # tiles up to which the product over the tile, exact to the last bit, is also the cheaper one
KEPT_COLUMNS = 64  # tiles up to which each is looked up; of more, all are worked out at once
FEW_STEPS = 1_000_000  # likewise, occupancies x tile; beyond, the ratio of neighbours (1e-15 relative) is fast enough
TAIL_WORDS = 40.0  # the same for narrow distributions, whose tails are not yet Gaussian


def _as_float(value: Any) -> Float:
    """float64[...]: what the formulas above give, said to the type checker."""
    return np.asarray(value, dtype=np.float64)


def _not_negative(value: Float) -> Float:
    """A probability: 0 where the value is below."""
    found: Float = namespace(value).maximum(value, 0.0)
    return found


def nonzeros(density: BySize, size: int) -> int:
    """Nonzeros of a whole tensor of `size` words.

    >>> nonzeros(Hypergeometric(0.25), 10)
    3
    """
    return ceil(density.density * size)


def prob_empty(density: BySize, size: int, tile: Int) -> Float:
    """Probability that a tile holds no nonzero; `size` is the whole tensor in words.

    >>> prob_empty(FixedStructured(0.25), 64, np.array([1, 2, 4])).tolist()
    [0.75, 0.5, 0.0]
    """
    match density:
        case FixedStructured(d):
            return _not_negative(1.0 - floats(tile) * d)
        case Hypergeometric():
            return hypergeometric_empty(np.full_like(tile, size), np.full_like(tile, nonzeros(density, size)), tile)
    assert_never(density)


def prob_empty_given(density: BySize, tile: Int, outer: Int, occupancy: Int) -> Float:
    """The same inside an `outer` tile that is known to hold `occupancy` nonzeros; arrays broadcast.

    >>> prob_empty_given(Hypergeometric(0.5), np.array([1]), np.array([4]), np.array([3])).tolist()
    [0.25]
    """
    match density:
        case FixedStructured():
            return _not_negative(1.0 - floats(tile) * (floats(occupancy) / floats(outer)))
        case Hypergeometric():
            if occupancy.ndim == 1:
                return hypergeometric_empty(outer, occupancy, tile)
            tile, outer = (np.broadcast_to(each, occupancy.shape[1:]) for each in (tile, outer))
            exact = int(tile.max()) <= FEW or occupancy.size * int(tile.max()) <= FEW_STEPS
            if exact and len(tile) > KEPT_COLUMNS:
                return hypergeometric_empty(outer, occupancy, tile)
            column = _empty_column if exact else _empty_given_each
            columns = zip(tile.tolist(), outer.tolist(), occupancy.T, strict=True)
            return np.stack([column(n, t, k) for t, n, k in columns], axis=1)
    assert_never(density)


def _empty_column(size: int, tile: int, hits: Int) -> Float:
    """P(empty) for many numbers of hits in one tile, by the product; what was worked out before is remembered."""
    last = int(hits.max())
    first = int(hits[hits > 0].min()) if last else 1
    ladder = _empty_ladder(size, tile, first, max(last, first))
    return _as_float(np.where(hits == 0, 1.0, ladder[np.maximum(hits - first, 0)]))


@lru_cache(maxsize=4096)
def _empty_ladder(size: int, tile: int, first: int, last: int) -> Float:
    """The same for every number of hits from `first` to `last`."""
    hits = np.arange(first, last + 1, dtype=np.int64)
    return _empty_cases(np.stack([np.full_like(hits, size), np.minimum(hits, tile), np.maximum(hits, tile)]))


def _empty_given_each(size: int, tile: int, hits: Int) -> Float:
    """P(empty) for many numbers of hits at once, by the ratio (size - tile - k) / (size - k) of neighbours."""
    some = hits[hits > 0]
    if tile >= size or not len(some):
        return _as_float(hits == 0)
    first, last = int(some.min()), int(some.max())
    k = np.arange(first, last).astype(Wide)
    steps = np.maximum(size - tile - k, 0) / (size - k)
    start = _empty_wide(size, min(first, tile), max(first, tile))
    ladder = start * np.cumprod(np.concatenate([np.ones(1, Wide), steps]))
    return _as_float(np.where(hits == 0, 1.0, ladder[np.maximum(hits - first, 0)]))


def expected_occupancy(density: BySize, size: int, tile: Int) -> Float:
    """Mean number of nonzeros in a tile."""
    match density:
        case FixedStructured(d):
            return floats(tile) * d
        case Hypergeometric():
            return floats(tile) * (nonzeros(density, size) / size)
    assert_never(density)


def largest_occupancy(density: BySize, size: int, tile: Int) -> Int:
    """Worst-case number of nonzeros in a tile, which storage must hold.

    >>> largest_occupancy(FixedStructured(0.5), 64, np.array([3])).tolist()
    [2]
    """
    match density:
        case FixedStructured(d):
            return ceiled(floats(tile) * d)
        case Hypergeometric():
            fewer: Int = namespace(tile).minimum(tile, nonzeros(density, size))
            return fewer
    assert_never(density)


def smallest_occupancy(density: BySize, size: int, tile: Int) -> Float:
    """Fewest nonzeros that Timeloop believes a tile to hold, float64[b], as its 64-bit machine computes them.

    GetMinTileDensity subtracts unsigned numbers: a part of a tensor that cannot be empty gets 2^64 nonzeros or a few
    thousand less. The former turns into 0, the latter is more than any tile holds, so that the tile counts as empty.

    >>> smallest_occupancy(Hypergeometric(0.5), 8, np.array([3, 6, 8])).tolist()
    [0.0, 0.0, 4.0]
    """
    match density:
        case FixedStructured(d):
            share = namespace(tile).floor(floats(tile) * d) / floats(tile)
        case Hypergeometric():
            hit = nonzeros(density, size)
            wrapped = (tile - size).astype(np.uint64).astype(np.float64)
            share = np.where(tile <= size - hit, 0.0, (wrapped + hit) / tile)
        case _:
            assert_never(density)
    xp = namespace(tile)
    words = xp.floor(share * floats(tile))
    fewest: Float = xp.where(words >= UNSIGNED, xp.zeros_like(words), words)
    return fewest


def support(density: BySize, size: int, tile: Int) -> tuple[Int, Float]:
    """Occupancies with their probabilities, [K, b] each: every k that a double-precision sum can notice.

    Columns are padded with probability 0; occupancy 0 is in the list whenever it is possible.
    """
    match density:
        case FixedStructured(d):
            xp, mean = namespace(tile), floats(tile) * d
            low = xp.floor(mean)
            share = mean - low
            return to_int(xp.stack([low, xp.ceil(mean)])), xp.stack([1.0 - share, share])
        case Hypergeometric():
            hit = nonzeros(density, size)
            return padded([_hypergeometric_support(size, hit, int(n)) for n in tile])
    assert_never(density)


def padded(columns: list[tuple[Int, Float]]) -> tuple[Int, Float]:
    """Columns (occupancies [k], probabilities [k]) of different lengths side by side, [K, b]; the rest is 0."""
    rows = max(len(k) for k, _ in columns)
    occupancy, probability = np.zeros((rows, len(columns)), dtype=np.int64), np.zeros((rows, len(columns)))
    for column, (k, p) in enumerate(columns):
        occupancy[: len(k), column], probability[: len(k), column] = k, p
    return occupancy, probability


@lru_cache(maxsize=4096)
def _hypergeometric_support(size: int, hit: int, tile: int) -> tuple[Int, Float]:
    """P(k) of every k that matters, by the ratios of neighbours from the likeliest k outwards; correctly rounded."""
    low, high = max(0, tile + hit - size), min(tile, hit)
    mean = tile * hit / size
    spread = TAIL_SIGMAS * np.sqrt(mean * (1 - hit / size) * (size - tile) / max(size - 1, 1)) + TAIL_WORDS
    first, last = max(low, int(mean - spread)), min(high, int(mean + spread))
    k = np.arange(first, last + 1, dtype=np.int64)
    x = k.astype(Wide)
    ratio = (hit - x[:-1]) * (tile - x[:-1]) / (x[1:] * (size - hit - tile + x[1:]))
    peak = int(np.searchsorted(-ratio, -1.0))
    rising, falling = np.cumprod(1.0 / ratio[:peak][::-1])[::-1], np.cumprod(ratio[peak:])
    wide = np.concatenate([rising, np.ones(1, Wide), falling])
    p = (wide / wide.sum()).astype(np.float64)
    if low == 0 < first:
        empty = hypergeometric_empty(np.array([size]), np.array([hit]), np.array([tile]))
        return np.concatenate([[0], k]), np.concatenate([empty, p])
    return k, p


def hypergeometric_empty(size: Int, hit: Int, tile: Int) -> Float:
    """P(no hit among `tile` draws without replacement from `size` words of which `hit` are nonzero); broadcasts.

    >>> hypergeometric_empty(np.array([4]), np.array([2]), np.array([2])).round(12).tolist()
    [0.166666666667]
    """
    size, hit, tile = np.broadcast_arrays(size, hit, tile)
    rows = np.stack([size.ravel(), np.minimum(hit, tile).ravel(), np.maximum(hit, tile).ravel()])
    if rows.shape[1] > MOST_LOOKED_UP:
        return _empty_cases(rows).reshape(size.shape)
    keys, known = list(zip(*rows.tolist(), strict=True)), _known_cases()
    missing = list(dict.fromkeys(key for key in keys if key not in known))
    if missing:
        if len(known) > MOST_KNOWN:
            known.clear()
            missing = list(dict.fromkeys(keys))
        known.update(zip(missing, _empty_cases(np.array(missing, dtype=np.int64).T).tolist(), strict=True))
    return np.array([known[key] for key in keys]).reshape(size.shape)


@lru_cache(maxsize=1)
def _known_cases() -> dict[tuple[int, ...], float]:
    """P(empty) of the cases that were worked out before: a search asks for the same ones over and over."""
    return {}


def _empty_cases(rows: Int) -> Float:
    """P(empty) of cases (size, fewer, more), int64[3, n]; each has one value, whichever are worked out together."""
    few = int(rows[1].max(initial=0))
    if rows.shape[1] <= 8 or few > SHORT_PRODUCT:
        return np.array([_empty(int(n), int(a), int(b)) for n, a, b in rows.T])
    return _empty_products(rows, few)


def _empty_products(rows: Int, few: int) -> Float:
    """The product formula for many short cases at once: one factor of all of them per step."""
    size, few_hits, many = rows
    p = (few_hits + many <= size).astype(Wide)
    above, below = (size - many).astype(Wide), size.astype(Wide)
    for i in range(few):
        live = few_hits > i
        np.multiply(p, above, out=p, where=live)
        np.divide(p, below, out=p, where=live)
        above -= 1.0
        below -= 1.0
    return np.where(few_hits == 0, 1.0, p + 0.0).astype(np.float64)


def _empty(size: int, few: int, many: int) -> float:
    """One case: C(size - many, few) / C(size, few)."""
    return float(_empty_wide(size, few, many))


@lru_cache(maxsize=65536)
def _empty_wide(size: int, few: int, many: int) -> Any:
    """The same before the last rounding: by product (in the order of `_empty_products`) or by log-gamma."""
    if few == 0 or few + many > size:
        return Wide(few == 0)
    if few <= SHORT_PRODUCT:
        p = Wide(1.0)
        factors = (np.arange(first, first - few, -1).astype(Wide) for first in (size - many, size))
        for above, below in zip(*factors, strict=True):
            p = p * above / below
        return p
    n, a, b = size, few, many
    terms = [_log_factorial(count) for count in (n - b, n - b - a, n, n - a)]
    return np.exp(terms[0] - terms[1] - terms[2] + terms[3])


def _log_factorial(count: int) -> Any:
    """ln count! by Stirling's series; small counts are shifted up to where its error is below 1e-16.

    In extended precision: the four terms of `_empty_wide` are as large as 1e9 and cancel down to about 1.
    """
    shift, z = Wide(0.0), Wide(count + 1)
    while z < 16:
        shift, z = shift - np.log(z), z + 1
    series = 1 / (12 * z) - 1 / (360 * z**3) + 1 / (1260 * z**5) - 1 / (1680 * z**7) + 1 / (1188 * z**9)
    return shift + (z - Wide(0.5)) * np.log(z) - z + np.log(8 * np.arctan(Wide(1.0))) / 2 + series


def largest_in_fiber(density: BySize, size: int, fiber: Int, element: Int) -> Int:
    """Most nonempty elements that a fiber can hold: min(fiber / element, its largest occupancy) (MaxNumElement)."""
    most: Int = namespace(fiber).minimum(fiber // element, largest_occupancy(density, size, fiber))
    return most
