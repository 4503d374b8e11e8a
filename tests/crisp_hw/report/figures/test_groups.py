"""Places on the axis of layers: single layers where there is room, stages where not, sums always last."""

import itertools

import pytest

from crisp_hw.report.figures.groups import LEAST_BAR_PT, Bars, axis

RESNET = ["conv1", *(f"layer{s}.{b}.conv{c}" for s in "1234" for b in range(4) for c in "123"), "fc"]


def test_every_layer_is_on_the_axis_once_besides_sums():
    for span in (150, 460, 2000):
        places = axis(RESNET, 3, span, "sum").groups
        assert [n for group in places if not group.summary for n in group.layers] == RESNET
        assert places[-1].summary and places[-1].layers == tuple(RESNET)
        assert all(b.at - a.at > 0.999 for a, b in itertools.pairwise(places))


def test_stages_stand_where_layers_have_no_room():
    assert axis(RESNET, 3, 460, "sum").staged
    assert not axis(RESNET, 3, 2000, "sum").staged
    assert not axis(RESNET[:5], 3, 200, "sum").staged


def test_layers_are_named_below_their_stage_or_in_full():
    wide, narrow = axis(RESNET, 3, 2000, "sum"), axis(["fc", "classifier.0", "classifier.1"], 1, 60, "sum")
    assert [group.label for group in wide.groups[:3]] == ["conv1", "0.conv1", "0.conv2"]
    assert [span.name for span in wide.named] == ["layer1", "layer2", "layer3", "layer4"]
    assert [group.label for group in narrow.groups] == ["fc", "classifier.0", "classifier.1", "sum", "sum\nof all"]


@pytest.mark.parametrize("many", [1, 3, 12])
def test_bars_stand_side_by_side_within_their_place(many):
    places = axis(RESNET, many, 460, "sum")
    bars = Bars(places, many, 460)
    for i, group in enumerate(places.groups):
        middles = [bars.middles(number)[i] for number in range(many)]
        assert middles[0] - bars.width / 2 > group.at - 0.5 and middles[-1] + bars.width / 2 < group.at + 0.5
        assert all(b - a == pytest.approx(bars.width) for a, b in itertools.pairwise(middles))


def test_bars_of_single_layers_are_wide_enough():
    for span in range(100, 1000, 50):
        places = axis(RESNET, 3, span, "sum")
        assert places.staged or Bars(places, 3, span).room_pt >= LEAST_BAR_PT
