"""Distributions of whole numbers that lie a fixed step apart: sums, powers, mixtures and draws of them."""

from dataclasses import dataclass, field
from functools import lru_cache
from math import comb, gcd

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]
Float = NDArray[np.float64]
Group = tuple[int, int, int]
"""Of one group of columns: real width, columns inside the tile, those of them that must be zero (the hole)."""


def _one() -> Float:
    return np.ones(1)


@dataclass(frozen=True, eq=False)
class Distribution:
    """`mass[i]` is the probability of `low + i * step`; a part of a distribution sums to less than 1, a count to more.

    >>> Distribution(2, 3, np.array([0.5, 0.5])).occupancies.tolist()
    [2, 5]
    """

    low: int
    step: int = 1
    mass: Float = field(default_factory=_one)

    @property
    def high(self) -> int:
        """The largest value."""
        return self.low + self.step * (len(self.mass) - 1)

    @property
    def occupancies(self) -> Int:
        """All values, ascending, int64[K]."""
        return self.low + self.step * np.arange(len(self.mass), dtype=np.int64)

    def at(self, values: Int) -> Float:
        """Mass of some values; 0 for those that are none of its own."""
        place, rest = np.divmod(values - self.low, self.step)
        known = (rest == 0) & (place >= 0) & (place < len(self.mass))
        return np.where(known, self.mass[np.where(known, place, 0)], 0.0)


def times(first: Distribution, second: Distribution) -> Distribution:
    """Distribution of the sum of two independent values.

    >>> coin = Distribution(0, 2, np.array([0.5, 0.5]))
    >>> times(coin, coin).mass.tolist()
    [0.25, 0.5, 0.25]
    """
    step = gcd(_step(first), _step(second)) or 1
    mass = np.convolve(_refined(first, step), _refined(second, step))
    return Distribution(first.low + second.low, step, mass)


def power(one: Distribution, count: int) -> Distribution:
    """Distribution of the sum of `count` independent values that are distributed alike."""
    found = Distribution(0)
    while count:
        if count & 1:
            found = times(found, one)
        count >>= 1
        if count:
            one = times(one, one)
    return found


def mixture(parts: list[tuple[float, Distribution]]) -> Distribution:
    """The weighted sum of distributions; parts without any mass count for nothing.

    >>> mixture([(0.25, Distribution(0)), (0.75, Distribution(4))]).mass.tolist()
    [0.25, 0.75]
    """
    parts = [part for part in parts if part[1].mass.any()]
    if not parts:
        return Distribution(0, 1, np.zeros(1))
    low = min(part.low for _, part in parts)
    step = gcd(*(_step(part) for _, part in parts), *(part.low - low for _, part in parts)) or 1
    mass = np.zeros((max(part.high for _, part in parts) - low) // step + 1)
    for weight, part in parts:
        start = (part.low - low) // step
        spread = _refined(part, step)
        mass[start : start + len(spread)] += weight * spread
    return Distribution(low, step, mass)


def drawn(kinds: list[tuple[Distribution, int]], kept: int, total: int) -> Distribution:
    """The sum over those in view of `kept` of `total` things drawn without replacement; each kind, how many are alike.

    >>> drawn([(Distribution(4), 1)], 1, 4).mass.tolist()
    [0.75, 0.25]
    """
    chosen: dict[int, list[tuple[float, Distribution]]] = {0: [(1.0, Distribution(0))]}
    for one, alike in kinds:
        grown: dict[int, list[tuple[float, Distribution]]] = {}
        for before, parts in chosen.items():
            sofar, left = mixture(parts), kept - before
            for now in range(min(alike, left) + 1):
                p = comb(alike, now) * comb(total - alike, left - now) / comb(total, left)
                if p > 0:
                    grown.setdefault(before + now, []).append((p, times(sofar, power(one, now))))
        chosen, total = grown, total - alike
    return mixture([part for parts in chosen.values() for part in parts])


@lru_cache(maxsize=4096)
def group_of(n: int, group: Group) -> Distribution:
    """Nonzeros among the columns taken of one group of `width`, which keeps min(n, width), and none in the hole."""
    width, taken, zero = group
    kept = min(n, width)
    ways = [comb(taken - zero, k) * comb(width - taken, kept - k) for k in range(min(kept, taken - zero) + 1)]
    possible = [k for k, way in enumerate(ways) if way]
    if not possible:
        return Distribution(0, 1, np.zeros(1))
    mass = np.array([way / comb(width, kept) for way in ways[possible[0] : possible[-1] + 1]])
    return Distribution(possible[0], 1, mass)


def _step(one: Distribution) -> int:
    """0 for a single value, which lies on every lattice."""
    return one.step if len(one.mass) > 1 else 0


def _refined(one: Distribution, step: int) -> Float:
    """The masses on a finer lattice."""
    if len(one.mass) == 1 or one.step == step:
        return one.mass
    fine = np.zeros((len(one.mass) - 1) * (one.step // step) + 1)
    fine[:: one.step // step] = one.mass
    return fine
