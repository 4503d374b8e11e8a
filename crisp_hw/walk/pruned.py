"""Products of pruned weights, step by step on integers: kept blocks, offsets in groups of N:M, and bitmaps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisp_hw.spec.patterns import NM

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass
class Steps:
    """What was done: words that came from the weights' and the activations' memory, indices, products, results."""

    weights: int = 0
    activations: int = 0
    block_indices: int = 0
    products: int = 0
    results: int = 0


@dataclass(frozen=True)
class Walked:
    """The product, int[rows, positions], and its steps."""

    product: Integers
    steps: Steps


@dataclass(frozen=True)
class Kept:
    """A stored weight: its offset in its group, and its value."""

    offset: int
    value: int


def gathered(weights: Integers, mask: Mask, activations: Integers, block: int, nm: NM) -> Walked:
    """Gather activations by block index, select by offset, multiply, accumulate; block rows share nothing.

    >>> one = np.array([[0, 0, 5, 0]])
    >>> gathered(one, one != 0, np.array([[1], [2], [3], [4]]), 2, NM(1, 2)).product.tolist()
    [[15]]
    """
    rows, columns = mask.shape
    result, steps = np.zeros((rows, activations.shape[1]), np.int64), Steps()
    for top in range(0, rows, block):
        inside = range(top, min(top + block, rows))
        indices = [
            at for at in range(-(-columns // block)) if mask[inside.start : inside.stop, at * block :][:, :block].any()
        ]
        steps.block_indices += len(indices)
        for index in indices:
            buffer = activations[index * block : (index + 1) * block]  # the gather
            steps.activations += buffer.size
            for row in inside:
                here = slice(index * block, (index + 1) * block)
                _select(stored(weights[row, here], mask[row, here], nm), buffer, nm, result[row], steps)
    steps.results = result.size
    return Walked(result, steps)


def selected(weights: Integers, mask: Mask, activations: Integers, nm: NM) -> Walked:
    """The same without blocks: all rows share the activations, and lanes select among them by offset.

    >>> one = np.array([[0, 7], [2, 0]])
    >>> selected(one, one != 0, np.array([[1], [3]]), NM(1, 2)).product.tolist()
    [[21], [2]]
    """
    result, steps = np.zeros((len(mask), activations.shape[1]), np.int64), Steps(activations=activations.size)
    for row in range(len(mask)):
        _select(stored(weights[row], mask[row], nm), activations, nm, result[row], steps)
    steps.results = result.size
    return Walked(result, steps)


def stored(values: Integers, kept: Mask, nm: NM) -> list[list[Kept]]:
    """The kept weights of a row, group by group.

    >>> stored(np.array([0, 3, 0, 0, 0, 4]), np.array([0, 1, 0, 0, 0, 1], bool), NM(1, 4))
    [[Kept(offset=1, value=3)], [Kept(offset=1, value=4)]]
    """
    groups = [
        [Kept(at - first, int(values[at])) for at in range(first, min(first + nm.m, len(kept))) if kept[at]]
        for first in range(0, len(kept), nm.m)
    ]
    if any(len(group) > nm.n for group in groups):
        raise ValueError(f"a group keeps more than {nm.n} of {nm.m} weights, which have no room")
    return groups


def _select(groups: list[list[Kept]], buffer: Integers, nm: NM, sums: Integers, steps: Steps) -> None:
    """Multiply every stored weight by the activations that its offset selects, at every position, into `sums`."""
    for number, group in enumerate(groups):
        for kept in group:
            steps.weights += 1
            for position in range(len(sums)):
                sums[position] += kept.value * buffer[number * nm.m + kept.offset, position]
                steps.products += 1


def outer_products(weights: Integers, mask: Mask, activations: Integers) -> Walked:
    """Bitmaps of both: at every column, each kept weight meets each activation that is not zero.

    >>> outer_products(np.array([[2, 3]]), np.array([[True, False]]), np.array([[5, 0], [1, 1]])).steps.products
    1
    """
    result, steps = np.zeros((len(mask), activations.shape[1]), np.int64), Steps()
    for column in range(mask.shape[1]):
        rows = [row for row in range(len(mask)) if mask[row, column]]
        positions = [at for at in range(activations.shape[1]) if activations[column, at]]
        steps.weights += len(rows)
        steps.activations += len(positions)
        for row in rows:
            for position in positions:
                result[row, position] += weights[row, column] * activations[column, position]
                steps.products += 1
    steps.results = result.size
    return Walked(result, steps)
