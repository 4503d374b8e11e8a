"""Pattern -> descriptor: what to expect of a layer before it has a mask."""

from dataclasses import replace
from fractions import Fraction
from math import ceil, log, log1p
from typing import assert_never

import numpy as np

from crisp_hw.descriptors.metadata import bitmask_bits, crisp_bits, csr_bits, ellpack_bits, group_slots, rle_bits
from crisp_hw.errors import InputError, Where
from crisp_hw.spec.descriptors import Descriptor, Role
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM, Dense, Hybrid, Pattern, Unstructured


def pattern_nnz(layer: Layer, pattern: Pattern) -> Fraction:
    """Expected nonzeros of a layer's S x K weight matrix, ragged groups and blocks at their real width.

    N:M keeps min(n, width) of a group that the row's end cuts off; of a ragged block row every block is equally
    likely to survive. Raises InputError for a pattern that the layer cannot have.

    >>> pattern_nnz(Layer("fc", "linear", 4, 10), NM(2, 4))
    Fraction(24, 1)
    """
    match pattern:
        case Dense():
            return Fraction(layer.weights)
        case NM():
            _check_nm(layer, pattern)
            return Fraction(layer.rows * group_slots(layer.columns, pattern))
        case Unstructured(density):
            if not 0 <= density <= 1:
                raise InputError(
                    f"density {density} is not between 0 and 1", Where("workload", layer.name), "give a fraction"
                )
            return Fraction(density) * layer.weights
        case Hybrid(nm, _, kept, total):
            _check_blocks(layer, pattern)
            return pattern_nnz(layer, nm) * kept / total
    assert_never(pattern)


def _check_nm(layer: Layer, nm: NM) -> None:
    if not 1 <= nm.n <= nm.m:
        raise InputError(f"{nm.n}:{nm.m} is no N:M pattern", Where("workload", layer.name), "n must be 1 to m")


def _check_blocks(layer: Layer, pattern: Hybrid) -> None:
    block, nm = pattern.block, pattern.nm
    _check_nm(layer, nm)
    if block < 1 or block % nm.m:
        raise InputError(
            f"block {block} is no multiple of m = {nm.m}", Where("workload", layer.name), "blocks hold whole groups"
        )
    if pattern.total != ceil(layer.columns / block) or not 1 <= pattern.kept <= pattern.total:
        raise InputError(
            (
                f"{pattern.kept} of {pattern.total} blocks do not fit {layer.columns} columns, which are "
                f"{ceil(layer.columns / block)} blocks of {block}"
            ),
            Where("workload", layer.name),
            "keep at least one of them",
        )


def pattern_descriptor(layer: Layer, pattern: Pattern, role: Role) -> Descriptor:
    """The descriptor that a layer of `pattern` is expected to have; sizes in elements, metadata in bits.

    `nnz` and `kept_columns` are expectations over which blocks survive (exact when nothing is ragged), an
    `Unstructured` pattern's longest row and longest run those of nonzeros scattered uniformly. For N:M and blocks,
    "rle" and a ragged row's "ellpack" are upper bounds over the masks of the pattern. Raises InputError for a
    pattern that the layer cannot have.

    >>> found = pattern_descriptor(Layer("c", "linear", 256, 2304), Hybrid(NM(2, 4), 64, 8, 36), "hybrid")
    >>> found.nnz, found.kept_columns, found.metadata_bits["crisp_block_index"], found.metadata_bits["csr"]
    (65536, 512.0, 192, 790801)
    """
    nnz = round(pattern_nnz(layer, pattern))
    longest_row, longest_run, words = _extent(layer, pattern, nnz)
    bits = {
        "csr": csr_bits(layer.rows, layer.columns, nnz),
        "ellpack": ellpack_bits(layer.rows, layer.columns, longest_row),
        "bitmask": bitmask_bits(layer.rows, layer.columns),
        "rle": rle_bits(words, longest_run),
    }
    match pattern:
        case Dense() | Unstructured():
            return Descriptor(layer, role, nnz, longest_row=longest_row, metadata_bits=bits)
        case NM():
            nm = constraint(pattern, layer.columns)
            bits |= crisp_bits(0, (1, 1), nnz, layer.weights, nm)
            return Descriptor(layer, role, nnz, nm, longest_row=longest_row, metadata_bits=bits)
        case Hybrid():
            return _with_blocks(Descriptor(layer, role, nnz, longest_row=longest_row, metadata_bits=bits), pattern)
    assert_never(pattern)


