"""The tally of a batch: how many accesses really happen, are gated, or are skipped."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.tiling import Int

KINDS = ("random", "gated", "skipped")
OPS = ("reads", "fills", "updates")


@dataclass
class Accesses:
    """Per instance counts, filled in step by step by the SAF functions.

    `data[kind][op]` is int64[S, T, b] in words. `metadata[kind][op]` maps (level, tensor index) to int64[R, 2, b]:
    rank entries of metadata and payload, innermost rank first.
    """

    data: dict[str, dict[str, Int]]
    metadata: dict[str, dict[str, dict[tuple[int, int], Int]]]
    reductions: Int
    compressions: Int
    decompressions: Int
    random_computes: Int
    gated_computes: Int
    skipped_computes: Int
    notes: list[str] = field(default_factory=list)


def empty_accesses(shape: tuple[int, ...]) -> Accesses:
    """A tally of zeros for [S, T, b] counts."""

    def zeros() -> NDArray[np.int64]:
        return np.zeros(shape, dtype=np.int64)

    data = {kind: {op: zeros() for op in OPS} for kind in KINDS}
    metadata: dict[str, dict[str, dict[tuple[int, int], Int]]] = {kind: {op: {} for op in OPS} for kind in KINDS}
    totals = [np.zeros(shape[-1], dtype=np.int64) for _ in range(3)]
    return Accesses(data, metadata, zeros(), zeros(), zeros(), *totals)
