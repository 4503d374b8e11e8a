"""The panels show the points and roofs that were computed, in the colours of the accelerators."""

import pytest
from matplotlib.colors import to_hex

from crisp_hw import NM, WorkloadPattern, evaluate
from crisp_hw.report.figures.colours import SHIPPED, looks
from crisp_hw.report.figures.style import INK
from crisp_hw.report.plots import Request, figure
from crisp_hw.report.roofline import points, ports

pytestmark = pytest.mark.slow


def test_points_are_drawn_where_they_are(real):
    drawn = figure(real, "roofline")
    assert len(drawn.axes) == len(ports(real)) == 2
    for axes, port in zip(drawn.axes, ports(real), strict=True):
        found = points(real, port)
        shown = [line for line in axes.lines if line.get_marker() not in ("None", "", None)]
        places = [(line.get_xdata()[0], line.get_ydata()[0]) for line in shown]
        assert places == [(point.intensity, point.performance) for point in found]
        assert [to_hex(line.get_color()).upper() for line in shown] == [SHIPPED[point.arch] for point in found]
        markers = {}
        for line, point in zip(shown, found, strict=True):
            markers.setdefault(point.bound_by, set()).add(line.get_marker())
        assert all(len(each) == 1 for each in markers.values())
        assert len(set.union(*markers.values())) == len(markers) == 2


def test_roofs_bend_where_bandwidth_meets_the_macs(real):
    axes = figure(real, "roofline").axes[0]
    (roof,) = [line for line in axes.lines if line.get_marker() in ("None", "", None)]
    (low, rise), (ridge, peak), (_, flat) = zip(roof.get_xdata(), roof.get_ydata(), strict=True)
    assert rise == pytest.approx(24 * low) and ridge == pytest.approx(256 / 24) and peak == flat == 256


def test_a_roof_that_one_accelerator_has_alone_has_its_colour():
    source = WorkloadPattern("resnet50", NM(2, 4), 64, 0.9)
    archs = ["crisp-stc", "dstc", "crisp-stc:smem_read_bandwidth=8", "stc:smem_read_bandwidth=none"]
    drawn = evaluate(source, archs, layers="layer4.0.*").plot("roofline")
    axes, found = drawn.axes[0], looks([arch.replace(":", "[") + "]" * (":" in arch) for arch in archs])
    roofs = [line for line in axes.lines if line.get_marker() in ("None", "", None)]
    slopes = {
        line.get_ydata()[0] / line.get_xdata()[0]: line.get_color() for line in roofs if len(line.get_xdata()) == 3
    }
    assert slopes == {24: INK, 8: found["crisp-stc[smem_read_bandwidth=8]"].colour}
    assert [line.get_color() for line in roofs if len(line.get_xdata()) == 2] == [
        found["stc[smem_read_bandwidth=none]"].colour
    ]
    assert "8, 24, no limit words/cycle" in [text.get_text() for text in axes.texts]


def test_roofs_are_named_where_they_are_and_layers_without_words_counted():
    source = WorkloadPattern("resnet50", NM(2, 4), 64, 0.9)
    drawn = evaluate(source, ["crisp-stc", "vegeta"], layers="layer4.0.*").plot("roofline")
    smem = next(axes for axes in drawn.axes if axes.get_title(loc="left") == "SMEM: words read")
    assert [text.get_text() for text in smem.texts] == ["256 MACs", "24 words/cycle"]  # vegeta has no SMEM
    many = evaluate(source, ["crisp-stc:dram_bandwidth=32", "vegeta:dram_bandwidth=32"], layers="layer4.0.*")
    dram = many.plot("roofline").axes[0]
    assert {text.get_text(): text.xy[1] for text in dram.texts[:2]} == {"256 MACs": 256, "512 MACs": 512}


def test_labels_say_which_macs_and_words(real):
    axes = figure(real, "roofline").axes[0]
    assert axes.get_xlabel() == "executed MACs per word of 8 bits\nread in one SMEM,\nmetadata included"
    assert axes.get_ylabel() == "executed MACs per cycle"
    assert axes.get_title(loc="left") == "SMEM: words read"
    assert [text.get_text() for text in axes.texts] == ["256 MACs", "24 words/cycle"]


def test_the_legend_names_accelerators_and_what_binds(real):
    texts = [text.get_text() for text in figure(real, "roofline", Request(width="column")).legends[0].get_texts()]
    assert set(texts) == {"dense", "stc", "dstc", "crisp-stc", "bound by MAC", "bound by SMEM"}
