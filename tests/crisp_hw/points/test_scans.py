"""Scans as files, good and bad."""

import numpy as np
import pytest

from crisp_hw.errors import InputError
from crisp_hw.points import read_scan, voxelized

POINTS = np.array([[0.0, 1.0, -2.0], [0.25, 1.5, 3.0]], np.float32)
HEAD = "ply\nformat binary_little_endian 1.0\ncomment c\nelement vertex 2\n" + "".join(
    f"property float {name}\n" for name in ("x", "y", "z", "scalar_intensity")
)


def four(points):
    return np.hstack([points, np.ones((len(points), 1), np.float32)]).astype("<f4").tobytes()


def test_both_forms_give_the_points(tmp_path):
    pytest.importorskip("trimesh")
    (tmp_path / "a.ply").write_bytes((HEAD + "end_header\n").encode() + four(POINTS))
    (tmp_path / "b.bin").write_bytes(four(POINTS))
    assert (read_scan(tmp_path / "a.ply") == POINTS).all() and (read_scan(tmp_path / "b.bin") == POINTS).all()
    assert read_scan(tmp_path / "a.ply").dtype == np.float32


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.bin", b"123", "3 bytes, which is no multiple of 16"),
        ("a.bin", b"", "holds no points"),
        ("a.bin", four(np.array([[np.nan, 0, 0]])), "holds 1 points whose coordinates are not finite"),
        ("a.ply", b"plyx", "a.ply"),
        ("a.ply", (HEAD + "end_header\n").encode() + b"12", "a.ply"),
        ("a.xyz", b"", "is no scan that is read"),
    ],
)
def test_what_is_no_scan(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_scan(tmp_path / name)


def test_voxels_are_computed_in_the_precision_of_the_points():
    edge = np.array([[0.0, 0.0, 0.0], [0.6, 0.0, 0.0]])
    assert voxelized(edge, 0.2)[1, 0] == 2  # 0.6 / 0.2 in double precision is a little less than 3
    assert voxelized(edge.astype(np.float32), 0.2)[1, 0] == 3
    for size in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="positive number"):
            voxelized(edge, size)
    with pytest.raises(InputError, match="more than 1,048,576 along an axis"):
        voxelized(edge, 1e-9)
