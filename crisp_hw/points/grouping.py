"""Which matrix products of a convolution over points run together: TorchSparse's adaptive grouping.

Tang et al., TorchSparse: efficient point cloud inference engine, MLSys 2022, section 4.2. Where inputs and outputs are
the same voxels, opposite offsets have equally many pairs, so that they are taken by pairs, and the centre, which joins
every voxel with itself, is a product of its own.
"""

from collections.abc import Iterator, Sequence

from crisp_hw.errors import InputError
from crisp_hw.spec.points import KernelGroup


def grouped(
    sizes: Sequence[int], epsilon: float, mm_thresh: float, submanifold: bool = False
) -> tuple[KernelGroup, ...]:
    """The groups of a convolution, in order.

    Parameters
    ----------
    sizes
        Pairs of every offset, in the order of the offsets.
    epsilon
        A new group begins where 1 - fewest / most pairs of the group would be larger; from 0 to 1.
    mm_thresh
        Groups whose largest product has fewer rows run as one batch, padded to it; others product by product.
    submanifold
        Are inputs and outputs the same voxels, and the number of offsets odd?

    Raises
    ------
    InputError
        When epsilon or mm_thresh is out of its range.

    Examples
    --------
    >>> [group.offsets for group in grouped([10, 9, 4, 30, 4, 9, 10], 0.2, float("inf"), submanifold=True)]
    [(0, 6, 1, 5), (2, 4), (3,)]
    >>> [group.rows for group in grouped([10, 8, 2], 0.25, float("inf"))]
    [(10, 10), (2,)]
    """
    if not 0 <= epsilon <= 1:
        raise InputError(f"epsilon is a share from 0 to 1, not {epsilon:g}")
    if not mm_thresh >= 0:
        raise InputError(f"mm_thresh is a number of rows, not {mm_thresh:g}", hint="inf batches every group")
    half = len(sizes) // 2
    steps = [(k, len(sizes) - 1 - k) for k in range(half)] if submanifold else [(k,) for k in range(len(sizes))]
    made = [_group(offsets, sizes, mm_thresh) for offsets in _runs(steps, sizes, epsilon)]
    if submanifold:
        made.append(KernelGroup((half,), (sizes[half],), gathered=False))
    return tuple(made)


def _runs(steps: Sequence[tuple[int, ...]], sizes: Sequence[int], epsilon: float) -> Iterator[tuple[int, ...]]:
    """Offsets that may share a batch; one without pairs is no product, and left out."""
    run: tuple[int, ...] = ()
    for step in steps:
        if not sizes[step[0]]:
            continue
        there = [sizes[k] for k in (*run, *step)]
        if run and 1 - min(there) / max(there) > epsilon:
            yield run
            run = ()
        run = (*run, *step)
    if run:
        yield run


def _group(offsets: tuple[int, ...], sizes: Sequence[int], mm_thresh: float) -> KernelGroup:
    own = tuple(sizes[k] for k in offsets)
    batched = len(offsets) == 1 or max(own) < mm_thresh
    return KernelGroup(offsets, (max(own),) * len(own) if batched else own, batched)
