"""The text of every kind of figure can be read at every width: none too small, none beyond the edge, none on other."""

import pytest

from crisp_hw.report.plots import WHOLE, Request, figure

pytestmark = pytest.mark.slow

HARD = (
    *("many layers", "three layers", "one layer", "no stages", "many stages", "twelve", "one accelerator"),
    *("dense alone", "odd names"),
)


@pytest.mark.parametrize("width", ["column", "page"])
@pytest.mark.parametrize("which", HARD)
@pytest.mark.parametrize("kind", WHOLE)
def test_text_is_readable(kind, which, width, drawable, faults):
    drawn = figure(drawable[which], kind, Request(width=width))
    assert faults(drawn) == []
    assert drawn.get_figwidth() == {"column": 3.5, "page": 7.16}[width]


@pytest.mark.parametrize("width", ["column", "page"])
@pytest.mark.parametrize("kind", WHOLE)
def test_text_of_real_networks_is_readable(kind, width, real, faults):
    assert faults(figure(real, kind, Request(width=width))) == []


@pytest.mark.parametrize("width", ["column", "page"])
@pytest.mark.parametrize("arch", ["dense", "stc", "dstc", "crisp-stc"])
@pytest.mark.parametrize("layer", ["conv1", "layer1.0.conv2", "layer4.0.conv3", "fc"])
def test_text_of_mappings_is_readable(layer, arch, width, real, faults):
    assert faults(figure(real, "mapping", Request(width=width, layer=layer, arch=arch))) == []


def test_the_look_finds_faults(faults):
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(2, 2))
    for text, x in (("one", 0.2), ("two", 0.22), ("far away", 0.99)):
        drawn.text(x, 0.5, text, fontsize=9)
    drawn.text(0.1, 0.1, "tiny", fontsize=5)
    assert faults(drawn) == ["'tiny' is small", "'far away' leaves the figure", "'one' lies on 'two'"]
