"""One-shot rules against oracles: norms of inputs, least squares, and convolutions as Linear layers."""

import pytest
import torch
from torch import nn

from crisp_hw.errors import InputError
from crisp_prune.oneshot import RULES, one_shot

torch.set_num_threads(1)


def groups(weight, m=4):
    return (weight.reshape(-1, m) != 0).sum(1)


@pytest.mark.parametrize("rule", RULES)
def test_every_group_keeps_n_of_m(rule):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 8))
    found = one_shot(model, [torch.rand(40, 16), torch.rand(8, 16)], "2:4", rule)
    assert all(bool((groups(found.model[place].weight) == 2).all()) for place in (0, 2))
    assert list(found.errors) == ["0", "2"] and all(0 < error < 1 for error in found.errors.values())
    assert bool((model[0].weight != 0).all())  # a copy


def test_wanda_weighs_by_the_norms_of_inputs():
    torch.manual_seed(0)
    model, inputs = nn.Linear(8, 4, bias=False), torch.rand(20, 8) * torch.arange(1, 9)
    found = one_shot(nn.Sequential(model), [inputs], "2:4", "wanda").model[0].weight
    for row in range(4):
        for start in (0, 4):
            score = [float(model.weight[row, c].detach().abs() * inputs[:, c].norm()) for c in range(start, start + 4)]
            wanted = sorted(range(4), key=lambda c: -score[c])[:2]
            assert set(torch.nonzero(found[row, start : start + 4]).flatten().tolist()) == set(wanted)


def test_sparsegpt_refits_what_stays_by_least_squares():
    """Of two columns the first goes: the second is then the least-squares fit of the former output."""
    torch.manual_seed(0)
    inputs = torch.randn(200, 2, dtype=torch.float64)
    inputs[:, 1] += 0.8 * inputs[:, 0]
    model = nn.Sequential(nn.Linear(2, 1, bias=False).double())
    with torch.no_grad():
        model[0].weight[:] = torch.tensor([[0.1, 1.0]])
    found = one_shot(model, [inputs], "1:2", "sparsegpt").model[0].weight
    output = inputs @ model[0].weight.detach()[0]
    fit = float((inputs[:, 1] @ output) / (inputs[:, 1] @ inputs[:, 1]))
    assert float(found[0, 0]) == 0 and float(found[0, 1]) == pytest.approx(fit, rel=0.01)
    assert float(found[0, 1]) != pytest.approx(1.0, rel=0.01)


def test_rules_that_see_inputs_err_less():
    torch.manual_seed(0)
    inputs = torch.randn(400, 64) @ torch.randn(64, 64) * torch.logspace(-1, 1, 64)
    model = nn.Sequential(nn.Linear(64, 32))
    error = {rule: one_shot(model, [inputs], "2:4", rule).errors["0"] for rule in RULES}
    assert error["sparsegpt"] < error["wanda"] < error["magnitude"]
    pruned = one_shot(model, [inputs], "2:4", "wanda").model
    bias = model[0].bias
    told = float((pruned(inputs) - model(inputs)).norm() / (model(inputs) - bias).norm())
    assert error["wanda"] == pytest.approx(told, rel=1e-3)


@pytest.mark.parametrize("rule", RULES)
def test_a_convolution_is_a_linear_layer_over_unfolded_inputs(rule):
    torch.manual_seed(0)
    convolution = nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False)
    images = torch.rand(5, 4, 7, 7)
    taps = nn.functional.unfold(images, 3, padding=1, stride=2).transpose(1, 2)  # columns: channel, tap
    order = torch.arange(36).reshape(4, 9).t().flatten()  # columns: tap, channel
    linear = nn.Linear(36, 6, bias=False)
    with torch.no_grad():
        linear.weight[:] = convolution.weight.flatten(1)[:, order]
    pruned = one_shot(nn.Sequential(convolution), [images], "2:4", rule, layers=["0"])
    same = one_shot(nn.Sequential(linear), [taps[:, :, order]], "2:4", rule)
    assert torch.allclose(pruned.model[0].weight.flatten(1)[:, order], same.model[0].weight, atol=1e-5)
    assert pruned.errors["0"] == pytest.approx(same.errors["0"], rel=1e-4)


def test_inputs_without_a_signal_stop_nothing():
    model = nn.Sequential(nn.Linear(8, 4))
    inputs = torch.rand(10, 8)
    inputs[:, 3] = 0
    found = one_shot(model, [inputs], "2:4", "sparsegpt").model[0].weight
    assert bool(torch.isfinite(found).all()) and bool((found[:, 3] == 0).all())


def test_batches_are_called_as_they_are_and_layers_are_named():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(8, 4), nn.Linear(8, 4)

        def forward(self, x, y):
            return self.a(x) + self.b(y)

    x, y = torch.rand(3, 8), torch.rand(3, 8)
    assert list(one_shot(Two(), [(x, y)]).errors) == list(one_shot(Two(), [{"x": x, "y": y}]).errors) == ["a", "b"]
    with pytest.raises(InputError, match="'c' cannot be pruned: it is no layer with a weight; there are a, b"):
        one_shot(Two(), [(x, y)], layers=["c"])
    with pytest.raises(InputError):
        one_shot(Two(), [(x, y)], rule="best")


@pytest.mark.parametrize("rule", RULES)
def test_a_packed_projection_of_queries_and_keys_is_three_layers(rule):
    """Each third of its rows is chosen by what it reads, also where another call reads the same for all."""

    class Crosses(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2)

        def forward(self, x, y):
            return self.attention(x, y, y)[0] + self.attention(x, x, x)[0]

    torch.manual_seed(0)
    model, x, y = Crosses().eval(), torch.randn(6, 1, 8), torch.randn(6, 1, 8)
    found = one_shot(model, [(x, y)], "2:4", rule, layers=["attention.in_proj"])
    thirds = zip(model.attention.in_proj_weight.chunk(3), found.model.attention.in_proj_weight.chunk(3), strict=True)
    for (before, after), read in zip(thirds, (x, y, y), strict=True):
        linear = nn.Linear(8, 8, bias=False)
        linear.weight = nn.Parameter(before.detach().clone())
        alone = one_shot(nn.Sequential(linear), [read, x], "2:4", rule).model[0].weight
        assert torch.allclose(after, alone, atol=1e-6)
    assert 0 < found.errors["attention.in_proj"] < 1
