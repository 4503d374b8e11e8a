"""The picture of a mask shows that mask."""

from dataclasses import replace

import numpy as np
import pytest

from crisp_hw.errors import InputError
from crisp_hw.report.mask_picture import mask_figure
from crisp_hw.report.plots import picture
from crisp_hw.spec.descriptors import PrunedLayer
from crisp_hw.spec.layer import Layer

pytestmark = pytest.mark.slow


def images(drawn):
    return [axes.images[0] for axes in drawn.axes if axes.images]


def test_a_small_matrix_is_shown_as_it_is(pruned):
    whole, zoom = images(mask_figure(pruned))
    assert np.array_equal(whole.get_array(), pruned.mask)
    assert np.array_equal(zoom.get_array(), pruned.mask[0:16, 32:48])  # the first live block
    assert tuple(zoom.get_extent()) == (32, 48, 16, 0)


def test_the_zoom_is_ruled_where_groups_end(pruned):
    zoom = mask_figure(pruned).axes[1]
    assert zoom.get_xticks().tolist() == [32, 36, 40, 44, 48] and zoom.get_yticks().tolist() == [0, 4, 8, 12, 16]


def test_the_title_says_size_density_and_claim(pruned):
    title = mask_figure(pruned)._suptitle.get_text()
    assert title == f"fc: 64 x 128, {3 / 8 / 2:.1%} kept, said to be 2:4 in blocks of 16"


def test_a_large_matrix_is_averaged_so_that_its_density_stays():
    mask = np.random.default_rng(1).random((1300, 2600)) < 0.3
    layer = PrunedLayer(Layer("fc", "linear", *mask.shape), "nm", mask)
    whole, _ = images(mask_figure(layer))
    shown = np.asarray(whole.get_array())
    assert max(shown.shape) <= 600
    tile = mask[:3, :5].mean()
    assert shown[0, 0] == pytest.approx(tile)


@pytest.mark.parametrize("shape", [(1, 1), (3, 1000), (1000, 3), (17, 33)])
def test_any_shape_can_be_drawn(shape):
    for mask in (np.ones(shape, bool), np.zeros(shape, bool)):
        assert picture(mask_figure(PrunedLayer(Layer("x", "linear", *shape), "hybrid", mask, None, 16)))


def test_a_dense_layer_has_no_picture(pruned):
    with pytest.raises(InputError, match="layer 'fc' is dense and has no mask to draw"):
        mask_figure(replace(pruned, role="dense", mask=None, nm=None, block=None))
