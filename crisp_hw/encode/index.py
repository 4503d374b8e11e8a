"""The block index of gathered weights, counted beside the model.

Why beside it: a Sparseloop rank belongs to a loop, and the loops of A (lanes, rows, K steps) do not end where a block
ends. A CP rank on the K loop of the accumulators would hold one entry per step and 16 rows instead of one per block, so
it overcounts by (block / 16)^2 at 16 lanes, and differently in every mapping. The closed form is exact and small.
"""

from math import ceil

from crisp_hw.spec.encoded import Encoded, IndexLine
from crisp_hw.spec.result import Result, TensorCounts


def index_line(encoded: Encoded, result: Result) -> IndexLine:
    """Bits of block index that move with the weights, and their energy in pJ.

    Whenever a level delivers or takes the whole of A once, it delivers or takes every index once: bits = blocks x
    bits x (dense accesses to A / elements of A). The `carriers` take part (backing store and buffers); energy is whole
    metadata accesses. All zero when there is no index.
    """
    index, design = encoded.block_index, encoded.design
    if index is None:
        return IndexLine({}, {}, {})
    a = design.problem.tensor("A")
    elements = 1
    for dim in a.dims:
        elements *= design.problem.bound(dim)
    read_bits, fill_bits, energy = {}, {}, {}
    for level in result.levels:
        counts = level.tensors.get("A")
        if counts is None or level.name not in encoded.carriers:
            continue
        read_bits[level.name] = _bits(counts, counts.reads, index.blocks * index.bits / elements)
        fill_bits[level.name] = _bits(counts, counts.fills, index.blocks * index.bits / elements)
        width = design.architecture.level(level.name).metadata_width_bits
        cost = design.energy.actions.get(level.name, {})
        energy[level.name] = ceil(read_bits[level.name] / width) * cost.get("metadata_read", 0.0) + ceil(
            fill_bits[level.name] / width
        ) * cost.get("metadata_write", 0.0)
    return IndexLine(read_bits, fill_bits, energy)


def _bits(counts: TensorCounts, accesses: int, bits_per_element: float) -> int:
    return ceil(accesses * counts.utilized_instances * bits_per_element)
