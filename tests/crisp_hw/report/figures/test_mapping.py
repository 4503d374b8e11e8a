"""The picture of a mapping holds every loop, tile and fanout, and is of one layer on one accelerator."""

import pytest

from crisp_hw.errors import InputError
from crisp_hw.report.nest import floors
from crisp_hw.report.plots import Request, figure

pytestmark = pytest.mark.slow


def lines(drawn):
    (axes,) = drawn.axes
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize("arch", ["dense", "dstc", "crisp-stc"])
def test_all_that_is_known_is_shown(arch, real):
    asked = Request(layer="layer3.0.conv2", arch=arch)
    shown = lines(figure(real, "mapping", asked))
    (row,) = [row for row in real.rows if (row.arch, row.layer) == (arch, "layer3.0.conv2")]
    found = floors(row.point, row.result)
    loops = [loop for floor in found for loop in floor.loops]
    assert [line.strip() for line in shown if line.strip() in loops] == loops
    for floor in found:
        for tile in floor.tiles:
            extents = " x ".join(f"{n:,}" for n in tile.extents)
            assert any(line.startswith(f"{tile.tensor}: {extents} = {tile.words:,}") for line in shown)
        assert floor.size_words is None or any(line.startswith(f"{floor.size_words:,} word") for line in shown)
    assert "RF: 4 of 4 in y" in shown
    assert any(line.endswith("of 256 at work (mean)") for line in shown)


def test_loops_stand_further_in_than_those_around_them(real):
    shown = lines(figure(real, "mapping", Request(layer="layer3.0.conv2", arch="dense")))
    depths = [
        len(line) - len(line.lstrip()) for line in shown if line.strip().startswith(("for ", "across ", "multiply"))
    ]
    assert depths == list(range(len(depths))) and len(depths) > 4


def test_one_layer_on_one_accelerator_must_be_left(real):
    with pytest.raises(InputError, match=r"18 layers on 4; choose, for example layer='conv1' and arch='dense'"):
        figure(real, "mapping")
    with pytest.raises(InputError, match=r"1 layers? on 4"):
        figure(real, "mapping", Request(layer="fc"))
    with pytest.raises(InputError, match="no layer matches 'gone'"):
        figure(real, "mapping", Request(layer="gone"))
    with pytest.raises(InputError, match="no accelerator gone was evaluated; there are dense, stc, dstc, crisp-stc"):
        figure(real, "mapping", Request(arch="gone"))
