"""Patterns of rows and of activations as densities of the encoded problem: N:M of N:M, N:M by row, N:M activations."""

import numpy as np

from crisp_hw.encode.masks import gathered, matrix_rows
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.patterns import NM, PatternedLines, TwoRank, expected_in_line
from crisp_hw.spec.problem import Problem
from crisp_hw.spec.runs import CONVOLUTION_DIMS

ALONE = NM(1, 1)  # N:M alone is one group of every one
ROUNDING = 0.5  # nonzeros: an expectation is rounded to a whole number of them


def line_weights(descriptor: Descriptor, problem: Problem) -> PatternedLines | None:
    """Rows of N:M of N:M, or of another N:M each, as the tensor A of a problem; None where the layer has neither.

    Wanted are exactly so many nonzeros as these patterns keep. Rows of one pattern stand together, sparsest first.
    """
    layer = descriptor.layer
    patterns = _patterns(descriptor)
    if not patterns or problem.dims == CONVOLUTION_DIMS or gathered(layer, problem):
        return None
    held = sum(count * expected_in_line(each, layer.columns) for each, count in patterns)
    if abs(held - descriptor.nnz) > ROUNDING:
        return None
    of_row = np.repeat(np.arange(len(patterns)), [count for _, count in patterns])
    rows = matrix_rows(layer, None, problem)
    lines = np.where(rows >= 0, of_row[np.maximum(rows, 0)], -1)
    kinds = tuple(each for each, _ in patterns)
    shape = (*rows.shape, problem.bound("K"))
    return PatternedLines(kinds, tuple(lines.ravel().tolist()), shape, len(shape) - 1, layer.columns)


def _patterns(descriptor: Descriptor) -> list[tuple[TwoRank, int]]:
    """Patterns with the rows that have them."""
    if descriptor.row_patterns:
        return [(TwoRank(ALONE, each.nm), each.rows) for each in descriptor.row_patterns]
    return [(descriptor.two_rank, descriptor.layer.rows)] if descriptor.two_rank else []


def line_activations(descriptor: Descriptor, nm: NM, problem: Problem) -> PatternedLines | None:
    """Activations of N:M along input channels as the tensor B of a problem, padded positions empty.

    None where groups of m channels are no groups of the rank K. Padded channels go on with the pattern: they have no
    weights, which counts already.

    >>> from crisp_hw.spec.layer import Layer
    >>> from crisp_hw.spec.problem import Tensor, Term
    >>> a, b = (Tensor(name, tuple((Term(dim),) for dim in dims)) for name, dims in (("A", "GMK"), ("B", "KN")))
    >>> problem = Problem("gemm", ("G", "M", "N", "K"), (1, 2, 4, 8), (a, b))
    >>> line_activations(Descriptor(Layer("fc", "linear", 2, 8, tokens=3), "nm", 16), NM(1, 4), problem).lines
    (0, 0, 0, -1)
    """
    layer = descriptor.layer
    if problem.dims == CONVOLUTION_DIMS or (layer.in_channels // layer.groups) % nm.m:
        return None
    if gathered(layer, problem) and (descriptor.block or 1) % nm.m:
        return None
    dims = problem.tensor("B").dims
    others = [dim for dim in ("G", "K", "N") if dim in dims and dim != "K"]
    real = np.arange(problem.bound("N")) < layer.positions
    lines = np.broadcast_to(np.where(real, 0, -1), [problem.bound(dim) for dim in others])
    shape = tuple(problem.bound(dim) for dim in ("G", "K", "N") if dim in dims)
    return PatternedLines((TwoRank(ALONE, nm),), tuple(lines.ravel().tolist()), shape, len(shape) - 2, shape[-2])
