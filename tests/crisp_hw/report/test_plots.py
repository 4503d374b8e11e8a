"""Figures show the numbers of the records, and matplotlib's global state stays as it was."""

import itertools
import subprocess
import sys
from dataclasses import replace

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from crisp_hw.errors import InputError
from crisp_hw.report.plots import KINDS, figure, png
from crisp_hw.spec.encoded import OverheadLine
from crisp_hw.spec.evaluation import NetworkEvaluation

pytestmark = pytest.mark.slow


def heights(axes):
    return [[bar.get_height() for bar in group] for group in axes.containers]


def test_speedup_bars_are_the_speedups(row):
    rows = [row("a", "c1"), row("a", "c2", cycles=200), row("b", "c1", cycles=50), row("b", "c2", cycles=400)]
    (axes,) = figure(NetworkEvaluation("net", tuple(rows)), "speedup").axes
    assert heights(axes) == [[4.0, 2.0], [8.0, 1.0]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["c1", "c2"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]
    assert axes.get_ylabel() == "speedup over dense (x)"
    bars = [bar for group in axes.containers for bar in group]
    spans = sorted((bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars)
    assert all(end <= start + 1e-9 for (_, end), (start, _) in itertools.pairwise(spans))


def test_energy_stacks_to_shares_of_its_own_without_dram(row):
    rows = [row("a", "c1", index_pj={"RF": 2.0, "DRAM": 10.0}), row("b", "c1", pj=(80, 16, 8))]
    lines = (OverheadLine("selection", 1, 0.5, 0.5), OverheadLine("offset_decoder", 1, 0.25, 0.25))
    rows[0] = replace(rows[0], overheads=lines)
    chip, first, second, dram = figure(NetworkEvaluation("net", tuple(rows)), "energy").axes
    # MAC below, RF, metadata with the block index, circuits beside the model
    stack = [2 / 8.75, 4 / 8.75, 2 / 8.75, 0.75 / 8.75]
    assert [height for (height,) in heights(first)] == pytest.approx(stack)
    assert [group[0].get_y() for group in first.containers] == pytest.approx([sum(stack[:i]) for i in range(4)])
    assert [group[0].get_hatch() for group in first.containers] == [None, None, "////", "xxxx"]
    labels = ["MAC", "RF", "metadata", "selection, decoders"]
    assert [text.get_text() for text in first.get_legend().get_texts()] == labels
    assert first.get_ylim()[1] > 1.05  # an empty segment on top leaves room for the gain
    assert sum(h for (h,) in heights(second)) == pytest.approx(1)
    assert heights(chip) == [[pytest.approx(8.75 / 24)], [pytest.approx(1)]]
    assert heights(dram) == [[pytest.approx(20 / 40)], [pytest.approx(2)]]
    assert [text.get_text() for text in first.texts] == ["2.74x"]
    assert [text.get_text() for text in chip.get_legend().get_texts()] == ["a", "b"]


def test_totals_are_those_of_the_network(row):
    rows = [row("a", "c1"), row("a", "c2", cycles=300), row("b", "c1"), row("b", "c2")]
    speed, chip, own, dram = figure(NetworkEvaluation("net", tuple(rows)), "totals").axes
    assert heights(speed) == [[2.0, 4.0]]
    assert heights(chip) == [[pytest.approx(4 / 48)] * 2, [pytest.approx(8 / 48)] * 2, [0, 0], [0, 0]]
    assert heights(own) == [[pytest.approx(1 / 3)] * 2, [pytest.approx(2 / 3)] * 2, [0, 0], [0, 0]]
    assert heights(dram) == [[0.25, 0.25]]


@pytest.mark.parametrize("kind", KINDS)
def test_labels_do_not_overlap_with_54_layers(row, kind):
    rows = [row(arch, f"layer{i}.0.downsample.0") for arch in "abcd" for i in range(54)]
    drawn = figure(NetworkEvaluation("net", tuple(rows)), kind)
    assert png(drawn).startswith(b"\x89PNG")
    canvas = FigureCanvasAgg(drawn)
    canvas.draw()
    renderer = canvas.get_renderer()
    for axes in drawn.axes:
        labels = [label for label in axes.get_xticklabels() if label.get_text() and label.get_visible()]
        boxes = [label.get_window_extent(renderer) for label in labels]
        assert all(left.x1 <= right.x0 for left, right in itertools.pairwise(boxes))
        assert all(box.x0 >= 0 and box.x1 <= drawn.bbox.x1 and box.y0 >= 0 for box in boxes)
    assert drawn._suptitle.get_window_extent(renderer).x1 <= drawn.bbox.x1


def test_names_are_not_read_as_formulas(row):
    drawn = figure(NetworkEvaluation("cost $x^", (row(layer="a$b$_{"),)), "speedup")
    assert png(drawn).startswith(b"\x89PNG")


def test_refuses_an_unknown_kind_and_an_empty_network(network):
    with pytest.raises(InputError, match="no figure pie; choose one of speedup, energy, totals"):
        figure(network, "pie")
    with pytest.raises(InputError, match="no evaluated layer"):
        figure(NetworkEvaluation("empty", ()))


def test_pyplot_and_its_backend_are_left_alone():
    code = (
        "import sys, numpy as np; from crisp_hw.report.mask_picture import mask_figure;"
        "from crisp_hw.report.plots import png; from crisp_hw.spec.descriptors import PrunedLayer;"
        "from crisp_hw.spec.layer import Layer;"
        "png(mask_figure(PrunedLayer(Layer('fc', 'linear', 4, 8), 'nm', np.ones((4, 8), bool))));"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
