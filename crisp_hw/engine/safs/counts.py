"""The tally of a batch: how many accesses really happen, are gated, or are skipped."""

from dataclasses import dataclass

from crisp_hw.engine.arrays import Bool, Int
from crisp_hw.engine.formats import StoredRanks
from crisp_hw.engine.tiling import Counts, Place
from crisp_hw.spec.arch import StorageLevel

KINDS = ("random", "gated", "skipped")
OPS = ("reads", "fills", "updates")
WORD = 2**64

Entries = tuple[tuple[Int | None, Int | None], ...]
"""Metadata and payload entries of each rank, innermost first, int64[b]; None where a rank never has any."""


@dataclass
class Accesses:
    """Per instance counts, filled in step by step by the SAF functions.

    `data[kind][op]` are words by (level, tensor index), `metadata[kind][op]` entries of ranks, both only where there
    can be any. `legal_computes` bool[b] is `Computes.legal`.
    """

    data: dict[str, dict[str, Counts]]
    metadata: dict[str, dict[str, dict[Place, Entries]]]
    compressions: Counts
    decompressions: Counts
    random_computes: Int
    gated_computes: Int
    skipped_computes: Int
    legal_computes: Bool


def empty_accesses(nothing: Int) -> Accesses:
    """A tally in which nothing happens yet; `nothing` is int64[b] of zeros."""
    data = {kind: {op: Counts(nothing) for op in OPS} for kind in KINDS}
    metadata: dict[str, dict[str, dict[Place, Entries]]] = {kind: {op: {} for op in OPS} for kind in KINDS}
    return Accesses(data, metadata, Counts(nothing), Counts(nothing), nothing, nothing, nothing, nothing == 0)


def entry(tally: Accesses, key: tuple[str, str], place: Place, rank: tuple[int, int]) -> Int:
    """Entries of one kind of access (`key`: kind and op) of a rank: (its number, 0 for metadata or 1 for payload)."""
    entries = tally.metadata[key[0]][key[1]].get(place)
    found = None if entries is None else entries[rank[0]][rank[1]]
    return tally.compressions.nothing if found is None else found


def unsigned(count: int) -> int:
    """A count as Timeloop keeps it: in an unsigned 64-bit integer, where one below 0 wraps around.

    >>> unsigned(7), unsigned(-1)
    (7, 18446744073709551615)
    """
    return int(count) % WORD


def metadata_bits(
    tally: Accesses, level: StorageLevel, place: Place, ranks: StoredRanks | None, key: tuple[str, str]
) -> Int | None:
    """Bits of metadata moved by one kind of access (`key`: kind and op) of one tensor in one instance; None: never."""
    entries = tally.metadata[key[0]][key[1]].get(place)
    if entries is None or ranks is None or ranks.form is None or level.metadata_width_bits == 0:
        return None
    bits: Int | None = None
    for widths, held in zip(ranks.widths, entries, strict=True):
        for count, width in zip(held, widths, strict=True):
            if count is not None and width:
                bits = count * width if bits is None else bits + count * width
    return bits
