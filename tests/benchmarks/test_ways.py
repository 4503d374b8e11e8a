"""Layers that another way than the first runs in fewer cycles, as the table of docs/architectures.md has them."""

from ways import Gain, gains, lines

from crisp_hw import evaluate


def test_a_layer_that_three_cores_run_better():
    rows = evaluate("resnet50", ["dense"], nm="2:4", block=64, sparsity=0.9, layers="fc").network.rows
    assert list(gains(rows)) == [Gain("dense", "fc", 88_747, 87_808, "the layer runs on 3 of 4 cores")]


def test_layers_with_the_same_figures_share_a_line():
    found = [Gain("stc", name, 9, 8, "fewer cores") for name in ("first", "second")]
    (line,) = lines("2:4", found)
    assert line == "| 2:4 | 2, such as first | stc | 9 | 8 | fewer cores |"
