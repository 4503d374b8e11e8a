"""What SAFs leave of the words of a chain at least, by the tile that decides as far as labels know it.

Where a SAF acts in the level that sends the words, the tile of its leader holds no fewer words than what the dense
count of these words is divided by: the lanes that share a word, the loops in which the target stands still, and what
the next inner keeper spans of the dimensions that are not the target's, all of the leader's dimensions alone. Where it
acts further out, the tile holds at least what the level itself spans.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.exact.leaving import Leaving
from crisp_hw.mapper.exact.sparse import Act, Thinner
from crisp_hw.spec.problem import Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEPS = 1000  # of how often tiles are not empty: labels whose tiles hardly differ are compared
LOOKED_AT = 4096  # words of a tile: of more, the share of so many is taken, which is seldom below 1 by much


@dataclass(frozen=True)
class Acting:
    """What a SAF leaves: the least of `options`, leaders (places of tensors) none of which is empty.

    It acts `here`, in the level that sends, or further out; of options in `lanes` a word decides. With `held`, tiles of
    the tensor itself come as often as they are not empty.
    """

    here: bool
    options: tuple[tuple[int, ...], ...]
    lanes: tuple[tuple[int, ...], ...] = ()
    held: bool = False


NOTHING = Acting(False, ())


def acting(thinner: Thinner, level: int, tensor: int, place: str) -> Acting:
    """What leaves words of a tensor out that a level sends (`sent`), of those that take time (`through`), or of those
    that it is filled with (`filled`).
    """
    if not thinner.active:
        return NOTHING
    at = _place(thinner, level, tensor, place)
    acts = [act for act in thinner.acts if (act.level, act.target) == (at, tensor)]
    options = tuple(dict.fromkeys(_leaders(thinner, act) for act in acts if act.kind != "skipping_spatial"))
    lanes = tuple(dict.fromkeys(_leaders(thinner, act) for act in acts if act.kind == "skipping_spatial"))
    return Acting(at == level, options, lanes, thinner.unpacks(level, tensor))


def _place(thinner: Thinner, level: int, tensor: int, place: str) -> int | None:
    """The level of the SAF that counts: the level itself where words are sent, else the next one outside."""
    own = [a for a in thinner.acts if (a.level, a.target) == (level, tensor) and a.kind != "skipping_spatial"]
    timely = place == "sent" or (place == "through" and all(act.kind == "skipping" for act in own))
    return level if own and timely else thinner.outside(level, tensor)


def _leaders(thinner: Thinner, act: Act) -> tuple[int, ...]:
    names = [tensor.name for tensor in thinner.space.design.problem.tensors]
    return tuple(names.index(name) for name in act.option.condition_on)


@dataclass(frozen=True)
class One:
    """What a SAF leaves: shares `here`, by the words of a tile from 1 on, such that none falls, nor rises faster than
    the words; times what is left by the extent `outside`; times, if `held`, how often tiles are not empty.
    """

    here: Floats | None
    outside: Floats | None
    held: bool


@dataclass(frozen=True)
class Left:
    """What is left at least of several choices of keep and bypass; `filled` is how often tiles of the tensor are not
    empty, by extent.
    """

    each: tuple[One, ...]
    filled: Floats

    @property
    def whole(self) -> bool:
        """Is nothing left out?"""
        return not self.each

    @property
    def acts_here(self) -> bool:
        """Is anything left out by the tile of one access?"""
        return any(one.here is not None for one in self.each)

    @property
    def held(self) -> bool:
        """Is anything left out because tiles are empty?"""
        return any(one.held for one in self.each)

    @property
    def always_held(self) -> bool:
        """Is something left out because tiles are empty, whatever is chosen?"""
        return self.held and all(one.held for one in self.each)

    def share(self, words: Floats, extent: Ints | int, held: Floats | None = None) -> Floats | float:
        """Of tiles that decide with at least so many words, where a level or what is inside it spans an extent; `held`
        is how often the tiles of the level are not empty, if that is known better.
        """
        found: list[Floats | float] = []
        for one in self.each:
            share: Floats | float = 1.0
            if one.here is not None:
                share = one.here[np.minimum(words, len(one.here)).astype(np.int64) - 1]
            if one.outside is not None:
                share = share * one.outside[extent]
            if one.held:
                share = share * (self.filled[extent] if held is None else held)
            found.append(share)
        return np.minimum.reduce(np.broadcast_arrays(*found)) if found else 1.0


@dataclass(frozen=True)
class Deciding:
    """How much is left of the words of a problem's tensors, by `tiles`, int64[extents, tensors]."""

    problem: Problem
    tiles: Ints

    @cached_property
    def _leaving(self) -> Leaving:
        return Leaving(self.problem)

    def left(self, acts: frozenset[Acting], tensor: int) -> Left:
        """The least that any of some acts leaves of a tensor's words."""
        if acts <= {NOTHING}:
            return Left((), np.ones(0))
        filled = self._filled(tensor, self.tiles[:, tensor].astype(np.float64))
        return Left(tuple(self._one(act, tensor) for act in acts), np.floor(filled * STEPS) / STEPS)

    def _one(self, act: Acting, tensor: int) -> One:
        if not act.options and not act.lanes:
            return One(None, None, act.held)
        if not act.here:
            return One(None, self._of_all(act, lambda leader: self.tiles[:, leader].astype(np.float64)), act.held)
        words = np.arange(1, LOOKED_AT + 1, dtype=np.float64)
        here = self._of_all(act, lambda leader: np.maximum(1.0, words // self._others(leader, tensor)))
        return One(np.minimum.accumulate(here / words) * words, None, act.held)

    def _of_all(self, act: Acting, words: Callable[[int], Floats]) -> Floats:
        one = np.ones(1)
        each = [[self._filled(leader, words(leader)) for leader in leaders] for leaders in act.options]
        each += [[self._leaving.filled(leader, one, 1) for leader in leaders] for leaders in act.lanes]
        shape = words(0).shape
        found = [np.broadcast_to(np.prod(np.broadcast_arrays(*one), axis=0), shape) for one in each]
        return np.minimum.reduce(found) if found else np.ones(shape)

    def _filled(self, tensor: int, words: Floats) -> Floats:
        return self._leaving.filled(tensor, words, len(self.problem.tensors[tensor].ranks))

    def _others(self, leader: int, tensor: int) -> int:
        """What a count of the tensor's words may be divided by beside the leader's dimensions."""
        own = self.problem.tensors[leader].dims | self.problem.tensors[tensor].dims
        return prod(self.problem.bound(dim) for dim in self.problem.dims if dim not in own)
