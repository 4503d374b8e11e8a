"""Both ways of making a kernel map, against pairs counted one by one, and against a dense convolution."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.points import convolve, grouped, map_by_hash, map_by_merge
from crisp_hw.points.kernel_maps import offsets_of
from crisp_hw.points.voxels import MOST_ALONG, downsampled

voxel = st.tuples(*[st.integers(0, 5)] * 3)
clouds = st.sets(voxel, min_size=1, max_size=40).map(lambda found: np.array(sorted(found), np.int64))
kernels = st.sampled_from([(1, 1), (3, 1), (5, 1), (2, 2), (3, 2), (3, 3)])


def counted(inputs, outputs, kernel, stride):
    """Pairs by offset, one voxel after the other."""
    rows = {tuple(each): row for row, each in enumerate(inputs.tolist())}
    found = []
    for offset in offsets_of(kernel):
        at = [tuple(stride * c + d for c, d in zip(each, offset, strict=True)) for each in outputs.tolist()]
        found.append([(rows[place], row) for row, place in enumerate(at) if place in rows])
    return found


@given(clouds, kernels)
def test_both_ways_find_every_pair_and_no_other(inputs, shape):
    kernel, stride = shape
    outputs = downsampled(inputs, stride)
    for made in (map_by_hash, map_by_merge):
        found = made(inputs, outputs, kernel, stride)
        pairs = [
            list(zip(a.tolist(), b.tolist(), strict=True)) for a, b in zip(found.inputs, found.outputs, strict=True)
        ]
        assert pairs == counted(inputs, outputs, kernel, stride)
        assert (found.input_voxels, found.output_voxels) == (len(inputs), len(outputs))


def test_voxels_at_the_borders_are_no_neighbours_of_those_of_the_next_row():
    last = MOST_ALONG - 1
    inputs = np.array([[0, 0, last], [0, 1, 0], [1, 0, 0], [1, last, last], [2, 0, 0]])
    for made in (map_by_hash, map_by_merge):
        assert made(inputs, inputs, 3).pairs == sum(map(len, counted(inputs, inputs, 3, 1))) == len(inputs) + 4


def dense(features, weights, inputs, outputs, kernel, stride):
    """The convolution over the whole grid, read at the output voxels."""
    torch = pytest.importorskip("torch")
    grid = torch.zeros(1, features.shape[1], 24, 24, 24, dtype=torch.int64)
    low = 6  # room around the voxels, a multiple of every stride here
    for row, (x, y, z) in enumerate(inputs.tolist()):
        grid[0, :, x + low, y + low, z + low] = torch.from_numpy(features[row])
    kernel_of = torch.from_numpy(weights.reshape(kernel, kernel, kernel, *weights.shape[1:])).permute(4, 3, 0, 1, 2)
    made = torch.nn.functional.conv3d(grid, kernel_of, stride=stride)
    start = kernel // 2 if kernel % 2 else 0
    shift = [(low - start) // stride, (low - start) % stride]
    if shift[1]:  # begin where the first output voxel begins
        made = torch.nn.functional.conv3d(grid[:, :, shift[1] :, shift[1] :, shift[1] :], kernel_of, stride=stride)
    places = outputs + shift[0]
    return made[0][:, places[:, 0], places[:, 1], places[:, 2]].T.numpy()


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (2, 2), (3, 2), (5, 1)])
@pytest.mark.parametrize("epsilon", [0.0, 0.5, 1.0])
def test_gather_multiply_scatter_is_the_dense_convolution(kernel, stride, epsilon):
    drawn = np.random.default_rng(kernel)
    inputs = np.unique(drawn.integers(0, 10, (150, 3)), axis=0)
    outputs = downsampled(inputs, stride)
    features = drawn.integers(-9, 9, (len(inputs), 4))
    weights = drawn.integers(-9, 9, (kernel**3, 4, 6))
    found = map_by_merge(inputs, outputs, kernel, stride)
    groups = grouped(found.sizes, epsilon, float("inf"), submanifold=stride == 1)
    ours = convolve(features, weights, found, groups)
    assert (ours == dense(features, weights, inputs, outputs, kernel, stride)).all()


def test_a_transposed_map_goes_back():
    inputs = np.array([[0, 0, 0], [0, 0, 1], [2, 2, 2]])
    down = map_by_hash(inputs, downsampled(inputs, 2), 2, 2)
    assert down.swapped.output_voxels == 3
    assert down.swapped.pairs == down.pairs == 3
