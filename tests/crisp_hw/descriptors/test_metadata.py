"""Bits of metadata are those that an encoder of the format writes."""

import numpy as np
from drawn_masks import crisp_masks, masks, pruned
from hypothesis import given

from crisp_hw.descriptors import describe


def word(value, width):
    """`value` in `width` bits; fails when it does not fit."""
    text = format(value, "b") if value else ""
    assert len(text) <= width, (value, width)
    return text.rjust(width, "0")


class Reader:
    def __init__(self, bits):
        self.bits, self.at = bits, 0

    def take(self, width):
        self.at += width
        return int(self.bits[self.at - width : self.at] or "0", 2)


def width_for(things):
    """Fewest bits that tell `things` values apart, found by counting up."""
    return next(width for width in range(64) if 2**width >= things)


def encode_csr(mask):
    rows, columns = mask.shape
    pointers = [int(mask[:row].sum()) for row in range(rows + 1)]
    addresses = [column for row in mask for column in np.flatnonzero(row)]
    pointer, address = width_for(len(addresses) + 1), width_for(columns)
    bits = "".join(word(p, pointer) for p in pointers) + "".join(word(int(a), address) for a in addresses)
    reader, back = Reader(bits), np.zeros_like(mask)
    starts = [reader.take(pointer) for _ in range(rows + 1)]
    for row in range(rows):
        for _ in range(starts[row + 1] - starts[row]):
            back[row, reader.take(address)] = True
    return bits, back


def encode_ellpack(mask):
    rows, columns = mask.shape
    longest, address = max(row.sum() for row in mask), width_for(columns)
    bits, back = "", np.zeros_like(mask)
    for row in mask:
        kept = [int(c) for c in np.flatnonzero(row)]
        # A slot that is not needed repeats an address; its value is zero.
        bits += "".join(word(c, address) for c in kept + [0] * (longest - len(kept)))
    reader = Reader(bits)
    for row in range(rows):
        found = [reader.take(address) for _ in range(longest)]
        back[row, found[: int(mask[row].sum())]] = True
    return bits, back


def encode_rle(mask):
    rows, columns = mask.shape
    runs = [[len(zeros) for zeros in "".join("01"[int(v)] for v in row).split("1")] for row in mask]
    width = width_for(max(run for row in runs for run in row) + 1)
    words = [run for row in runs for run in (row[:-1] + ([row[-1]] if row[-1] else []))]
    bits, back = "".join(word(run, width) for run in words), np.zeros_like(mask)
    reader = Reader(bits)
    for row in range(rows):
        column = 0
        while column < columns:
            column += reader.take(width)
            if column < columns:
                back[row, column] = True
            column += 1
    assert reader.at == len(bits)
    return bits, back


def encode_crisp(mask, nm, block, kept, total):
    """Kept blocks by index, then offsets per row and group; a group with fewer nonzeros repeats its last slot."""
    rows, columns = mask.shape
    back, indices, offsets = np.zeros_like(mask), "", ""
    for top in range(0, rows, block):
        live = [b for b in range(total) if mask[top : top + block, b * block : (b + 1) * block].any()]
        assert len(live) == kept
        for b in live:
            indices += word(b, width_for(total))
            for row in range(top, min(top + block, rows)):
                for start in range(b * block, min((b + 1) * block, columns), nm.m):
                    group = [int(c) for c in np.flatnonzero(mask[row, start : min(start + nm.m, columns)])]
                    slots = min(nm.n, columns - start)
                    offsets += "".join(word(c, width_for(nm.m)) for c in (group + [0] * slots)[:slots])
                    back[row, [start + c for c in group[:slots]]] = True
    return indices, offsets, back


@given(masks)
def test_general_formats_are_what_encoding_takes(mask):
    bits = describe(pruned(mask)).metadata_bits
    for name, encode in (("csr", encode_csr), ("ellpack", encode_ellpack), ("rle", encode_rle)):
        text, back = encode(mask)
        assert np.array_equal(back, mask), name
        assert bits[name] == len(text), name
    assert bits["bitmask"] == len("".join("01"[int(kept)] for row in mask for kept in row))


def test_run_lengths_do_not_depend_on_the_chunks(monkeypatch):
    mask = np.random.default_rng(0).random((40, 30)) < 0.1
    whole = describe(pruned(mask)).metadata_bits["rle"]
    for chunk in (1, 31, 60, 100, 1199):
        monkeypatch.setattr("crisp_hw.descriptors.mask.CHUNK", chunk)
        assert describe(pruned(mask)).metadata_bits["rle"] == whole


@given(crisp_masks())
def test_crisp_format_is_what_encoding_takes(case):
    mask, nm, block, kept, total = case
    found = describe(pruned(mask, nm, block))
    assert (found.kept_blocks, found.total_blocks, found.balanced) == (kept, total, True)
    assert found.block_density == kept / total
    assert not any("claims" in note and "none of them is empty" not in note for note in found.notes)
    indices, offsets, back = encode_crisp(mask, nm, block, kept, total)
    assert np.array_equal(back, mask)
    assert found.metadata_bits["crisp_block_index"] == len(indices)
    if found.nm == nm:
        assert found.metadata_bits["crisp_nm_offset"] == len(offsets)
        pieces = (found.metadata_bits["crisp_nm_offset"], found.metadata_bits["crisp_nm_bitmask"])
        assert found.metadata_bits["crisp"] == len(indices) + min(pieces)
        assert found.metadata_bits["crisp_nm_bitmask"] == found.kept_columns * mask.shape[0]
