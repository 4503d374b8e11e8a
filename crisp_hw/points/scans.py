"""Scans as files: coordinates of points, in the file's unit of length."""

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.files import MIB, FileKind, read_bytes

SCAN = FileKind("a scan", 2048 * MIB, "give a .ply file, or a .bin file of four single-precision numbers per point")
KITTI_FIELDS = 4
"""x, y, z, reflectance: Geiger et al., Vision meets robotics: the KITTI dataset, IJRR 2013, section on Velodyne."""


def read_scan(path: Path) -> NDArray[np.float32]:
    """The coordinates of a scan, one row per point, in the file's order and single precision.

    A .ply file is read by trimesh (the extra `points`); a .bin file holds x, y, z and reflectance as KITTI's do.

    Raises
    ------
    InputError
        When it is neither, holds no points or some that are not finite, or trimesh is missing.
    """
    readers = {".ply": _ply, ".bin": _kitti}
    if path.suffix.lower() not in readers:
        raise InputError("is no scan that is read", _at(path), SCAN.advice)
    points = readers[path.suffix.lower()](path)
    if len(points) == 0:
        raise InputError("holds no points", _at(path), SCAN.advice)
    wrong = int(np.count_nonzero(~np.isfinite(points).all(axis=1)))
    if wrong:
        raise InputError(f"holds {wrong:,} points whose coordinates are not finite", _at(path), "remove them")
    return points


def _ply(path: Path) -> NDArray[np.float32]:
    content = read_bytes(path, SCAN)
    try:
        import trimesh
    except ImportError as error:
        raise InputError("needs trimesh to be read", _at(path), "pip install 'crisp-hw[points]'") from error
    try:
        vertices = getattr(trimesh.load(BytesIO(content), file_type="ply", process=False), "vertices", ())
    except Exception as error:  # a reader of many forms, which raises what it meets
        raise InputError("cannot be read as a .ply file", _at(path), SCAN.advice) from error
    return np.asarray(vertices, np.float32).reshape(-1, 3)


def _kitti(path: Path) -> NDArray[np.float32]:
    content = read_bytes(path, SCAN)
    width = KITTI_FIELDS * np.dtype(np.float32).itemsize
    if len(content) % width:
        raise InputError(f"has {len(content):,} bytes, which is no multiple of {width}", _at(path), SCAN.advice)
    return np.frombuffer(content, "<f4").reshape(-1, KITTI_FIELDS)[:, :3]


def _at(path: Path) -> Where:
    return Where(mark=Mark(str(path)))
