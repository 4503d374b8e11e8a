"""Descriptor and accelerator -> design, constraints and assumptions: how an accelerator runs a pruned layer."""

from crisp_hw.encode.described import Masks, described
from crisp_hw.encode.encode import baseline, encode, encodings, runs_layer
from crisp_hw.encode.index import index_line
from crisp_hw.encode.masks import actual_weights, hybrid_weights, with_density
from crisp_hw.encode.overhead import overhead_lines, uncounted
from crisp_hw.encode.silicon import silicon_of
from crisp_hw.spec.encoded import BlockIndex, Encoded, IndexLine

__all__ = [
    "BlockIndex",
    "Encoded",
    "IndexLine",
    "Masks",
    "actual_weights",
    "baseline",
    "described",
    "encode",
    "encodings",
    "hybrid_weights",
    "index_line",
    "overhead_lines",
    "runs_layer",
    "silicon_of",
    "uncounted",
    "with_density",
]
