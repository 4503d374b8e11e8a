"""Tiles that a level does not send on, because nothing that they would meet is stored."""

from collections.abc import Mapping
from itertools import groupby
from operator import add

import numpy as np
from numpy.typing import NDArray

from crisp_hw.spec.problem import Tensor
from crisp_hw.walk.fabric import Fabric, Place

Missing = dict[tuple[int, str], list[frozenset[Place]]]
"""By level and tensor: for every step outside of the level, its instances whose tile was left out."""


def left_out(
    fabric: Fabric, tensor: Tensor, stored: Mapping[str, NDArray[np.bool_]], link: tuple[int, int], known: Missing
) -> list[frozenset[Place]]:
    """The instances inside a link whose tile is not sent, for every step; `known` are those of the levels outside.

    One read serves all instances that ask for a tile in one step, and as long as they hold it. It is left out if, for
    some other operand, none of them meets a word that is stored; and where the level itself was not sent its tile.
    """
    parent, child = link
    times, above, outside = fabric.times(child), len(fabric.spatial(parent)), known.get((parent, tensor.name), [])
    asked = fabric.skips_tiles.get((parent, tensor.name), frozenset())
    if not asked and not any(outside):
        return [frozenset()] * len(times)
    others = [each for each in fabric.problem.tensors if each.name in asked]
    lanes = [(lane, far, (lane[:above], fabric.corner(tensor, far))) for lane, far in fabric.instances(child)]
    found: list[frozenset[Place]] = []
    for _, steps in groupby(range(len(times)), key=lambda number: fabric.corner(tensor, times[number])):
        held, meets = list(steps), set[tuple[object, str]]()
        for number in held:
            for _, far, group in lanes:
                for each in others:
                    if (group, each.name) not in meets and _any_in(
                        stored[each.name],
                        fabric.corner(each, tuple(map(add, times[number], far))),
                        fabric.tile(each, child),
                    ):
                        meets.add((group, each.name))
        useless = {lane for lane, _, group in lanes if any((group, each.name) not in meets for each in others)}
        for number in held:
            lost = outside[number * len(outside) // len(times)] if outside else frozenset()
            found.append(frozenset(useless | {lane for lane, _, _ in lanes if lane[:above] in lost}))
    return found


def _any_in(stored: NDArray[np.bool_], begins: Place, size: Place) -> bool:
    """Is a word of a tile stored?"""
    return bool(stored[tuple(slice(at, at + extent) for at, extent in zip(begins, size, strict=True))].any())