def constraint(nm: NM, columns: int) -> NM | None:
    """n:m, or None when it forbids nothing in a row of `columns`.

    >>> constraint(NM(2, 4), 64), constraint(NM(4, 4), 64), constraint(NM(3, 4), 3)
    (NM(n=2, m=4), None, None)
    """
    return None if nm.n >= min(nm.m, columns) else nm


def _with_blocks(descriptor: Descriptor, pattern: Hybrid) -> Descriptor:
    """The block fields of a hybrid layer's descriptor."""
    layer, kept, total = descriptor.layer, pattern.kept, pattern.total
    nm = constraint(pattern.nm, layer.columns)
    kept_columns = Fraction(layer.columns * kept, total)
    entries = ceil(layer.rows / pattern.block) * kept
    bits = crisp_bits(entries, (kept, total), descriptor.nnz, round(layer.rows * kept_columns), nm)
    ragged = layer.columns % pattern.block and kept < total
    note = f"{layer.columns} columns are no multiple of {pattern.block}: sizes are expectations over the pruned blocks"
    return replace(
        descriptor,
        nm=nm,
        block=pattern.block,
        kept_blocks=kept,
        total_blocks=total,
        kept_columns=float(kept_columns),
        block_density=kept / total,
        metadata_bits={**descriptor.metadata_bits, **bits},
        notes=(note,) if ragged else (),
    )


def _extent(layer: Layer, pattern: Pattern, nnz: int) -> tuple[int, int, int]:
    """Longest row, longest run of zeros and number of run-length words (metadata.rle_bits) to provide for."""
    rows, columns = layer.rows, layer.columns
    match pattern:
        case Dense():
            return columns, 0, nnz
        case Unstructured(density):
            return (
                _longest_random_row(rows, columns, density),
                _longest_random_run(nnz + rows, columns, density),
                nnz + round(rows * (1 - density)),
            )
        case NM(n, m):
            row = group_slots(columns, pattern)
            return row, min(columns - row, 2 * (m - n)), rows * (row + 1)
        case Hybrid(nm, block, kept, total):
            everything, full = group_slots(columns, nm), group_slots(block, nm)
            longest = everything if kept == total else kept * full
            shortest = everything - (total - kept) * full
            run = min(columns - shortest, (total - kept) * block + 2 * (nm.m - nm.n))
            return longest, run, rows * (longest + 1)
    assert_never(pattern)


def _longest_random_row(rows: int, columns: int, density: float) -> int:
    """Expected largest of `rows` binomial counts, rounded: sum over x of 1 - P(count <= x) ** rows."""
    if density in (0, 1):
        return round(columns * density)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, columns + 1)))])
    x = np.arange(columns + 1)
    ways = log_factorial[-1] - log_factorial - log_factorial[::-1]
    below = np.minimum(np.cumsum(np.exp(ways + x * log(density) + (columns - x) * log1p(-density))), 1.0)
    return round(float(np.sum(1 - below[:-1] ** rows)))


def _longest_random_run(runs: int, columns: int, density: float) -> int:
    """Smallest length that fewer than half a run of `runs` exceeds, when a run goes on with chance 1 - density."""
    if density in (0, 1):
        return round(columns * (1 - density))
    return min(columns, ceil(log(2 * runs) / -log1p(-density)))
