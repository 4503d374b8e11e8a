"""Layers of CRISP, and the bounds of what becomes of them."""

from functools import cache
from math import ceil

from crisp_hw.accelerators import load_arch
from crisp_hw.spec.descriptors import Descriptor

arch = cache(load_arch)


def hybrid(layer, nm, block, kept, **changes):
    total = ceil(layer.columns / block)
    columns = min(kept * block, layer.columns)
    values = {
        "nnz": layer.rows * columns * nm.n // nm.m,
        "nm": nm,
        "block": block,
        "kept_blocks": kept,
        "total_blocks": total,
        "kept_columns": float(columns),
        "block_density": kept / total,
    }
    return Descriptor(layer, "hybrid", **{**values, **changes})


def bounds(encoded):
    return dict(zip(encoded.design.problem.dims, encoded.design.problem.bounds, strict=True))
