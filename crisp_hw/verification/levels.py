"""A layer as its accelerator runs it: the fabric that is walked, and the operands in the problem's coordinates."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisp_hw.spec.evaluation import LayerEvaluation
from crisp_hw.walk.nested import Fabric

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
    loops = zip(nest.loops, row.point.mapping.bounds, strict=True)
    plain = all(each.plain is not None for each in design.problem.tensors)
    if not plain or set(design.problem.dims) != set("GMNK"):
        return "the layer runs as a convolution, whose windows overlap"
    if row.point.mapping.residuals is not None or any(
        map(any, (nest.streams, nest.no_multicast, nest.no_temporal_reuse))
    ):
        return "tiles of two sizes, or reuse that is forbidden, are not walked"
    if any(each.kind in ("skipping", "position_skipping") for each in design.sparse.actions):
        return "zeros are skipped in time, of which the model knows the expectation"
    if any(loop.level == 0 and loop.kind != "temporal" and bound > 1 for loop, bound in loops):
        return "MACs hand words to their neighbours"
    return ""


def fabric_of(row: LayerEvaluation) -> Fabric:
    """What is walked for a result."""
    design = row.point.design
    names = [level.name for level in design.architecture.levels]
    packed = {(names.index(each.level), each.tensor) for each in design.sparse.formats if each.compressed}
    squeezes = [names.index(each.level) for each in design.sparse.actions if each.kind == "skipping_spatial"]
    return Fabric(design.problem, row.point.mapping, frozenset(packed), squeezes[0] if squeezes else None)


def place(row: LayerEvaluation, weights: Integers, mask: Mask, activations: Integers) -> Placed:
    """A matrix and what it is multiplied by, as the layer runs: A[g, m, k], and B[k, n] or B[g, k, n].

    Row tiles of all columns, or block rows with the blocks that each of them keeps, and their activations.
    """
    problem = row.point.design.problem
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


def _put(into: NDArray[Any], part: NDArray[Any]) -> None:
    into[: part.shape[0], : part.shape[1]] = part
