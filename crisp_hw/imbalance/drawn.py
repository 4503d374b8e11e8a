"""Uniform masks from a seed, as the recorded runs have them."""

from dataclasses import dataclass

import numpy as np

from crisp_hw.imbalance.entries import Mask

ROWS_AT_ONCE = 256  # random numbers take eight bytes a weight


@dataclass(frozen=True)
class Drawn:
    """Where weights, bool[rows, columns], and activations, bool[columns], are not zero."""

    weights: Mask
    active: Mask


def drawn_masks(shape: tuple[int, int], weight_density: float, activation_density: float, seed: int) -> Drawn:
    """Weights row by row, then activations, all from one generator; the same for the same numbers, whatever NumPy.

    >>> drawn_masks((2, 4), 0.5, 0.5, seed=7).active.tolist()
    [False, True, True, True]
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    weights = np.empty(shape, bool)
    for first in range(0, shape[0], ROWS_AT_ONCE):
        part = weights[first : first + ROWS_AT_ONCE]
        part[:] = generator.random(part.shape) < weight_density
    return Drawn(weights, generator.random(shape[1]) < activation_density)
