"""Weights in the encoded problem's coordinates: the mask A[g,m,k] itself, or the blocks and groups it consists of."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError
from crisp_hw.spec.descriptors import Descriptor, PrunedLayer
from crisp_hw.spec.encoded import Encoded
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM, Actual, Density, Hybrid, HybridBlocks
from crisp_hw.spec.problem import Problem
from crisp_hw.spec.runs import CONVOLUTION_DIMS

Mask = NDArray[np.bool_]
Int = NDArray[np.int64]


def actual_weights(pruned: PrunedLayer, problem: Problem) -> Actual:
    """The mask of a layer as the tensor A of its encoded problem, bool[G, M, K]; no nonzero is lost or made.

    Rows are cut into G groups of M; with blocks, the groups are block rows and K runs over each one's own kept blocks.
    Padding is zero. Raises InputError where a block row keeps more blocks than the problem has room for.

    >>> from crisp_hw.spec.problem import Tensor, Term
    >>> a, b = (Tensor(name, tuple((Term(dim),) for dim in dims)) for name, dims in (("A", "GMK"), ("B", "KN")))
    >>> problem = Problem("gemm", ("G", "M", "N", "K"), (2, 2, 1, 4), (a, b))
    >>> layer = PrunedLayer(Layer("fc", "linear", 3, 4), "nm", np.eye(3, 4, dtype=bool))
    >>> actual_weights(layer, problem).mask.astype(int).tolist()
    [[[1, 0, 0, 0], [0, 1, 0, 0]], [[0, 0, 1, 0], [0, 0, 0, 0]]]
    """
    layer = pruned.layer
    mask = np.ones((layer.rows, layer.columns), bool) if pruned.mask is None else pruned.mask
    if problem.dims == CONVOLUTION_DIMS:
        return Actual(_filters(layer, mask, problem))
    rows = matrix_rows(layer, pruned.block, problem)
    out = np.zeros((*rows.shape, problem.bound("K")), dtype=bool)
    if gathered(layer, problem) and pruned.block:
        for group in range(len(rows)):
            inside = rows[group][rows[group] >= 0]
            if len(inside):
                columns = _gathered_columns(pruned, mask[inside], pruned.block, (group, out.shape[-1]))
                out[group, : len(inside), : len(columns)] = np.where(columns >= 0, mask[inside][:, columns], False)
    else:
        out[rows >= 0, : layer.columns] = mask[rows[rows >= 0]]
    return Actual(out)


def _filters(layer: Layer, mask: Mask, problem: Problem) -> Mask:
    """The mask as filters, bool[G, M, C, R, S]; columns of the matrix run over height, width and channels."""
    rows, channels = layer.rows // layer.groups, layer.in_channels // layer.groups
    filters = mask.reshape(layer.groups, rows, *layer.kernel, channels).transpose(0, 1, 4, 2, 3)
    padding = [(0, problem.bound(dim) - size) for dim, size in zip(CONVOLUTION_DIMS[:5], filters.shape, strict=True)]
    return np.pad(filters, padding)


def hybrid_weights(descriptor: Descriptor, problem: Problem) -> HybridBlocks | None:
    """The pattern of a layer's weights as the tensor A of its encoded problem; None where no pattern was found.

    Wanted are exactly N:M (or nothing) in blocks of which every block row keeps as many.
    """
    layer, nm = descriptor.layer, descriptor.nm or NM(1, 1)
    if problem.dims == CONVOLUTION_DIMS:
        said = f"{layer.name}: is run as a convolution, whose tiles of weights are no blocks of a matrix"
        raise InputError(said, hint="use density model or actual")
    if descriptor.role != "hybrid" or descriptor.block is None:
        if descriptor.nm is None and descriptor.density < 1:
            return None
        pattern, columns = Hybrid(nm, -(-layer.columns // nm.m) * nm.m, 1, 1), layer.columns
    else:
        kept, total, block = descriptor.kept_blocks, descriptor.total_blocks, descriptor.block
        full = descriptor.nm is not None or descriptor.nnz == (descriptor.kept_columns or 0) * layer.rows
        if kept is None or total is None or block % nm.m or not full:
            return None
        pattern, columns = Hybrid(nm, block, kept, total), layer.columns
        if gathered(layer, problem):
            pattern, columns = Hybrid(nm, block, kept, kept), kept * block
    rows = matrix_rows(layer, descriptor.block, problem)
    block_rows = np.where(rows >= 0, rows // (descriptor.block or 1), -1)
    shape = (*rows.shape, problem.bound("K"))
    return HybridBlocks(pattern, shape, tuple(block_rows.ravel().tolist()), columns)


def with_density(encoded: Encoded, name: str, density: Density, said: str) -> Encoded:
    """The same layer with another density of a tensor, and a line that says so."""
    problem = encoded.design.problem
    tensors = tuple(replace(each, density=density) if each.name == name else each for each in problem.tensors)
    design = replace(encoded.design, problem=replace(problem, tensors=tensors))
    return replace(encoded, design=design, assumptions=(*encoded.assumptions, said))


def matrix_rows(layer: Layer, block: int | None, problem: Problem) -> Int:
    """Row of the weight matrix that lies at A[g, m, :], -1 where there is only padding: int64[G, M]."""
    groups, height = problem.bound("G"), problem.bound("M")
    if layer.groups > 1:
        chunk = layer.rows // layer.groups
    elif gathered(layer, problem) and block:
        chunk = min(block, layer.rows)
    else:
        chunk = height
    inside = np.arange(height)
    rows = np.arange(groups)[:, None] * chunk + inside
    return np.where((inside < chunk) & (rows < layer.rows), rows, -1)


def gathered(layer: Layer, problem: Problem) -> bool:
    """Does every block row have columns, and so activations, of its own?"""
    return layer.groups == 1 and "G" in problem.tensor("B").dims


def _gathered_columns(pruned: PrunedLayer, rows: Mask, block: int, place: tuple[int, int]) -> Int:
    """Matrix columns of the live blocks of one block row, each block in its full width (-1: beyond the matrix)."""
    group, room = place
    live = np.flatnonzero(np.logical_or.reduceat(rows.any(axis=0), np.arange(0, rows.shape[1], block)))
    if len(live) * block > room:
        raise InputError(
            (
                f"{pruned.layer.name}: block row {group} keeps {len(live)} blocks of {block} columns, more "
                f"than the {room // block} that the problem has room for"
            ),
            hint="encode the layer with this mask",
        )
    columns = (live[:, None] * block + np.arange(block)).ravel()
    return np.where(columns < rows.shape[1], columns, -1)
