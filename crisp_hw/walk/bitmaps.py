"""Bits of bitmaps: one for every word of a tile, or for every tile inside of one, whether anything is stored there."""

from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from crisp_hw.spec.problem import Tensor
from crisp_hw.walk.fabric import MACS, Fabric, Place

Stored = NDArray[np.bool_]


def nested_tiles(fabric: Fabric, tensor: Tensor, level: int) -> list[Place]:
    """The tiles of more than a word that lie in each other from the innermost level that keeps a tensor to this one."""
    sizes = [fabric.tile(tensor, each) for each in fabric.keepers(tensor) if each <= level]
    return [size for size in sizes if prod(size) > 1]


def bits_held(fabric: Fabric, tensor: Tensor, stored: Stored, level: int, begins: Place) -> int:
    """The bits that a level has of a tile that begins here; none of an empty one."""
    sizes = nested_tiles(fabric, tensor, level)
    return _inside(fabric.bitmaps[level, tensor.name], sizes, stored, begins)


def bits_sent(fabric: Fabric, tensor: Tensor, stored: Stored, link: tuple[int, int], begins: Place) -> int:
    """The bits that go with a tile from a level to the next one inside: is anything in it, and its own.

    The MACs are sent the bit of every word that they ask for.
    """
    parent, child = link
    if child == MACS:
        return 1
    maps, sizes = fabric.bitmaps[parent, tensor.name], nested_tiles(fabric, tensor, parent)
    return int(maps[-1]) + _inside(maps[:-1], sizes[:-1], stored, begins)


def _inside(maps: tuple[bool, ...], sizes: list[Place], stored: Stored, begins: Place) -> int:
    """Bits of a tile of the last of these sizes, innermost first; `maps` says which of them have a bitmap."""
    size = sizes[-1]
    if not stored[tuple(slice(at, at + extent) for at, extent in zip(begins, size, strict=True))].any():
        return 0
    if len(sizes) == 1:
        return prod(size) if maps[0] else 0
    steps = (range(at, at + extent, by) for at, extent, by in zip(begins, size, sizes[-2], strict=True))
    return sum(int(maps[-1]) + _inside(maps[:-1], sizes[:-1], stored, each) for each in product(*steps))
