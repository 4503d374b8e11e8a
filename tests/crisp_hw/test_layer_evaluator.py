"""Layers in one evaluation do not change each other's numbers."""

import numpy as np
import pytest

from crisp_hw import evaluate
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer
from crisp_hw.spec.patterns import NM


def layer(name, channels, stride, size):
    """128 rows and 16 positions that keep 26 blocks of 16 in a row, whatever the number of columns."""
    made = Layer(name, "conv2d", 128, channels, (3, 3), (stride, stride), (1, 1), input_size=(size, size))
    mask = np.zeros((128, 9 * channels), dtype=bool)
    for row in range(8):
        for block in range(26):
            start = 16 * ((row * 5 + block) % (9 * channels // 16))
            mask[16 * row : 16 * row + 16, start : start + 16] = True
    mask[:, 2::4] = mask[:, 3::4] = False
    return PrunedLayer(made, "hybrid", mask, NM(2, 4), 16)


@pytest.mark.parametrize("arch", ["crisp-stc", "stc"])
def test_layers_that_keep_as_many_blocks_of_other_widths_stay_apart(arch):
    """They share the way that runs blocks alone, and not the one that runs the whole width by N:M."""
    narrow, wide = layer("narrow", 64, 2, 7), layer("wide", 128, 1, 4)

    def cycles(*layers):
        return {row.layer: row.cycles for row in evaluate(PrunedModel("two", layers), arch=arch)}

    alone = cycles(narrow) | cycles(wide)
    assert alone["narrow"] < alone["wide"]
    assert cycles(narrow, wide) == cycles(wide, narrow) == alone
