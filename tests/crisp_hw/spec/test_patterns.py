"""Masks and blocks as values."""

import numpy as np
import pytest

from crisp_hw.errors import InputError
from crisp_hw.spec.patterns import NM, Actual, Hybrid, HybridBlocks


def test_equal_masks_are_one_value():
    mask = np.random.default_rng(0).random((4, 6)) < 0.5
    first, second = Actual(mask), Actual(np.asfortranarray(mask.copy()))
    assert first == second
    assert {first: "known"}[second] == "known"
    assert repr(first) == repr(second)


@pytest.mark.parametrize("other", [(4, 6), (6, 2), (12, 1), (2, 6)])
def test_other_masks_and_other_shapes_are_not(other):
    assert Actual(np.ones((3, 4), dtype=bool)) != Actual(np.ones(other, dtype=bool))
    assert Actual(np.eye(4, dtype=bool)) != Actual(np.eye(4, dtype=bool)[::-1])


def test_a_mask_cannot_change_under_its_hash():
    mask = np.ones((2, 3), dtype=bool)
    actual = Actual(mask)
    mask[0] = False
    assert (actual.nonzeros, actual.shape, actual.density) == (6, (2, 3), 1.0)
    with pytest.raises(ValueError, match="read-only"):
        actual.mask[0, 0] = False


def test_expected_density_of_blocks_counts_padding_and_what_is_cut_off():
    pattern = Hybrid(NM(2, 4), 4, 1, 2)
    # 2 real rows of 3; groups of 4 and of 1 column hold 2 and 1, half of the time
    blocks = HybridBlocks(pattern, (3, 6), (0, 0, -1), 5)
    assert blocks.density == pytest.approx(2 * (2 + 1) / 2 / 18)


@pytest.mark.parametrize(
    ("pattern", "shape", "rows", "columns", "words"),
    [
        (Hybrid(NM(2, 4), 6, 1, 2), (1, 12), (0,), 12, "blocks of 6 do not hold whole groups of 4"),
        (Hybrid(NM(2, 4), 4, 1, 2), (1, 12), (0,), 12, "1 of 2 blocks of 4 do not fit 12 columns"),
        (Hybrid(NM(2, 4), 4, 4, 3), (1, 12), (0,), 12, "4 of 3 blocks"),
        (Hybrid(NM(2, 4), 4, 1, 3), (2, 12), (0,), 12, "1 rows and 12 columns do not fit a tensor of 2 x 12"),
        (Hybrid(NM(2, 4), 4, 1, 4), (1, 12), (0,), 16, "do not fit a tensor"),
    ],
)
def test_blocks_that_do_not_fit(pattern, shape, rows, columns, words):
    with pytest.raises(InputError, match=words):
        HybridBlocks(pattern, shape, rows, columns)
