"""The tally of a batch: how many accesses really happen, are gated, or are skipped."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.formats import StoredRanks, word_bits
from crisp_hw.engine.tiling import Bool, Int
from crisp_hw.spec.arch import StorageLevel

KINDS = ("random", "gated", "skipped")
OPS = ("reads", "fills", "updates")
WORD = 2**64


@dataclass
class Accesses:
    """Per instance counts, filled in step by step by the SAF functions.

    `data[kind][op]` is int64[S, T, b] in words. `metadata[kind][op]` maps (level, tensor index) to int64[R, 2, b]:
    rank entries of metadata and payload, innermost rank first. `legal_computes` bool[b] is `Computes.legal`.
    """

    data: dict[str, dict[str, Int]]
    metadata: dict[str, dict[str, dict[tuple[int, int], Int]]]
    reductions: Int
    compressions: Int
    decompressions: Int
    random_computes: Int
    gated_computes: Int
    skipped_computes: Int
    legal_computes: Bool


def empty_accesses(shape: tuple[int, ...]) -> Accesses:
    """A tally of zeros for [S, T, b] counts."""

    def zeros() -> NDArray[np.int64]:
        return np.zeros(shape, dtype=np.int64)

    data = {kind: {op: zeros() for op in OPS} for kind in KINDS}
    metadata: dict[str, dict[str, dict[tuple[int, int], Int]]] = {kind: {op: {} for op in OPS} for kind in KINDS}
    random, gated, skipped = (np.zeros(shape[-1], dtype=np.int64) for _ in range(3))
    legal = np.ones(shape[-1], dtype=bool)
    return Accesses(data, metadata, zeros(), zeros(), zeros(), random, gated, skipped, legal)


def unsigned(count: int) -> int:
    """A count as Timeloop keeps it: in an unsigned 64-bit integer, where one below 0 wraps around.

    >>> unsigned(7), unsigned(-1)
    (7, 18446744073709551615)
    """
    return int(count) % WORD


def metadata_bits(
    tally: Accesses, level: StorageLevel, place: tuple[int, int], ranks: StoredRanks | None, key: tuple[str, str]
) -> Int:
    """Bits of metadata moved by one kind of access (`key`: kind and op) of one tensor in one instance, int64[b]."""
    kind, op = key
    batch = tally.reductions.shape[-1]
    if ranks is None or ranks.form is None or level.metadata_width_bits == 0:
        return np.zeros(batch, dtype=np.int64)
    entries, bits = tally.metadata[kind][op][place], np.zeros(batch, dtype=np.int64)
    for r, rank in enumerate(ranks.form.ranks):
        for entry, width in zip(entries[r], word_bits(level, rank), strict=True):
            if width:
                bits = bits + entry * width
    return bits
