"""The sparse features of each scheme in Sparseloop's terms: formats, storage SAFs, compute SAFs."""

from math import ceil

from crisp_hw.spec.options import EvaluateOptions
from crisp_hw.spec.patterns import NM
from crisp_hw.spec.sparse import ActionOptimization, Condition, Rank, SparseSpec, TensorFormat

# One rank for each loop that a tile of A can have: in SMEM 2 across the lanes and rows, 1 in the RF, 2 across cores, 3
# of SMEM's own (the innermost is the offsets' rank); DRAM repeats SMEM's 8 ranks and adds 3 of its own, because
# Timeloop tiles a compressed tensor for its inner level first. A rank without a loop costs nothing.
_OUTER_RANKS = {"DRAM": 10, "SMEM": 7}
_OUTER = Rank("UOP", 0, 0)


def nm_sparsity(nm: NM, options: EvaluateOptions) -> SparseSpec:
    """N:M weights: compressed everywhere, zeros skipped in space, so that more columns than lanes run at once.

    The activation selection unit is `skipping_spatial` on B and Z conditioned on A. Offsets take ceil(log2 M) bits
    per kept weight, or one bit per column as a mask.

    >>> [rank.metadata_bits for rank in nm_sparsity(NM(2, 4), EvaluateOptions()).formats[2].ranks]
    [2]
    """
    offset = Rank("CP", (nm.m - 1).bit_length())
    stored = offset if options.offsets == "coordinate" else Rank("B", 1)
    formats = tuple(
        TensorFormat(level, "A", (stored, *(_OUTER,) * outer), inner_to_outer=True)
        for level, outer in _OUTER_RANKS.items()
    )
    selection = tuple(ActionOptimization("RF", "skipping_spatial", (Condition(tensor, ("A",)),)) for tensor in "BZ")
    return SparseSpec((*formats, TensorFormat("LRF", "A", (offset,))), selection)


def dual_sparsity() -> SparseSpec:
    """Unstructured weights and activations: bitmaps on both, accesses and computations skipped on either zero.

    A bitmap is one rank over all loops of a level's tile, one bit per child, and repeats the inner level's bitmap
    below it (of A: a bit per column tile in SMEM, a bit per row in the LRF). DRAM's own loops cost nothing.
    """
    skips = (("SMEM", "A", ("B",)), ("SMEM", "B", ("A",)), ("RF", "Z", ("A", "B")), ("LRF", "A", ("B",)))
    actions = tuple(ActionOptimization(level, "skipping", (Condition(t, leaders),)) for level, t, leaders in skips)
    return SparseSpec(_bitmaps(), actions, ("skipping",))


def packed_sparsity() -> SparseSpec:
    """The same bitmaps, with the nonzeros of both operands packed into the lanes: zeros take no pass at all.

    Z is updated for nonzero products alone, as in the DSTC of Sparseloop's MICRO 2022 artifact.
    """
    packed = tuple(ActionOptimization("LRF", "position_skipping", (Condition(tensor, ()),)) for tensor in "AB")
    return SparseSpec(_bitmaps(), (*packed, ActionOptimization("RF", "skipping", (Condition("Z", ("A", "B")),))))


def _bitmaps() -> tuple[TensorFormat, ...]:
    chains = {"A": ("LRF", "SMEM", "DRAM"), "B": ("SMEM", "DRAM")}
    dims = {"A": (frozenset("GMK"),), "B": (frozenset("GKN"),)}
    formats = []
    for tensor, levels in chains.items():
        bitmap, tiles = Rank("B", 1, 0, dims[tensor]), Rank("UOP", 0, 0, dims[tensor])
        ranks = [(bitmap,) * depth for depth in range(1, len(levels))]
        ranks.append((*ranks[-1], tiles))
        formats += [TensorFormat(level, tensor, each) for level, each in zip(levels, ranks, strict=True)]
    return tuple(formats)


def lanes_for(nm: NM, lanes: int) -> int | None:
    """Columns that `lanes` MACs take at once when only `n` of every `m` need one; None when a group does not fit.

    >>> [lanes_for(nm, 4) for nm in (NM(1, 4), NM(2, 4), NM(3, 4), NM(5, 8))]
    [16, 8, 4, None]
    """
    groups = lanes // nm.n
    return groups * nm.m if groups else None


def fits(nm: NM, limit: NM) -> bool:
    """Does every matrix that obeys `nm` obey `limit`?

    >>> [fits(nm, NM(2, 4)) for nm in (NM(1, 4), NM(1, 2), NM(2, 8), NM(3, 4))]
    [True, True, True, False]
    """
    groups = ceil(limit.m / nm.m) if limit.m % nm.m == 0 else 1 + ceil((limit.m - 1) / nm.m)
    if nm.m % limit.m == 0:
        groups = 1  # an aligned group of the limit lies inside one group
    return min(limit.m, groups * nm.n) <= limit.n
