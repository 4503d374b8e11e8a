"""Products over dimensions: the numbers of which every count of a template is a sum."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.exact.hashed import hashed_once
from crisp_hw.mapper.exact.layout import Group, Layout
from crisp_hw.mapper.exact.ragged import Counted
from crisp_hw.mapper.exact.windows import Lanes, Link, Window, lanes_along, uncertain, words_along

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@hashed_once
@dataclass(frozen=True)
class Column:
    """The product of the factors in `mask` (`layout.Layout`), of words along `windows`, and of `lanes`.

    Of a sparse design it is a term of a form: of the product only what each of `shares` leaves counts. With imperfect
    factors it is no product of them: `counted` says what is counted.
    """

    mask: int
    windows: tuple[Window, ...] = ()
    lanes: tuple[Lanes, ...] = ()
    shares: tuple["Share", ...] = ()
    counted: Counted | None = None

    def times(self, mask: int, lanes: tuple[Lanes, ...] = ()) -> "Column":
        """The same with more factors."""
        return replace(self, mask=self.mask | mask, lanes=(*self.lanes, *lanes))

    def thinned(self, shares: tuple["Share", ...]) -> "Column":
        """What some shares leave of it."""
        return replace(self, shares=tuple(dict.fromkeys((*self.shares, *shares))))

    @property
    def bare(self) -> "Column":
        """The product, of which nothing is left out."""
        return replace(self, shares=()) if self.shares else self


@dataclass(frozen=True)
class Leader:
    """The tile of a tensor (its index) that decides: its words, or its extents along each rank."""

    tensor: int
    tile: tuple[Column, ...]


@dataclass(frozen=True)
class Share:
    """At least so much of a count is left: P(no tile of any of some leaders is empty), the least of some choices."""

    choices: tuple[tuple[Leader, ...], ...]


Form = Mapping[Column, float]
"""A sum of columns with their coefficients."""


@hashed_once
@dataclass(frozen=True)
class Open:
    """Which rows a template leaves open: factors in `forced` are 1, those in `active` are not; of the `linked` places
    it may say too little, of those in `apart` it says all.
    """

    forced: int
    active: int = 0
    linked: tuple[Link, ...] = ()
    apart: tuple[Link, ...] = ()


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
    _known: dict[tuple[int, Column], Floats] = field(default_factory=dict, repr=False)
    _open: dict[tuple[int, Open], Bools] = field(default_factory=dict, repr=False)
    _ends: dict[tuple[int, Open], dict[Column, tuple[float, float]]] = field(default_factory=dict, repr=False)
    _within: dict[tuple[int, Column], Column] = field(default_factory=dict, repr=False)

    def within(self, group: int, column: Column) -> Column:
        """What a column has of a group."""
        found = self._within.get((group, column))
        if found is None:
            found = self._within[group, column] = self._inside(group, column)
        return found

    def _inside(self, group: int, column: Column) -> Column:
        mask = column.mask & self.masks[group]
        if column.counted is not None:
            return Column(mask, counted=column.counted.within(self.masks[group]))
        if not column.windows and not column.lanes:
            return Column(mask)
        windows = tuple(each for each in column.windows if self._here(group, each))
        return Column(mask, windows, tuple(each for each in column.lanes if self._here(group, each)))

    def of(self, group: int, column: Column) -> Floats:
        """One column in all rows of a group, float64[rows]."""
        part = self.within(group, column)
        if (group, part) not in self._known:
            self._known[group, part] = self._worth(group, part)
        return self._known[group, part]

    def open(self, group: int, which: Open) -> Bools:
        """The rows of a group that are open."""
        part = self._open_part(group, which)
        if (group, part) not in self._open:
            here, found = self.groups[group], self.of(group, Column(part.forced)) == 1
            for place, dim in enumerate(here.dims):
                for slot in range(len(self.layout.slots)):
                    if part.active & self.layout.bit(dim, slot):
                        found = found & (here.factors[:, place, slot] > 1)
            for link in part.linked:
                found = found & uncertain(link, self.layout, here)
            for link in part.apart:
                found = found & ~uncertain(link, self.layout, here)
            self._open[group, part] = found
        return self._open[group, part]

    def ends(self, group: int, which: Open, columns: tuple[Column, ...]) -> list[tuple[float, float]]:
        """The least and the most of columns over the open rows of a group; (inf, 0) where none is open."""
        known = self._ends.setdefault((group, self._open_part(group, which)), {})
        parts = [self.within(group, column) for column in columns]
        for part in parts:
            if part not in known:
                values = self.of(group, part)[self.open(group, which)]
                known[part] = (float(values.min()), float(values.max())) if len(values) else (np.inf, 0.0)
        return [known[part] for part in parts]

    @cached_property
    def masks(self) -> tuple[int, ...]:
        """All pairs of the dimensions of each group."""
        last = max((slot.level for slot in self.layout.slots), default=0)
        return tuple(self.layout.bits(group.dims, "all", 0, last) for group in self.groups)

    def _open_part(self, group: int, which: Open) -> Open:
        linked = tuple(each for each in which.linked if self._here(group, each))
        apart = tuple(each for each in which.apart if self._here(group, each))
        return Open(which.forced & self.masks[group], which.active & self.masks[group], linked, apart)

    def _here(self, group: int, one: Window | Lanes | Link) -> bool:
        return self.layout.dims.index(one.rank[0].dim) in self.groups[group].dims

    def _worth(self, group: int, column: Column) -> Floats:
        here, found = self.groups[group], np.ones(len(self.groups[group].factors))
        if column.counted is not None:
            return column.counted.worth(column.mask, self.layout, here)
        for place, dim in enumerate(here.dims):
            for slot in range(len(self.layout.slots)):
                if column.mask & self.layout.bit(dim, slot):
                    found = found * here.factors[:, place, slot]
        for window in column.windows:
            found = found * words_along(window, self.layout, here)
        for lanes in column.lanes:
            found = found * lanes_along(lanes, self.layout, here)
        return found
