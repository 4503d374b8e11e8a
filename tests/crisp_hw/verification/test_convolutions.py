"""Convolutions walked as they are: the product of NumPy, and the model's counts of weights, sums and steps."""

import numpy as np
import pytest

from crisp_hw.accelerators import load_arch
from crisp_hw.spec.descriptors import PrunedLayer
from crisp_hw.spec.layer import Layer
from crisp_hw.verification import convolutions
from crisp_hw.walk import nested

LAYERS = (
    Layer("plain", "conv2d", 16, 8, (3, 3), padding=(1, 1), input_size=(8, 8)),
    Layer("strided", "conv2d", 8, 8, (3, 3), stride=(2, 2), input_size=(8, 8)),
    Layer("depthwise", "conv2d", 8, 8, (3, 3), dilation=(2, 2), groups=8, input_size=(8, 8)),
    Layer("flat", "conv2d", 8, 8, (1, 5), groups=2, input_size=(8, 8)),
)


def checked(layer, name, positions=9):
    mask = np.random.default_rng(0).random((layer.rows, layer.columns)) < 0.5
    given = convolutions.images(PrunedLayer(layer, "nm", mask), positions, None, 1)
    return convolutions.check_windows(given, load_arch(name), cache=False)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
@pytest.mark.parametrize("name", ["eyeriss-v1", "eyeriss-v2-pe"])
def test_windows_are_multiplied_and_weights_and_sums_move_as_the_model_says(layer, name):
    found = checked(layer, name)
    assert found.exact and [each for each in found.levels if not each.agrees] == []
    assert sum(each.compared for each in found.levels) >= 12


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_words_of_windows_that_slide_one_way_are_the_models_too(layer):
    """They are not compared, because Timeloop's walk is another where a window returns; here it does not."""
    figures = {each.name: each for each in checked(layer, "eyeriss-v1").levels}
    for name in ("Inputs B reads", "Inputs B fills", "GLB B reads", "GLB B fills"):
        assert figures[name].walked == figures[name].model > 0 and "windows" in figures[name].why


def test_numpy_and_a_convolution_by_hand_agree():
    layer = Layer("c", "conv2d", 2, 2, (1, 2), groups=2, input_size=(1, 3))
    image = np.array([[[1, 2, 3]], [[4, 5, 6]]])
    given = convolutions.Windows(PrunedLayer(layer, "dense"), np.array([[1, 10], [1, 10]]), image)
    assert given.product.tolist() == [[21, 32], [54, 65]]


def test_a_walk_that_loses_a_filter_row_is_found(monkeypatch):
    walk = nested.walk

    def lossy(fabric, data, stored):
        data["A"][:, :, :, 0] = 0
        return walk(fabric, data, stored)

    monkeypatch.setattr(nested, "walk", lossy)
    assert not checked(LAYERS[0], "eyeriss-v1").exact
