"""The matrix view against index arithmetic."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from crisp_hw.errors import InputError
from crisp_prune.matrix import from_matrix, to_matrix
from crisp_prune.packing import pack, unpack

sizes = st.integers(1, 4)


@given(sizes, sizes, sizes, sizes)
def test_column_runs_over_taps_then_channels(rows, channels, height, width):
    weight = torch.arange(float(rows * channels * height * width)).reshape(rows, channels, height, width)
    matrix = to_matrix(weight)
    for s in range(rows):
        for c in range(channels):
            for y in range(height):
                for x in range(width):
                    assert matrix[s, (y * width + x) * channels + c] == weight[s, c, y, x]
    assert torch.equal(from_matrix(matrix, weight.shape), weight)
    assert from_matrix(matrix, weight.shape).is_contiguous()


def test_linear_is_itself_and_others_are_refused():
    weight = torch.rand(3, 5)
    assert torch.equal(to_matrix(weight), weight)
    assert torch.equal(from_matrix(weight, (3, 5)), weight)
    with pytest.raises(InputError, match="no matrix view"):
        to_matrix(torch.rand(2, 3, 4, 1, 1, 1))
    with pytest.raises(InputError, match="does not fill"):
        from_matrix(weight, (3, 4))


@given(st.lists(sizes, min_size=1, max_size=3), st.integers(0, 2**31))
def test_packing_is_lossless_and_one_bit_each(shape, seed):
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.5
    packed = pack(mask)
    assert packed.numel() == -(-mask.numel() // 8)
    assert torch.equal(unpack(packed, shape), mask)


def test_a_short_mask_is_refused():
    with pytest.raises(InputError, match="damaged"):
        unpack(torch.zeros(1, dtype=torch.uint8), (3, 3))
