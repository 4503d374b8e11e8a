"""The order of a block's loops, of which nodes, constraints and a mapping may all say something.

Two orders are the same where their loops that do anything stand in the same order: timeloop-mapper writes the others
in an order of its own, and its split counts none of them.
"""

from crisp_hw.errors import InputError
from crisp_hw.timeloop.frontend.constraints import BlockConstraints, Order, Shape


def settle_order(block: BlockConstraints, shape: Shape, for_mapper: bool) -> None:
    """Make one permutation and one split of what is said of them; InputError where that contradicts itself.

    A dimension that nobody names has the factor 1 in a given mapping; `for_mapper` it is free.
    """
    said = block.orders
    for order in said:
        if order.dims:
            block.marks["permutation"] = order.dims_at.mark
        if order.split is not None:
            block.marks.setdefault("split", order.split_at.mark)
    if _alike(said):
        block.permutation = _longest(said)
        block.split = next((order.split for order in said if order.split is not None), None)
        return
    free = {dim for dim in shape.sizes if for_mapper and dim not in block.factors}
    busy = [dim for dim, size in shape.sizes.items() if dim in free or (size > 1 and block.factors.get(dim, 1) > 1)]
    block.permutation = _one_order(said, busy)
    rest = [dim for dim in busy if dim not in block.permutation]
    if any(order.split is not None for order in said):
        block.split = _one_split(said, [*block.permutation, *rest], for_mapper)
        block.permutation += [*rest, *(dim for dim in shape.sizes if dim not in busy)]


def _alike(said: list[Order]) -> bool:
    """Does one of the orders say all that the others do, and all splits the same?"""
    longest = _longest(said)
    splits = {order.split for order in said if order.split is not None}
    return len(splits) <= 1 and all(longest[: len(order.dims)] == list(order.dims) for order in said)


def _longest(said: list[Order]) -> list[str]:
    return max((list(order.dims) for order in said), key=len, default=[])


def _one_order(said: list[Order], busy: list[str]) -> list[str]:
    longest: list[str] = []
    first: Order | None = None
    for order in said:
        dims = [dim for dim in order.dims if dim in busy]
        shorter, longer = sorted((longest, dims), key=len)
        if longer[: len(shorter)] != shorter:
            before = list(first.dims) if first else []
            other = f", the first at {first.dims_at.mark}" if first and first.dims_at.mark else ""
            what = f"two permutations, {before} and {list(order.dims)}{other}"
            raise InputError(what, order.dims_at, "give one, or one order of the loops above 1")
        first = order if len(dims) > len(longest) or first is None else first
        longest = longer
    return longest


def _one_split(said: list[Order], busy: list[str], for_mapper: bool) -> int:
    """How many of the loops that do anything run along x, the same by every split."""
    found: dict[int, Order] = {}
    for order in said:
        if order.split is None:
            continue
        whole = [*order.dims, *(dim for dim in busy if dim not in order.dims)]
        found.setdefault(len([dim for dim in whole[: order.split] if dim in busy]), order)
    first, *others = found.values()
    if others or for_mapper:
        second = others[0] if others else said[-1]
        what = f"two splits, {first.split} and {second.split}"
        if first.split == second.split:
            what = f"the split {first.split} is of two permutations"
        raise InputError(what, second.split_at, "give one")
    return next(iter(found))
