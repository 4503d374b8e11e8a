"""Convolutions as they are on fabrics that run them so: every window of small images, beside the model's counts."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.descriptors import PrunedLayer
from crisp_hw.spec.layer import Layer
from crisp_hw.verification.counts import Count
from crisp_hw.verification.level_counts import Beside
from crisp_hw.verification.levels import fabric_of, place_windows, refusal
from crisp_hw.verification.steps import ZEROS, Checked, evaluated
from crisp_hw.walk import nested

Integers = NDArray[np.int64]
STEPS = "a convolution as it is, window by window"


@dataclass(frozen=True)
class Windows:
    """A pruned convolution, its weights int[rows, columns], and an image int[channels, height, width], no borders."""

    pruned: PrunedLayer
    weights: Integers
    image: Integers

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which weights are kept; all where there is no mask."""
        return np.ones(self.weights.shape, bool) if self.pruned.mask is None else self.pruned.mask

    @property
    def product(self) -> Integers:
        """The convolution by the masked weights, int[rows, positions], window by window with NumPy."""
        layer = self.pruned.layer
        kept = np.where(self.mask, self.weights, 0)
        share, channels = layer.rows // layer.groups, layer.in_channels // layer.groups
        found = np.zeros((layer.rows, layer.positions), np.int64)
        for group in range(layer.groups):
            rows, part = slice(group * share, (group + 1) * share), slice(group * channels, (group + 1) * channels)
            for position, window in enumerate(_windows(layer, self.image[part])):
                found[rows, position] = kept[rows] @ window
        return found


def _windows(layer: Layer, image: Integers) -> Iterator[Integers]:
    """The words of every window, in the order of a row of weights: over its height, width and channels."""
    (high, wide), (down, along) = layer.kernel, layer.dilation
    for y, x in product(*(range(size) for size in layer.output_size)):
        top, left = y * layer.stride[0], x * layer.stride[1]
        window = image[:, top : top + (high - 1) * down + 1 : down, left : left + (wide - 1) * along + 1 : along]
        yield window.transpose(1, 2, 0).ravel()


def runs_windows(accelerator: Accelerator, layer: Layer) -> bool:
    """Does an accelerator run a layer as the convolution that it is, and is that another thing than a matrix product?

    >>> from crisp_hw.accelerators import load_arch
    >>> layer = Layer("c", "conv2d", 4, 4, (3, 3), input_size=(8, 8))
    >>> runs_windows(load_arch("eyeriss-v1"), layer), runs_windows(load_arch("stc"), layer)
    (True, False)
    """
    cases = any(each.problem == "convolution" for each in accelerator.runs.cases)
    return cases and layer.kind == "conv2d" and (layer.kernel != (1, 1) or layer.groups > 1)


def images(pruned: PrunedLayer, positions: int, weights: Integers | None, seed: int) -> Windows:
    """The layer on an image that is just large enough for about so many positions; what is not given is drawn."""
    layer, drawn = pruned.layer, np.random.default_rng(seed)
    height = max(1, isqrt(positions))
    pairs = zip((height, max(1, positions // height)), layer.kernel, layer.stride, layer.dilation, strict=True)
    high, wide = ((out - 1) * stride + (kernel - 1) * dilation + 1 for out, kernel, stride, dilation in pairs)
    small = replace(layer, padding=(0, 0), input_size=(high, wide), tokens=1)
    if weights is None:
        weights = drawn.integers(1, 128, (layer.rows, layer.columns)) * drawn.choice(
            [-1, 1], (layer.rows, layer.columns)
        )
    image = drawn.integers(-128, 128, (layer.in_channels, high, wide))
    image[drawn.random(image.shape) < ZEROS] = 0
    return Windows(replace(pruned, layer=small), weights.astype(np.int64), image)


def check_windows(given: Windows, accelerator: Accelerator, cache: bool = True) -> Checked:
    """Walk the convolution on the loop nest that was found, and hold it against NumPy and `--density actual`.

    >>> from crisp_hw.accelerators import load_arch
    >>> layer = PrunedLayer(Layer("c", "conv2d", 4, 2, (3, 3), input_size=(8, 8)), "dense")
    >>> check_windows(images(layer, 4, None, 0), load_arch("eyeriss-v1"), cache=False).agrees
    True
    """
    pruned = given.pruned
    row = evaluated(pruned, accelerator, cache)
    why = refusal(row)
    if why:
        return Checked(row.layer, row.arch, STEPS, True, (), (Count("levels", 0, None, why),))
    fabric = fabric_of(row)
    placed = place_windows(row, given.weights, given.mask, given.image[None])
    walked = nested.walk(fabric, placed.data, placed.stored)
    layer = pruned.layer
    real = walked.product[:, : layer.rows // layer.groups, :1, : layer.output_size[0], : layer.output_size[1]]
    exact = bool((real.reshape(layer.rows, -1) == given.product).all())
    return Checked(row.layer, row.arch, STEPS, exact, (), tuple(Beside(row, fabric, walked).counts()))
