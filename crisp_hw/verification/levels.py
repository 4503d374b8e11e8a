"""A layer as its accelerator runs it: the fabric that is walked, and the operands in the problem's coordinates."""

from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisp_hw.spec.evaluation import LayerEvaluation
from crisp_hw.spec.runs import CONVOLUTION_DIMS
from crisp_hw.walk.bitmaps import nested_tiles
from crisp_hw.walk.fabric import Fabric

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Placed:
    """Operands by the names of the problem's tensors, in its coordinates, and which of their words are stored."""

    data: dict[str, Integers]
    stored: dict[str, Mask]


def refusal(row: LayerEvaluation) -> str:
    """Why the nest of a result cannot be walked; "" where it can."""
    design, nest = row.point.design, row.point.mapping.nest
    if row.point.mapping.residuals is not None or any(
        map(any, (nest.streams, nest.no_multicast, nest.no_temporal_reuse))
    ):
        return "tiles of two sizes, or reuse that is forbidden, are not walked"
    fabric = fabric_of(row)
    if any(tensor == "Z" for _, tensor in fabric.skips_tiles):
        return "sums that are skipped on their way between two levels are not walked"
    packed = {
        tensor.name for tensor in design.problem.tensors if (min(fabric.keepers(tensor)), tensor.name) in fabric.packed
    }
    if any(not asked <= packed for asked in fabric.skips_tiles.values()):
        return "tiles that are skipped for what is not stored packed are not walked"
    if fabric.skips_tiles and design.problem.dims == CONVOLUTION_DIMS:
        return "windows whose tiles are skipped between two levels are not walked"
    return _unlinked(row, fabric)


def _unlinked(row: LayerEvaluation, fabric: Fabric) -> str:
    """Why words that MACs hand to their neighbours cannot be walked; "" where they can, or where none are."""
    if fabric.linked & frozenset(fabric.skips):
        return "MACs that hand words on although they skip some are not walked"
    loops = zip(row.point.mapping.nest.loops, row.point.mapping.bounds, strict=True)
    kinds = [(loop.kind, bound) for loop, bound in loops if loop.level == 0 and loop.kind != "temporal" and bound > 1]
    columns = prod(bound for kind, bound in kinds if kind == "x")
    rows = prod(bound for kind, bound in kinds if kind != "x")
    in_order = [kind for kind, _ in kinds] == sorted(kind for kind, _ in kinds)
    if fabric.linked and rows > 1 and (columns < row.point.design.architecture.fanouts[0][0] or not in_order):
        return "MACs of rows that are used in part hand words on; Timeloop lays their next row beside them"
    return ""


def fabric_of(row: LayerEvaluation) -> Fabric:
    """What is walked for a result."""
    design = row.point.design
    names = [level.name for level in design.architecture.levels]
    packed = {(names.index(each.level), each.tensor) for each in design.sparse.formats if each.compressed}
    squeezes = [names.index(each.level) for each in design.sparse.actions if each.kind == "skipping_spatial"]
    skips, tiles = {}, {}
    for action in design.sparse.actions:
        for option in action.options if action.kind == "skipping" else ():
            keepers = [level for level, kept in enumerate(row.point.mapping.nest.keeps) if option.target in kept]
            level = next(each for each in keepers if each >= names.index(action.level))
            if level == keepers[0]:
                skips[option.target] = frozenset(option.condition_on)
            else:
                tiles[level, option.target] = frozenset(option.condition_on)
    lanes = squeezes[0] if squeezes else None
    plain = Fabric(design.problem, row.point.mapping, frozenset(packed), lanes, skips, tiles, _linked(row))
    return replace(plain, bitmaps=_bitmaps(row, plain))


def _bitmaps(row: LayerEvaluation, fabric: Fabric) -> dict[tuple[int, str], tuple[bool, ...]]:
    """What is stored with a bitmap of one bit for each of its nested tiles, or with a rank of no bits there."""
    design, found = row.point.design, dict[tuple[int, str], tuple[bool, ...]]()
    names = [level.name for level in design.architecture.levels]
    for form in design.sparse.formats if design.problem.dims != CONVOLUTION_DIMS else ():
        level, tensor = names.index(form.level), design.problem.tensor(form.tensor)
        maps = tuple(rank.format == "B" for rank in form.ranks)
        bits = [(rank.metadata_bits, rank.payload_bits) for rank in form.ranks]
        plain = all(each == (1 if mapped else 0, 0) for each, mapped in zip(bits, maps, strict=True))
        if any(maps) and plain and len(nested_tiles(fabric, tensor, level)) == len(maps):
            found[level, form.tensor] = maps
    return found


