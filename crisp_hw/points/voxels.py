"""Points turned into voxels: whole coordinates, each once, sorted."""

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError
from crisp_hw.spec.points import Integers

MOST_ALONG = 2**20
"""Voxels along an axis: three coordinates and their borders fit into one 64-bit key."""


def voxelized(points: NDArray[np.floating], size: float) -> Integers:
    """The voxels that hold points: floor((point - minimum) / size), each once, in lexicographic order.

    Computed in the precision of the points, as the readers of scans do.

    Raises
    ------
    InputError
        When the size is not positive, or so small that an axis has more than 2**20 voxels.

    Examples
    --------
    >>> voxelized(np.array([[0.0, 0.0, 0.0], [0.05, 0.0, 0.0], [0.25, 0.0, 0.1]]), 0.1).tolist()
    [[0, 0, 0], [2, 0, 1]]
    """
    if not size > 0 or not np.isfinite(size):
        raise InputError(f"the size of voxels must be a positive number, not {size:g}")
    low = points.min(axis=0)
    if ((points.max(axis=0) - low) / size >= MOST_ALONG).any():
        raise InputError(f"voxels of {size:g} are more than {MOST_ALONG:,} along an axis", hint="take larger ones")
    return np.unique(np.floor((points - low) / points.dtype.type(size)).astype(np.int64), axis=0)


def downsampled(voxels: Integers, stride: int) -> Integers:
    """The voxels of `stride` times the size that hold some, in lexicographic order.

    >>> downsampled(np.array([[0, 0, 0], [1, 0, 0], [2, 5, 0]]), 2).tolist()
    [[0, 0, 0], [1, 2, 0]]
    """
    return np.unique(voxels // stride, axis=0)


def keys_of(voxels: Integers) -> Integers:
    """One number per voxel, in the order of the voxels; an offset of voxels is a constant difference of keys.

    >>> keys_of(np.array([[0, 0, 1], [0, 1, 0]])).tolist()
    [1, 2097152]
    """
    side = 2 * MOST_ALONG  # room for what lies outside, so that no key is that of another voxel
    return (voxels[:, 0] * side + voxels[:, 1]) * side + voxels[:, 2]
