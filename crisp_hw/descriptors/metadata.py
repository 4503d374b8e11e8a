"""Bits that each sparse format spends on positions, payload not counted; a row is a row of the S x K matrix view."""

from crisp_hw.spec.patterns import NM


def address_bits(positions: int) -> int:
    """Bits that tell `positions` things apart: ceil(log2(positions)), 0 for a single one.

    >>> address_bits(36), address_bits(64), address_bits(1)
    (6, 6, 0)
    """
    return (positions - 1).bit_length()


def csr_bits(rows: int, columns: int, nnz: int) -> int:
    """Compressed sparse rows: a column address per nonzero, and rows + 1 pointers into the nonzeros.

    >>> csr_bits(256, 2304, 65536)
    790801
    """
    return nnz * address_bits(columns) + (rows + 1) * address_bits(nnz + 1)


def ellpack_bits(rows: int, columns: int, longest_row: int) -> int:
    """ELLPACK: every row padded to the longest, a column address per slot.

    >>> ellpack_bits(256, 2304, 256)
    786432
    """
    return rows * longest_row * address_bits(columns)


def bitmask_bits(rows: int, columns: int) -> int:
    """One bit per weight.

    >>> bitmask_bits(2, 8)
    16
    """
    return rows * columns


def rle_bits(words: int, longest_run: int) -> int:
    """Run lengths, each row for itself, in words just wide enough for the longest run of the layer.

    A word counts the zeros before the next nonzero of the row, or, after the last nonzero, up to the row's end (no
    word when nothing follows); so `words` is nnz plus the rows that end in a zero, and the width is
    ceil(log2(longest_run + 1)). No filler entries, no row pointers: the runs of a row and its nonzeros add up to K.

    >>> rle_bits(words=6, longest_run=4)  # 1 0 0 1 | 0 0 0 0 | 0 1 1 0 -> 0, 2 | 4 | 1, 0, 1
    18
    """
    return words * longest_run.bit_length()


def block_index_bits(entries: int, candidates: int) -> int:
    """CRISP's block index: for each of `entries` kept blocks its position among the `candidates` of a block row.

    With blocks that divide the matrix this is S * K' * ceil(log2(K/B)) / B^2. (arXiv 2311.14272 prints log2(K'/B),
    that is as many candidates as are kept, which cannot address the original positions.)

    >>> block_index_bits(entries=256 // 64 * 8, candidates=2304 // 64)
    192
    """
    return entries * address_bits(candidates)


def group_offset_bits(slots: int, nm: NM) -> int:
    """N:M positions as one offset of ceil(log2 M) bits per kept slot; none are needed when the group is full.

    >>> group_offset_bits(256 * 512 // 2, NM(2, 4))
    131072
    """
    return 0 if nm.n == nm.m else slots * address_bits(nm.m)


def group_bitmask_bits(positions: int, nm: NM) -> int:
    """N:M positions as one bit per weight of the kept blocks; none are needed when the group is full.

    >>> group_bitmask_bits(4, NM(3, 4)), group_offset_bits(3, NM(3, 4))
    (4, 6)
    """
    return 0 if nm.n == nm.m else positions


def group_slots(columns: int, nm: NM) -> int:
    """Weights that N:M keeps of `columns` consecutive columns, the last group cut off at the end.

    >>> group_slots(8, NM(2, 4)), group_slots(9, NM(2, 4)), group_slots(11, NM(2, 4))
    (4, 5, 6)
    """
    whole, rest = divmod(columns, nm.m)
    return whole * nm.n + min(nm.n, rest)


def crisp_bits(entries: int, kept_of: tuple[int, int], slots: int, positions: int, nm: NM | None) -> dict[str, int]:
    """CRISP's metadata: `entries` block indices, `slots` N:M slots among `positions` weights of kept blocks.

    `nm` None: kept blocks are dense, and nothing is spent inside them.
    `kept_of` is (kept, all) blocks of a block row. "crisp_block_index_paper" is the index as arXiv 2311.14272 prints
    it, log2(K'/B) bits, and is not part of "crisp".

    >>> crisp_bits(32, (8, 36), 65536, 131072, NM(2, 4))["crisp"]
    131264
    """
    index = block_index_bits(entries, kept_of[1])
    offset = group_offset_bits(slots, nm) if nm else 0
    bitmask = group_bitmask_bits(positions, nm) if nm else 0
    return {
        "crisp": index + min(offset, bitmask),
        "crisp_block_index": index,
        "crisp_block_index_paper": entries * address_bits(max(1, kept_of[0])),
        "crisp_nm_offset": offset,
        "crisp_nm_bitmask": bitmask,
    }
