"""Mask -> descriptor: every claim of the file is checked against the bits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crisp_hw.descriptors.metadata import bitmask_bits, crisp_bits, csr_bits, ellpack_bits, group_slots, rle_bits
from crisp_hw.descriptors.pattern import constraint, pattern_descriptor
from crisp_hw.descriptors.ranks import row_patterns, two_rank
from crisp_hw.errors import InputError
from crisp_hw.spec.descriptors import SHRUNK, Descriptor, PrunedLayer, PrunedModel
from crisp_hw.spec.patterns import NM, Dense

Mask = NDArray[np.bool_]

# Group size that is looked for when the file claims none: what NVIDIA's sparse tensor cores use (2:4).
DEFAULT_M = 4
# Weights that are looked at at once, because their positions and counts take up to 24 times the memory of the mask.
CHUNK = 2**16


def describe_model(model: PrunedModel) -> tuple[Descriptor, ...]:
    """`describe` for every layer, in order, with the channels that the file says were taken away.

    >>> from crisp_hw.spec.layer import Layer
    >>> fc = PrunedLayer(Layer("fc", "linear", 2, 4), "dense")
    >>> [layer.nnz for layer in describe_model(PrunedModel("mlp", (fc,)))]
    [8]
    """
    shrunk = model.provenance.get(SHRUNK)
    known = shrunk if isinstance(shrunk, Mapping) else {}
    return tuple(_with_shrunk(describe(layer), known.get(layer.layer.name)) for layer in model.layers)


def _with_shrunk(found: Descriptor, sizes: object) -> Descriptor:
    """With a note, where a layer lost channels for good; `sizes` are how many it had and has."""
    match sizes:
        case [int(had), int(has)] if has < had:
            note = f"shrunk: {had - has} of {had} output channels were taken away"
            return replace(found, notes=(*found.notes, note))
    return found


def describe(pruned: PrunedLayer) -> Descriptor:
    """What the mask of a layer really is; `notes` say where the claimed n:m, block or role is wrong.

    The mask is bool[rows, columns] (None: dense). n:m is looked for with the claimed m, else with m = 4; blocks only
    when claimed. `metadata_bits` has "crisp" only when n:m and blocks, as found, allow that format; it is the sum of
    "crisp_block_index" and the smaller of "crisp_nm_offset" and "crisp_nm_bitmask". Raises InputError for a mask of
    another shape. Formulas: describe/metadata.py.

    >>> from crisp_hw.spec.layer import Layer
    >>> mask = np.array([[1, 1, 0, 0, 1, 1, 1, 0]], dtype=bool)
    >>> found = describe(PrunedLayer(Layer("fc", "linear", 1, 8), "nm", mask, NM(2, 4)))
    >>> found.nm, found.notes
    (NM(n=3, m=4), ('claims 2:4 but group 1 of row 0 holds 3',))
    """
    layer, mask = pruned.layer, pruned.mask
    if mask is None:
        return pattern_descriptor(layer, Dense(), pruned.role)
    if mask.shape != (layer.rows, layer.columns) or mask.dtype != np.bool_:
        raise InputError(
            (
                f"layer '{layer.name}' needs a mask of bool[{layer.rows}, {layer.columns}], not "
                f"{mask.dtype}{list(mask.shape)}"
            ),
            hint="give the matrix view, input channel fastest",
        )
    tightest = _tightest(mask, pruned.nm.m if pruned.nm else DEFAULT_M)
    nm = constraint(tightest, layer.columns)
    blocks = _Blocks.of(mask, pruned.block) if pruned.block else None
    live = blocks.live if blocks else np.ones((1, 1), bool)
    return Descriptor(
        layer,
        pruned.role,
        nnz=int(mask.sum()),
        nm=nm,
        block=pruned.block,
        kept_blocks=blocks.kept if blocks else None,
        total_blocks=live.shape[1] if blocks else None,
        kept_columns=int(blocks.areas[live].sum()) / layer.rows if blocks else None,
        block_density=float(live.mean()) if blocks else None,
        longest_row=int(mask.sum(axis=1).max()),
        most_blocks=int(blocks.counts.max()) if blocks else None,
        metadata_bits=_general_bits(mask) | _crisp_bits(mask, nm, blocks),
        notes=tuple(_nm_notes(pruned, mask, tightest, blocks) + _block_notes(pruned, blocks)),
        two_rank=two_rank(mask, tightest.m),
        row_patterns=row_patterns(mask, tightest.m),
        row_blocks=tuple(blocks.counts.tolist()) if blocks and blocks.kept is None else (),
    )


@dataclass(frozen=True)
class _Blocks:
    """Block grid of a mask: which blocks hold a nonzero, and the real height and width of each."""

    size: int
    live: Mask
    heights: NDArray[np.int64]
    widths: NDArray[np.int64]

    @classmethod
    def of(cls, mask: Mask, size: int) -> "_Blocks":
        starts = [np.arange(0, extent, size) for extent in mask.shape]
        live = np.logical_or.reduceat(np.logical_or.reduceat(mask, starts[0], axis=0), starts[1], axis=1)
        heights, widths = (
            np.diff(start, append=extent).astype(np.int64) for start, extent in zip(starts, mask.shape, strict=True)
        )
        return cls(size, live, heights, widths)

    @property
    def areas(self) -> NDArray[np.int64]:
        """Real weights of every block."""
        return self.heights[:, None] * self.widths

    @property
    def counts(self) -> NDArray[np.int64]:
        """Live blocks of every block row."""
        counts: NDArray[np.int64] = self.live.sum(axis=1, dtype=np.int64)
        return counts

    @property
    def kept(self) -> int | None:
        """Live blocks of every block row when all have as many."""
        counts = self.counts
        return int(counts[0]) if (counts == counts[0]).all() else None


def _rows_at_once(mask: Mask) -> Iterator[slice]:
    """The rows of a mask in order, about `CHUNK` weights at a time."""
    step = max(1, CHUNK // mask.shape[1])
    return (slice(start, start + step) for start in range(0, mask.shape[0], step))


def _group_counts(mask: Mask, m: int) -> NDArray[np.int32]:
    """Nonzeros of every aligned group of m columns, the last one cut off: int[rows, groups]."""
    rows, columns = mask.shape
    counts = np.zeros((rows, -(-columns // m)), np.int32)
    for start in range(min(m, columns)):  # one addition per place in the group is much faster than one per group
        members = mask[:, start::m]
        counts[:, : members.shape[1]] += members
    return counts


def _tightest(mask: Mask, m: int) -> NM:
    """The smallest n that every group of m obeys."""
    return NM(max(int(_group_counts(mask[rows], m).max()) for rows in _rows_at_once(mask)), m)


def _general_bits(mask: Mask) -> dict[str, int]:
    """Metadata of the formats that hold any mask."""
    rows, columns = mask.shape
    nnz, longest = int(mask.sum()), int(mask.sum(axis=1).max())
    longest_runs = [_longest_run(mask[part]) for part in _rows_at_once(mask)]
    return {
        "csr": csr_bits(rows, columns, nnz),
        "ellpack": ellpack_bits(rows, columns, longest),
        "bitmask": bitmask_bits(rows, columns),
        "rle": rle_bits(nnz + int((~mask[:, -1]).sum()), max(longest_runs)),
    }


def _longest_run(mask: Mask) -> int:
    """The longest run of zeros within a row."""
    # A nonzero behind every row ends its last run there, so that one difference gives the runs of all rows.
    ends = np.flatnonzero(np.pad(mask, ((0, 0), (0, 1)), constant_values=True))
    return int(np.diff(ends, prepend=-1).max()) - 1


def _crisp_bits(mask: Mask, nm: NM | None, blocks: _Blocks | None) -> dict[str, int]:
    """Metadata of CRISP's format; empty when it cannot hold the mask."""
    rows, columns = mask.shape
    group = nm or NM(1, 1)
    if blocks is None:
        return crisp_bits(0, (1, 1), rows * group_slots(columns, group), rows * columns, nm)
    if blocks.kept is None or blocks.size % group.m:
        return {}
    slots = np.array([group_slots(int(width), group) for width in blocks.widths])
    return crisp_bits(
        int(blocks.counts.sum()),
        (blocks.kept, blocks.live.shape[1]),
        int(np.multiply.outer(blocks.heights, slots)[blocks.live].sum()),
        int(blocks.areas[blocks.live].sum()),
        nm,
    )


