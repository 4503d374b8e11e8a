"""Sparse convolutions over point clouds: `point_cloud`."""

from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError
from crisp_hw.points import load_network, point_layers, read_scan, voxelized
from crisp_hw.returned import PointNetwork
from crisp_hw.spec.kinds import of_kind, wrong_kind


def point_cloud(
    scan: str | Path | NDArray[Any],
    voxel_size: float,
    *,
    network: str | Path = "minkunet",
    epsilon: float = 0.0,
    mm_thresh: float = inf,
) -> PointNetwork:
    """Find the matrix products of a network of sparse convolutions on a scan: gather, multiply in groups, scatter.

    Parameters
    ----------
    scan
        A .ply file, a .bin file of KITTI (x, y, z, reflectance in single precision), or an array of one row per point.
    voxel_size
        The side of a voxel, in the scan's unit of length.
    network
        A packaged network ("minkunet") or a .yaml file of one.
    epsilon
        Matrix products run as one batch, padded to the largest, as long as 1 - fewest / most rows is not larger; from
        0 (no padding) to 1.
    mm_thresh
        Only batches whose largest product has fewer rows than this are made.

    Returns
    -------
    PointNetwork
        Its `workload` is what `evaluate` takes.

    Raises
    ------
    InputError
        When the scan or the network cannot be read, or a number is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> cloud = point_cloud(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.3], [5.0, 5.0, 5.0]]), 0.2)
    >>> cloud.layers[0].map.sizes[13], cloud.layers[0].map.pairs
    (3, 5)
    """
    points = read_scan(Path(scan)) if isinstance(scan, str | Path) else _checked(scan)
    voxels = voxelized(points, of_kind("voxel_size", voxel_size, float))
    convolutions = load_network(str(network))
    layers = point_layers(convolutions, voxels, of_kind("epsilon", epsilon, float), mm_thresh)
    return PointNetwork(Path(network).stem, layers, len(points), len(voxels))


def _checked(points: Any) -> NDArray[Any]:
    """An array of points as one that can be voxelized."""
    if not isinstance(points, np.ndarray) or points.ndim != 2 or points.shape[1] < 3 or not len(points):
        raise wrong_kind("the scan", points, "a file, or an array [points, 3]")
    own = points[:, :3] if points.dtype.kind == "f" else points[:, :3].astype(np.float64)
    if not np.isfinite(own).all():
        raise InputError("the scan holds coordinates that are not finite", hint="remove those points")
    return own
