"""The lanes of a chain: which factors dimensions may have along the axes of every level, and the most of all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.exact.program import EXACT
from crisp_hw.mapper.exact.shrunk import Together, most_lanes, most_together, stay
from crisp_hw.mapper.exact.sides import sides
from crisp_hw.mapper.space import Space

Ints = NDArray[np.int64]
Factors = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Mesh:
    """The lanes of a space, with what every dimension's factor may be over the lanes of each level."""

    space: Space
    factors: tuple[tuple[Ints, ...], ...]
    _known: dict[int, Factors] = field(default_factory=dict, repr=False)

    @property
    def dims(self) -> tuple[str, ...]:
        """The dimensions."""
        return self.space.design.problem.dims

    @cached_property
    def together(self) -> Together:
        """The most lanes of all levels together, and the most MACs at work."""
        found = most_together(self.space)
        return replace(found, lanes=found.lanes * (1 + EXACT))

    @cached_property
    def there(self) -> int:
        """The lanes that there are."""
        return prod(prod(fanout) for fanout in self.space.design.architecture.fanouts)

    @cached_property
    def _fed(self) -> tuple[int, ...]:
        """The most lanes that each level feeds."""
        return tuple(max(map(prod, self.lanes(level)), default=1) for level in range(len(self.space.keeps)))

    @cached_property
    def inside(self) -> tuple[int, ...]:
        """The most lanes that the levels below each have, from level 0 on; the last number is the most of all."""
        return tuple(int(min(prod(self._fed[:level]), self.together.lanes)) for level in range(len(self._fed) + 1))

    def outside(self, level: int) -> int:
        """The most lanes of the levels outside of one."""
        return int(min(prod(self._fed[level + 1 :]), self.together.lanes))

    def lanes(self, level: int) -> Factors:
        """The factors of all dimensions that a level's spatial block may have, each dimension along one axis."""
        if level not in self._known:
            self._known[level] = tuple(dict.fromkeys(self._along_axes(level)))
        return self._known[level]

    def _along_axes(self, level: int) -> Iterator[tuple[int, ...]]:
        block = next((b for b in self.space.blocks if (b.level, b.kind) == (level, "spatial")), None)
        if block is None:
            yield (1,) * len(self.dims)
            return
        allowed, most = self.factors[level], self._limits[level].most
        for side in sides(block, frozenset(self.dims)):
            axes = [[axis for axis, on in enumerate((side.along_x, side.along_y)) if d in on] for d in self.dims]
            for where in product(*axes):
                options = [[f for f in allowed[d].tolist() if f <= most[axis]] for d, axis in enumerate(where)]
                for chosen in product(*options):
                    if self.fits(level, chosen, where):
                        yield chosen

    def fits(self, level: int, factors: Sequence[int], axes: Sequence[int]) -> bool:
        """Has a level lanes along its axes for the factors of all dimensions, and for those that never lose any?"""
        limits = self._limits[level]
        along = [
            {dim: factor for dim, factor, on in zip(self.dims, factors, axes, strict=True) if on == axis}
            for axis in (0, 1)
        ]
        if any(prod(one.values()) > most for one, most in zip(along, limits.most, strict=True)):
            return False
        return all(
            prod(one.get(dim, 1) for dim in dims) <= lanes
            for one, stays in zip(along, limits.stay, strict=True)
            for dims, lanes in stays
        )

    @cached_property
    def _limits(self) -> tuple["_Limits", ...]:
        found = []
        for level, fanout in enumerate(self.space.design.architecture.fanouts):
            most = [most_lanes(self.space, level, one) for one in fanout]
            stays = [stay(self.space, level, one) for one in fanout]
            found.append(_Limits(tuple(np.inf if one is None else one for one in most), tuple(stays)))
        return tuple(found)


@dataclass(frozen=True)
class _Limits:
    """By axis, the most lanes of a level, empty ones included, and of dimensions that never lose any."""

    most: tuple[float, ...]
    stay: tuple[list[tuple[tuple[str, ...], int]], ...]
