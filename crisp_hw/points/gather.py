"""A convolution over points on real features: gather, multiply, scatter. Slow and obvious, for checks and examples."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisp_hw.spec.points import KernelGroup, KernelMap, PointConvolution, PointTraffic

Numbers = NDArray[Any]


def convolve(features: Numbers, weights: Numbers, kernel_map: KernelMap, groups: Sequence[KernelGroup]) -> Numbers:
    """The features of the output voxels.

    Parameters
    ----------
    features
        One row per input voxel, [voxels, input channels].
    weights
        [offsets, input channels, output channels].
    kernel_map
        The pairs of voxels.
    groups
        What runs together; the result does not depend on it.

    Examples
    --------
    >>> from crisp_hw.points import grouped, map_by_hash
    >>> row = np.array([[0, 0, 0], [0, 0, 1]])
    >>> found = map_by_hash(row, row, 3)
    >>> groups = grouped(found.sizes, 0.5, float("inf"), submanifold=True)
    >>> convolve(np.array([[1], [10]]), np.ones((27, 1, 1), int), found, groups).tolist()
    [[11], [11]]
    """
    result = np.zeros((kernel_map.output_voxels, weights.shape[2]), np.result_type(features, weights))
    for group in groups:
        for offset, rows in zip(group.offsets, group.rows, strict=True):
            taken = kernel_map.inputs[offset]
            gathered = np.zeros((rows, features.shape[1]), features.dtype)
            gathered[: len(taken)] = features[taken]
            np.add.at(result, kernel_map.outputs[offset], (gathered @ weights[offset])[: len(taken)])
    return result


def traffic_of(convolution: PointConvolution, kernel_map: KernelMap, groups: Sequence[KernelGroup]) -> PointTraffic:
    """Words that gather and scatter move.

    Gather reads a row of input channels for every pair and writes it, with the padding, where the products find it.
    Scatter reads every partial sum once and writes every output once, all partial sums of an output together
    (TorchSparse, section 4.3). A group that is not gathered moves nothing.

    >>> group = KernelGroup((0, 1), (3, 3))
    >>> some = KernelMap(((0, 0, 0), (0, 0, 1)), (np.arange(3), np.arange(2)), (np.arange(3), np.arange(2)), 3, 3)
    >>> traffic_of(PointConvolution("c", 4, 8), some, [group])
    PointTraffic(gather_read=20, gather_write=24, scatter_read=40, scatter_write=24)
    """
    moved = [group for group in groups if group.gathered]
    pairs = sum(len(kernel_map.inputs[k]) for group in moved for k in group.offsets)
    rows = sum(sum(group.rows) for group in moved)
    ins, outs = convolution.in_channels, convolution.out_channels
    return PointTraffic(pairs * ins, rows * ins, pairs * outs, kernel_map.output_voxels * outs if moved else 0)