def _nm_notes(pruned: PrunedLayer, mask: Mask, nm: NM, blocks: _Blocks | None) -> list[str]:
    """Where the claimed n:m is wrong."""
    claim = pruned.nm
    if claim is None:
        return []
    if nm.n > claim.n:
        return [_too_many(mask, claim)]
    if blocks is not None and blocks.size % claim.m:
        return [f"blocks of {blocks.size} do not hold whole groups of {claim.m}"]
    slots, short = _slots_per_group(mask.shape[1], claim), 0
    for rows in _rows_at_once(mask):
        short += int(((_group_counts(mask[rows], claim.m) < slots) & _live_groups(rows, blocks, claim.m)).sum())
    if short:
        where = "kept blocks" if blocks else "the layer"
        return [f"claims {claim.n}:{claim.m} but {short} groups in {where} hold fewer than {claim.n}"]
    return []


def _too_many(mask: Mask, claim: NM) -> str:
    """Which group is the first that holds more than claimed, and how many others there are."""
    first, found = "", 0
    for rows in _rows_at_once(mask):
        counts = _group_counts(mask[rows], claim.m)
        over = counts > claim.n
        if not found and over.any():
            row, group = np.unravel_index(int(over.argmax()), over.shape)
            first = f"group {group} of row {row + rows.start} holds {counts[row, group]}"
        found += int(over.sum())
    more = f", and {found - 1} more groups hold too many" if found > 1 else ""
    return f"claims {claim.n}:{claim.m} but {first}{more}"


