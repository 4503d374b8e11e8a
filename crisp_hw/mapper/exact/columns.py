"""Products over dimensions: the numbers of which every count of a template is a sum."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.exact.layout import Group, Layout

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """The product of the factors in `mask` (`layout.Layout`)."""

    mask: int


Form = Mapping[Column, float]
"""A sum of columns with their coefficients."""


@dataclass(frozen=True)
class Table:
    """Every row of a group that a template leaves open: its places in the group, and the values of some columns."""

    places: NDArray[np.int64]
    values: Floats


@dataclass(frozen=True)
class Values:
    """What columns are worth in every row of every group; worked out once."""

    layout: Layout
    groups: tuple[Group, ...]
    _known: dict[tuple[int, int], Floats] = field(default_factory=dict, repr=False)
    _open: dict[tuple[int, int], Bools] = field(default_factory=dict, repr=False)
    _ends: dict[tuple[int, int, int], tuple[float, float]] = field(default_factory=dict, repr=False)

    def of(self, group: int, column: Column) -> Floats:
        """One column in all rows of a group, float64[rows]."""
        mask = column.mask & self.masks[group]
        if (group, mask) not in self._known:
            here = self.groups[group]
            found = np.ones(len(here.factors))
            for place, dim in enumerate(here.dims):
                for slot in range(len(self.layout.slots)):
                    if mask & self.layout.bit(dim, slot):
                        found = found * here.factors[:, place, slot]
            self._known[group, mask] = found
        return self._known[group, mask]

    def open(self, group: int, forced: int) -> Bools:
        """The rows of a group whose factors in `forced` are all 1."""
        mask = forced & self.masks[group]
        if (group, mask) not in self._open:
            self._open[group, mask] = self.of(group, Column(mask)) == 1
        return self._open[group, mask]

    def ends(self, group: int, forced: int, column: Column) -> tuple[float, float]:
        """The least and the most of a column over the open rows of a group; (inf, 0) where none is open."""
        here = self.masks[group]
        key = group, forced & here, column.mask & here
        if key not in self._ends:
            values = self.of(group, column)[self.open(group, forced)]
            self._ends[key] = (float(values.min()), float(values.max())) if len(values) else (np.inf, 0.0)
        return self._ends[key]

    @cached_property
    def masks(self) -> tuple[int, ...]:
        """All pairs of the dimensions of each group."""
        last = max((slot.level for slot in self.layout.slots), default=0)
        return tuple(self.layout.bits(group.dims, "all", 0, last) for group in self.groups)
