"""Imperfect factors: what Timeloop's walk (`engine.residual`) counts at least, one dimension at a time.

A dimension of N is counted from 0 to N - 1, its loops are the digits. What moves is counted for the first instance of a
level, whose lanes outside are digits of 0, times the average of the instances at work. docs/mapper.md has the proofs.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.exact.hashed import hashed_once
from crisp_hw.mapper.exact.layout import Group, Layout
from crisp_hw.mapper.imperfect import digits_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@hashed_once
@dataclass(frozen=True)
class Counted:
    """What a column counts of every dimension, where its mask has any pair of it: how many numbers up to N have no
    digits but those in the mask (`whole`: all of them; else less those of last runs that may bring nothing).

    Times the bounds in `times`, by those in `per`, times the average bounds of the lanes in `mean`; 0 unless some loop
    in `ragged` (where that is not 0) has a residual. `floor`: the average of those lanes alone, cut to a whole number.
    `part`: the words of an output that one instance sees, at most: what lanes outside leave of N, as pairs of masks,
    what an instance holds and what its level holds together.
    """

    whole: bool = False
    times: int = 0
    per: int = 0
    mean: int = 0
    ragged: int = 0
    floor: int = 0
    part: tuple[tuple[int, int], ...] = ()

    def within(self, mask: int) -> "Counted":
        """What it has of some pairs; `ragged` alone is asked of one dimension, and says 1 of all others."""
        part = tuple(pair for held, spread in self.part if (pair := (held & mask, spread & mask)) != (0, 0))
        times, per, mean = self.times & mask, self.per & mask, self.mean & mask
        return Counted(self.whole, times, per, mean, self.ragged & mask, self.floor & mask, part)

    def worth(self, mask: int, layout: Layout, group: Group) -> Floats:
        """In every row of a group of one dimension, float64[rows]."""
        (dim,) = group.dims
        loops = Loops(group.factors[:, 0], tuple(slot.kind == "temporal" for slot in layout.slots), layout.sizes[dim])

        def places(bits: int) -> list[int]:
            return [slot for slot in range(len(layout.slots)) if bits & layout.bit(dim, slot)]

        found = np.ones(len(group.factors))
        if self.part:
            found = found * loops.size
            for held, spread in self.part:
                found = found * loops.extent(places(held)) / loops.extent(places(spread))
        elif mask:
            found = loops.numbers(places(mask), whole=self.whole)
        found = found * loops.product(places(self.times)) / loops.product(places(self.per))
        found = found * loops.average(places(self.mean)) * np.floor(loops.average(places(self.floor)))
        if self.ragged:
            found = found * loops.ragged(places(self.ragged))
        return found


@dataclass(frozen=True)
class Loops:
    """The factors of one dimension, int64[rows, slots], innermost first; which of its slots run in time; its size."""

    bounds: Ints
    temporal: tuple[bool, ...]
    size: int

    @cached_property
    def below(self) -> Ints:
        """The product of the bounds inside of each slot, and of all, int64[rows, slots + 1]."""
        ones = np.ones((len(self.bounds), 1), dtype=np.int64)
        return np.concatenate([ones, np.cumprod(self.bounds, axis=1)], axis=1)

    @cached_property
    def last(self) -> Ints:
        """The digits of the last number."""
        return digits_of(self.size - 1, self.bounds)

    @cached_property
    def sure(self) -> Ints:
        """How many numbers there are less the last run of the outermost loop in time that runs once in it, int64[rows].

        Where a loop has a residual of 1, its tile does not come back in its last run, so that loops outside it may
        bring nothing then.
        """
        once = (self.bounds > 1) & (self.last == 0) & np.array(self.temporal)
        whole = np.where(once, self.size // self.below[:, 1:] * self.below[:, 1:], self.size)
        return np.asarray(whole.min(axis=1, initial=self.size))

    def numbers(self, places: list[int], *, whole: bool) -> Floats:
        """How many numbers have no digits but those of some slots."""
        digits = self.last if whole else digits_of(self.sure - 1, self.bounds)
        found, alive = np.zeros(len(self.bounds), dtype=np.int64), np.ones(len(self.bounds), dtype=np.int64)
        inside = np.ones_like(self.below)
        for slot in range(self.bounds.shape[1]):
            inside[:, slot + 1] = inside[:, slot] * (self.bounds[:, slot] if slot in places else 1)
        for slot in reversed(range(self.bounds.shape[1])):
            if slot in places:
                found += alive * digits[:, slot] * inside[:, slot]
            else:
                smaller = alive * (digits[:, slot] > 0)
                found += smaller * inside[:, slot]
                alive -= smaller
        return np.asarray(found + alive, dtype=np.float64)

    def product(self, places: list[int]) -> Floats:
        """The product of the bounds of some slots."""
        return np.asarray(self.bounds[:, places].prod(axis=1), dtype=np.float64)

    def average(self, places: list[int]) -> Floats:
        """The product of their average bounds: how many iterations there are of each, by those of the loops outside."""
        found = np.ones(len(self.bounds))
        for slot in places:
            found = found * -(-self.size // self.below[:, slot]) / -(-self.size // self.below[:, slot + 1])
        return found

    def extent(self, places: list[int]) -> Floats:
        """How far some innermost slots reach, at most."""
        return np.minimum(self.product(places), self.size)

    def ragged(self, places: list[int]) -> Floats:
        """Has one of them a residual? 1 or 0."""
        return np.asarray((self.last + 1 < self.bounds)[:, places].any(axis=1), dtype=np.float64)
