"""Which dimensions of a spatial block may lie along x and which along y."""

from dataclasses import dataclass
from itertools import combinations

from crisp_hw.mapper.space import LoopBlock

Dims = frozenset[str]


@dataclass(frozen=True)
class Side:
    """The dimensions along x and those along y, of those that may do anything."""

    along_x: Dims
    along_y: Dims


def sides(block: LoopBlock, active: Dims) -> tuple[Side, ...]:
    """The choices that the constraints leave; one with all dimensions on both sides says that each may take either.

    >>> from crisp_hw.mapper.space import LoopBlock
    >>> found = sides(LoopBlock(1, "spatial", ("K", "M"), ()), frozenset("KM"))
    >>> [sorted(side.along_x) for side in found]
    [[], ['K'], ['K', 'M']]
    """
    dims = (*block.fixed, *block.free, *block.last)
    if block.split is None and not block.fixed and not block.last:
        return (Side(active, active),)
    counts = range(len(dims) + 1) if block.split is None else [block.split]
    found = dict.fromkeys(chosen & active for count in counts for chosen in _inner(block, count))
    return tuple(Side(along_x, active - along_x) for along_x in found)


def _inner(block: LoopBlock, count: int) -> list[Dims]:
    """The sets that the innermost `count` dimensions of an order can be."""
    fixed, free = len(block.fixed), len(block.free)
    if count <= fixed:
        return [frozenset(block.fixed[:count])]
    if count >= fixed + free:
        return [frozenset((*block.fixed, *block.free, *block.last[: count - fixed - free]))]
    return [frozenset((*block.fixed, *chosen)) for chosen in combinations(block.free, count - fixed)]


def spatial_order(
    block: LoopBlock, along_x: Dims, along_y: Dims, free: tuple[str, ...] = ()
) -> tuple[tuple[str, ...], int]:
    """An order of all dimensions of the block, and how many of it lie along x, that puts these where they are.

    `along_x` and `along_y` are dimensions that do something; those in `free` whose order is open stand in that order,
    along each axis.
    """
    dims = (*block.fixed, *block.free, *block.last)
    for count in range(len(dims) + 1) if block.split is None else [block.split]:
        for chosen in _inner(block, count):
            if along_x <= chosen and not along_y & chosen:
                open_dims = [*(dim for dim in block.free if dim not in free), *free]
                inner = [dim for dim in open_dims if dim in chosen]
                outer = [dim for dim in open_dims if dim not in chosen]
                return (*block.fixed, *inner, *outer, *block.last), count
    raise AssertionError("a template has sides that its block does not have")
