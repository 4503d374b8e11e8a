"""The fabric that is walked: a problem, its loops, and where the instances of every level lie."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from crisp_hw.spec.mapping import Loop, LoopMapping
from crisp_hw.spec.problem import Problem, Tensor

MACS = -1  # the place inside of the innermost level
Place = tuple[int, ...]
"""A number for every dimension: a coordinate, or how far one is from another."""


@dataclass(frozen=True)
class Fabric:
    """What is walked: the problem, its loops, the (level, tensor) that are packed, and the level that squeezes lanes.

    A level that squeezes lanes (None: none does) leaves out those of its MACs whose packed operands are not stored.
    `skips`: the operands without which the MACs neither read a tensor nor add to it. `skips_tiles`: the same for
    tiles that a level sends to the next one inside, by level and tensor. `linked`: what a MAC takes from its
    neighbour. `bitmaps`: of what is stored with bitmaps, which of its nested tiles have one, innermost first.
    """

    problem: Problem
    mapping: LoopMapping
    packed: frozenset[tuple[int, str]] = frozenset()
    squeezes: int | None = None
    skips: Mapping[str, frozenset[str]] = field(default_factory=dict)
    skips_tiles: Mapping[tuple[int, str], frozenset[str]] = field(default_factory=dict)
    linked: frozenset[str] = frozenset()
    bitmaps: Mapping[tuple[int, str], tuple[bool, ...]] = field(default_factory=dict)

    def keepers(self, tensor: Tensor) -> list[int]:
        """The levels that keep a tensor, innermost first."""
        return [level for level, kept in enumerate(self.mapping.nest.keeps) if tensor.name in kept]

    def links(self, tensor: Tensor) -> list[tuple[int, int]]:
        """Every level that keeps a tensor, and the next one inside of it."""
        return list(zip(self.keepers(tensor), [MACS, *self.keepers(tensor)], strict=False))

    def outside(self, level: int) -> list["Turn"]:
        """The loops outside a level that do something, outermost first."""
        inside, turns = dict.fromkeys(self.problem.dims, 1), []
        for loop, bound in zip(self.mapping.nest.loops, self.mapping.bounds, strict=True):
            turns.append(Turn(loop, bound, inside[loop.dim]))
            inside[loop.dim] *= bound
        return [turn for turn in reversed(turns) if turn.bound > 1 and turn.loop.level > level]

    def times(self, level: int) -> list[Place]:
        """Where the steps outside a level begin, in their order."""
        turns = [turn for turn in self.outside(level) if turn.loop.kind == "temporal"]
        return [place for _, place in iterations(self.problem, turns)]

    def spatial(self, level: int) -> list["Turn"]:
        """The loops over the instances of a level: those over an outer level's come first."""
        return [turn for turn in self.outside(level) if turn.loop.kind != "temporal"]

    def instances(self, level: int) -> list[tuple[Place, Place]]:
        """The instances of a level, and how far the place of each is from the first one's."""
        return list(iterations(self.problem, self.spatial(level)))

    def neighbours(self) -> dict[Place, list[Place]]:
        """The MACs beside, above and below every MAC, in the array of its instance of the innermost level."""
        turns = self.spatial(MACS)
        at = {lane: _on_grid(turns, lane) for lane, _ in self.instances(MACS)}
        by = {place: lane for lane, place in at.items()}
        beside = ((0, 1), (0, -1), (1, 0), (-1, 0))
        places = {lane: [(far, x + dx, y + dy) for dx, dy in beside] for lane, (far, x, y) in at.items()}
        return {lane: [by[each] for each in near if each in by] for lane, near in places.items()}

    def tile(self, tensor: Tensor, level: int) -> Place:
        """What an instance of a level takes of a tensor, along each of its ranks; one word for the MACs."""
        sides = dict(zip(self.problem.dims, self.problem.bounds, strict=True))
        for turn in self.outside(level):
            sides[turn.loop.dim] //= turn.bound
        return _extents(tensor, sides)

    def whole(self, tensor: Tensor) -> Place:
        """All of a tensor, along each of its ranks."""
        return _extents(tensor, dict(zip(self.problem.dims, self.problem.bounds, strict=True)))

    def corner(self, tensor: Tensor, place: Place) -> Place:
        """Where a tile of a tensor begins, whose work begins at a place."""
        at = self.problem.place
        return tuple(sum(term.coefficient * place[at[term.dim]] for term in rank) for rank in tensor.ranks)


def _extents(tensor: Tensor, sides: Mapping[str, int]) -> Place:
    """The words along each rank that work of these sides touches: of a window, those between its ends, too."""
    return tuple(1 + sum(term.coefficient * (sides[term.dim] - 1) for term in rank) for rank in tensor.ranks)


@dataclass(frozen=True)
class Turn:
    """A loop and how far one of its iterations moves along its dimension."""

    loop: Loop
    bound: int
    stride: int


def iterations(problem: Problem, turns: list[Turn]) -> Iterator[tuple[Place, Place]]:
    """All iterations of some loops, the innermost fastest, and the place where each begins."""
    for iteration in product(*(range(turn.bound) for turn in turns)):
        place = dict.fromkeys(problem.dims, 0)
        for turn, number in zip(turns, iteration, strict=True):
            place[turn.loop.dim] += number * turn.stride
        yield iteration, tuple(place.values())


def _on_grid(turns: list[Turn], lane: Place) -> tuple[Place, int, int]:
    """The instance of the innermost level that a MAC belongs to, and its column and row in the array of that."""
    far, x, y = [], 0, 0
    for turn, number in zip(turns, lane, strict=True):
        if turn.loop.level > 0:
            far.append(number)
        elif turn.loop.kind == "x":
            x = x * turn.bound + number
        else:
            y = y * turn.bound + number
    return tuple(far), x, y