def _slots_per_group(columns: int, nm: NM) -> NDArray[np.int64]:
    """Nonzeros that a full n:m mask has in each group of a row."""
    widths = np.diff(np.arange(0, columns, nm.m), append=columns)
    return np.minimum(widths, nm.n).astype(np.int64)


def _live_groups(rows: slice, blocks: _Blocks | None, m: int) -> Mask:
    """Which groups of some rows lie in a kept block: bool[rows, groups], or [1, 1] where all do."""
    if blocks is None:
        return np.ones((1, 1), bool)
    inside = np.repeat(np.arange(len(blocks.heights)), blocks.heights)[rows]
    return np.repeat(blocks.live[inside], -(-blocks.widths // m), axis=1)


def _block_notes(pruned: PrunedLayer, blocks: _Blocks | None) -> list[str]:
    """Where the claimed role or block is wrong."""
    if blocks is None:
        return ["role is hybrid but no block is claimed"] if pruned.role == "hybrid" else []
    notes, counts, total = [], blocks.counts, blocks.live.shape[1]
    if blocks.kept is None:
        notes.append(
            f"claims blocks of {blocks.size} but block rows keep {counts.min()} to {counts.max()} of {total} blocks, "
            "so CRISP's format cannot hold it"
        )
    elif blocks.kept == 0:
        notes.append("every weight is zero")
    elif blocks.kept == total > 1:
        notes.append(f"claims blocks of {blocks.size} but none of them is empty")
    if pruned.layer.columns % blocks.size:
        width = pruned.layer.columns % blocks.size
        notes.append(f"{pruned.layer.columns} columns: the last block of a row is {width} wide, not {blocks.size}")
    return notes
