"""Where factors stand, and the rows of factors of every group of dimensions.

A **slot** is the temporal loops of a level, or one axis of its spatial loops. A factorization gives every dimension one
factor per slot; a set of (dimension, slot) pairs is an int, one bit a pair, so that a product of loops is a mask.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.exact.shrunk import most_lanes
from crisp_hw.mapper.space import Space
from crisp_hw.spec.mapping import LoopKind
from crisp_hw.spec.problem import Problem

Ints = NDArray[np.int64]
Which = Literal["temporal", "spatial", "all"]


@dataclass(frozen=True)
class Slot:
    """The loops of one level and kind; `block` is the place of their block in `Space.blocks`."""

    level: int
    kind: LoopKind
    block: int


@dataclass(frozen=True)
class Layout:
    """Dimensions with their `sizes`, and slots, innermost first; `limits` are the most lanes of a slot (None: any
    number, as in time).
    """

    dims: tuple[str, ...]
    slots: tuple[Slot, ...]
    limits: tuple[int | None, ...]
    sizes: tuple[int, ...] = ()

    def bits(self, dims: Iterable[int], which: Which, first: int, last: int) -> int:
        """The pairs of some dimensions with the slots of one kind in the levels `first` .. `last`."""
        here = self._slot_bits.get((which, first, last))
        if here is None:
            kinds = {"temporal": ("temporal",), "spatial": ("x", "y"), "all": ("temporal", "x", "y")}[which]
            here = sum(
                1 << s for s, slot in enumerate(self.slots) if first <= slot.level <= last and slot.kind in kinds
            )
            self._slot_bits[which, first, last] = here
        return sum(here << d * len(self.slots) for d in dims)

    def bit(self, dim: int, slot: int) -> int:
        """One pair."""
        return 1 << dim * len(self.slots) + slot

    @cached_property
    def _slot_bits(self) -> dict[tuple[str, int, int], int]:
        return {}

    @cached_property
    def every(self) -> tuple[int, ...]:
        """All dimensions."""
        return tuple(range(len(self.dims)))


@dataclass(frozen=True)
class Group:
    """Dimensions that no product tells apart (those of one rank of several terms), or a single one, and the factors
    that they may take together: int64[rows, dims of the group, slots].
    """

    dims: tuple[int, ...]
    factors: Ints


def layout_of(space: Space) -> Layout:
    """The slots of a space; an axis without lanes has none."""
    fanouts = space.design.architecture.fanouts
    slots, limits = [], list[int | None]()
    for index, block in enumerate(space.blocks):
        if block.kind == "temporal":
            slots.append(Slot(block.level, "temporal", index))
            limits.append(None)
            continue
        axes: tuple[LoopKind, LoopKind] = ("x", "y")
        for axis, lanes in zip(axes, fanouts[block.level], strict=True):
            most = most_lanes(space, block.level, lanes)
            if most is None or most > 1:
                slots.append(Slot(block.level, axis, index))
                limits.append(most)
    return Layout(space.design.problem.dims, tuple(slots), tuple(limits), space.design.problem.bounds)


def groups_of(space: Space, layout: Layout) -> tuple[Group, ...]:
    """Every way to factorize each group of dimensions that the constraints and the lanes leave.

    A dimension's factor in a spatial block lies along x or along y.
    """
    rows = [_on_axes(space.factors[dim], layout) for dim in layout.dims]
    return tuple(_joined(dims, rows, layout) for dims in _dims_of_groups(space.design.problem))


def _on_axes(factors: Ints, layout: Layout) -> Ints:
    """Factors [f, blocks] of one dimension as [rows, slots]: every choice of axes that has the lanes."""
    rows, places = np.empty((len(factors), 0), dtype=np.int64), np.arange(len(factors))
    for block in dict.fromkeys(slot.block for slot in layout.slots):
        here = [s for s, slot in enumerate(layout.slots) if slot.block == block]
        parts, kept = [], []
        factor = factors[places, block]
        for chosen, slot in enumerate(here):
            # a factor of 1 lies along no axis, and is counted once
            limit = layout.limits[slot]
            fits = np.ones(len(factor), dtype=bool) if limit is None else factor <= limit
            fits &= (factor > 1) | (chosen == 0)
            part = np.ones((int(fits.sum()), len(here)), dtype=np.int64)
            part[:, chosen] = factor[fits]
            parts.append(np.concatenate([rows[fits], part], axis=1))
            kept.append(places[fits])
        rows, places = np.concatenate(parts), np.concatenate(kept)
    return rows


def _dims_of_groups(problem: Problem) -> list[tuple[int, ...]]:
    """The dimensions, those together that share a rank of several terms."""
    group = list(range(len(problem.dims)))
    for tensor in problem.tensors:
        for rank in tensor.ranks:
            members = [problem.place[term.dim] for term in rank]
            old = {group[m] for m in members}
            group = [group[members[0]] if g in old else g for g in group]
    return [tuple(d for d, g in enumerate(group) if g == name) for name in dict.fromkeys(group)]


def _joined(dims: tuple[int, ...], rows: list[Ints], layout: Layout) -> Group:
    """All combinations of the rows of some dimensions, less those with more lanes than there are."""
    found = rows[dims[0]][:, None, :]
    for dim in dims[1:]:
        left, right = len(found), len(rows[dim])
        found = np.concatenate([np.repeat(found, right, axis=0), np.tile(rows[dim][:, None, :], (left, 1, 1))], axis=1)
        for slot, limit in enumerate(layout.limits):
            if limit is not None:
                found = found[found[:, :, slot].prod(axis=1) <= limit]
    return Group(dims, found)