def _linked(row: LayerEvaluation) -> frozenset[str]:
    """What a MAC can take from its neighbour, operands and sums: all, unless the file says otherwise."""
    nest = row.point.mapping.nest
    loops = zip(nest.loops, row.point.mapping.bounds, strict=True)
    if not any(loop.level == 0 and loop.kind != "temporal" and bound > 1 for loop, bound in loops):
        return frozenset()
    never = nest.no_link_transfer[0] if nest.no_link_transfer else frozenset()
    return frozenset(each.name for each in row.point.design.problem.tensors) - never


def packs(row: LayerEvaluation) -> frozenset[str]:
    """The operands whose nonzeros the innermost level packs into lanes."""
    kind = "position_skipping"
    actions = (each for each in row.point.design.sparse.actions if each.kind == kind)
    return frozenset(option.target for action in actions for option in action.options)


def place(row: LayerEvaluation, weights: Integers, mask: Mask, activations: Integers) -> Placed:
    """A matrix and what it is multiplied by, as the layer runs: A[g, m, k], and B[k, n] or B[g, k, n].

    Row tiles of all columns, or block rows with the blocks that each of them keeps, and their activations.
    """
    problem = row.point.design.problem
    if problem.dims == CONVOLUTION_DIMS:
        return place_windows(row, weights, mask, activations.T[:, :, None, None])
    groups, rows, positions, columns = (problem.bound(dim) for dim in "GMNK")
    gathers = "G" in problem.tensor("B").dims
    a, kept = np.zeros((groups, rows, columns), np.int64), np.zeros((groups, rows, columns), bool)
    b = np.zeros((groups, columns, positions) if gathers else (columns, positions), np.int64)
    if not gathers:
        _put(b, activations)
    block = (row.descriptor.block or 1) if gathers else weights.shape[1]
    for group in range(groups):
        mine = slice(group * (block if gathers else rows), (group + 1) * (block if gathers else rows))
        blocks = [at for at in range(0, weights.shape[1], block) if not gathers or mask[mine, at : at + block].any()]
        for number, at in enumerate(blocks):
            _put(a[group, :, number * block :], np.where(mask, weights, 0)[mine, at : at + block])
            _put(kept[group, :, number * block :], mask[mine, at : at + block])
            if gathers:
                _put(b[group, number * block :], activations[at : at + block])
    return Placed({"A": a, "B": b}, {"A": kept, "B": b != 0})


def place_windows(row: LayerEvaluation, weights: Integers, mask: Mask, images: Integers) -> Placed:
    """Filters and images int[images, channels, height, width], padded, of a convolution: A[g,m,c,r,s], B[g,n,c,h,w]."""
    problem, layer = row.point.design.problem, row.descriptor.layer
    groups, kernel = layer.groups, layer.kernel if layer.kind == "conv2d" else (1, 1)
    filters = (groups, layer.rows // groups, *kernel, layer.in_channels // groups)
    placed = Placed({}, {})
    kept = np.where(mask, weights, 0)
    parts = {
        "A": [each.reshape(filters).transpose(0, 1, 4, 2, 3) for each in (kept, mask)],
        "B": [
            each.reshape(len(images), groups, -1, *images.shape[2:]).swapaxes(0, 1) for each in (images, images != 0)
        ],
    }
    for name, (words, there) in parts.items():
        shape = [
            1 + sum(t.coefficient * (problem.bound(t.dim) - 1) for t in rank) for rank in problem.tensor(name).ranks
        ]
        grown = [(0, size - own) for size, own in zip(shape, words.shape, strict=True)]
        placed.data[name], placed.stored[name] = np.pad(words, grown).astype(np.int64), np.pad(there, grown)
    return placed


def _put(into: NDArray[Any], part: NDArray[Any]) -> None:
    into[: part.shape[0], : part.shape[1]] = part
