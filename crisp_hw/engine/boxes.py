"""Boxes of words in a tensor: where a tile lies, what is new in it, and whether two sets of words are the same shape.

Timeloop: loop-analysis/point-set-aahr.cpp, point-set-multi-aahr.cpp, workload/shape-models/operation-space.cpp.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from crisp_hw.spec.problem import Problem, Tensor

Box = tuple[tuple[int, int], ...]
"""First index and the one after the last, per rank."""

Boxes = tuple[Box, ...]
"""A set of words: boxes without overlap."""

Move = tuple[int, ...]


@dataclass
class Held:
    """The tile that a buffer holds, and the move that brought it (None: it has not moved yet)."""

    box: Box | None = None
    move: Move | None = None


def projected_box(problem: Problem, tensor: Tensor, low: Sequence[int], high: Sequence[int]) -> Box:
    """The words of a tensor that an operation-space box from `low` to `high`, both included, touches.

    >>> from crisp_hw.spec.problem import Term
    >>> row = Tensor("I", ((Term("P", 2), Term("R")),))
    >>> projected_box(Problem("p", ("P", "R"), (4, 3), (row,)), row, (1, 0), (2, 2))
    ((2, 7),)
    """
    box = []
    for rank in tensor.ranks:
        first = last = 0
        for term in rank:
            ends = [term.coefficient * side[problem.dims.index(term.dim)] for side in (low, high)]
            first, last = first + min(ends), last + max(ends)
        box.append((first, last + 1))
    return tuple(box)


def words(boxes: Boxes) -> int:
    """Words in a set."""
    return sum(prod(after - first for first, after in box) for box in boxes)


def minus(box: Box, other: Box) -> Boxes:
    """The words of a box that are not in another.

    >>> minus(((0, 4), (0, 2)), ((1, 5), (0, 2)))
    (((0, 1), (0, 2)),)
    """
    if any(after <= low or high <= first for (first, after), (low, high) in zip(box, other, strict=True)):
        return (box,)
    left, rest = [], list(box)
    for rank, (low, high) in enumerate(other):
        first, after = rest[rank]
        sides = (first, min(low, after)), (max(high, first), after)
        left += [(*rest[:rank], side, *rest[rank + 1 :]) for side in sides if side[0] < side[1]]
        rest[rank] = max(first, low), min(after, high)
    return tuple(left)


def arrive(held: Held, box: Box, still_keeps_stride: bool = True) -> Boxes:
    """The words that a buffer must fetch for its next tile; it reuses what it holds while its moves stay the same.

    After another move than the one before it fetches the whole tile (SaveAndSubtractIfSameStride). A step that does not
    move it counts as no move; before Timeloop's pull request 297, as a move by 0 like any other (D14).

    >>> held = Held()
    >>> [words(arrive(held, ((start, start + 3),))) for start in (0, 1, 2, 0, 0)]
    [3, 1, 1, 3, 0]
    >>> held = Held()
    >>> [words(arrive(held, ((start, start + 3),), still_keeps_stride=False)) for start in (0, 0, 1, 1)]
    [3, 0, 3, 0]
    """
    if held.box is None:
        held.box = box
        return (box,)
    move = tuple(_middle(*now) - _middle(*then) for now, then in zip(box, held.box, strict=True))
    rounded = tuple((abs(twice) + 1) // 2 * (1 if twice > 0 else -1) for twice in move)
    before, held.box = held.box, box
    if any(rounded) or not still_keeps_stride:
        if held.move is not None and held.move != rounded:
            held.move = None
            return (box,)
        held.move = rounded
    return minus(box, before)


def _middle(first: int, after: int) -> int:
    """Twice the centre of an interval."""
    return first + after - 1


def shift_between(old: Boxes, new: Boxes) -> Move | None:
    """The move that takes one set of boxes to another, or None when there is none or a set is empty.

    >>> shift_between((((0, 2),),), (((3, 5),),)), shift_between((((0, 2),),), (((3, 6),),))
    ((3,), None)
    """
    if not old or len(old) != len(new):
        return None
    pairs = zip(sorted(old), sorted(new), strict=True)
    shifts = {tuple((b[0] - a[0], b[1] - a[1]) for a, b in zip(one, other, strict=True)) for one, other in pairs}
    shift = shifts.pop()
    if shifts or any(first != after for first, after in shift):
        return None
    return tuple(first for first, _ in shift)
