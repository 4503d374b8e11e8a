"""Where a network ends: norms by kind and by name, and what a pass shows of the last layer."""

import pytest
from torch import nn

from crisp_prune.ends import End, ends_in_norm, is_norm


class RMSNormOfMine(nn.Module):
    def forward(self, x):
        return x / x.norm()


class BlockWithNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)


@pytest.mark.parametrize(
    ("module", "norm"),
    [(nn.BatchNorm2d(2), True), (nn.InstanceNorm1d(2), True), (nn.GroupNorm(1, 2), True), (RMSNormOfMine(), True),
     (nn.Linear(2, 2), False), (BlockWithNorm(), False)],
)  # fmt: skip
def test_norms_are_known_by_kind_or_by_name(module, norm):
    assert is_norm(module) is norm


def test_a_norm_before_the_last_layer_says_nothing():
    model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    assert not ends_in_norm(model, {"0", "2"}) and ends_in_norm(model[:2], {"0"}) and not ends_in_norm(model, set("2"))
    assert not ends_in_norm(nn.Sequential(), set())


@pytest.mark.parametrize(("given", "headless"), [([(2, 8)], False), ([(2, 8, 3, 3)], True), ([(2, 8, 6, 6)], False)])
def test_maps_of_the_last_convolution_are_given_out_pooled_or_cut(given, headless):
    class Call:
        use, output = "conv", (2, 8, 6, 6)

    end = End([Call()])
    end.given = given
    assert end.headless(frozenset({"conv"})) is headless and not end.headless(frozenset())


def test_nothing_called_is_no_feature():
    assert not End([]).headless(frozenset({"conv"}))
