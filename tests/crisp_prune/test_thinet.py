"""ThiNet against brute force and against least squares on the inputs themselves."""

from itertools import combinations

import pytest
import torch
from torch import nn
from torch.nn.functional import unfold

from crisp_hw.errors import InputError
from crisp_prune.shrink import shrink
from crisp_prune.thinet import channels_of, thin

torch.set_num_threads(1)


def test_each_channel_that_goes_is_the_one_that_costs_least():
    torch.manual_seed(0)
    inputs, weight = torch.randn(50, 6).double() @ torch.randn(6, 6).double(), torch.randn(5, 6).double()
    gone: list[int] = []
    for count in (5, 4, 3, 2):
        losses = {
            c: float((inputs[:, [*gone, c]] @ weight[:, [*gone, c]].t()).norm()) for c in range(6) if c not in gone
        }
        gone.append(min(losses, key=lambda c: losses[c]))
        live = channels_of(weight, inputs.t() @ inputs, 6, count)
        assert sorted(gone) == torch.nonzero(~live).flatten().tolist()


def test_one_channel_less_is_the_best_of_all_and_its_refit_is_that_of_least_squares():
    torch.manual_seed(0)
    model, images = (
        nn.Sequential(nn.Conv2d(5, 4, 1), nn.Conv2d(4, 3, 2, bias=False)).double(),
        torch.rand(9, 5, 4, 4).double(),
    )
    found = thin(model, [images], 0.75)
    read = model[0](images).detach()
    taps = unfold(read, 2).transpose(1, 2).reshape(-1, 16)  # columns: channel, then tap
    output = taps @ model[1].weight.detach().flatten(1).t()
    errors = {}
    for stays in combinations(range(4), 3):
        columns = torch.tensor([c * 4 + tap for c in stays for tap in range(4)])
        errors[stays] = float((taps[:, columns] @ model[1].weight.detach().flatten(1)[:, columns].t() - output).norm())
    best = min(errors, key=lambda stays: errors[stays])
    weight = found.model[1].weight.detach()
    assert torch.nonzero(weight.flatten(2).abs().sum((0, 2))).flatten().tolist() == list(best)
    columns = torch.tensor([c * 4 + tap for c in best for tap in range(4)])
    fit = taps[:, columns] @ torch.linalg.lstsq(taps[:, columns], output).solution
    assert torch.allclose(taps @ weight.flatten(1).t(), fit)
    assert found.errors["1"] == pytest.approx(float((fit - output).norm() / output.norm()))


def test_channels_that_nobody_reads_are_taken_away():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.Flatten(), nn.Linear(16, 3))
    thinned = thin(model, [torch.rand(4, 1, 6, 6)], 0.5, ["2"]).model
    assert shrink(thinned, torch.rand(1, 1, 6, 6)).outputs["0"] == (8, 4)
    with pytest.raises(InputError, match="keep is 0 and must lie"):
        thin(model, [torch.rand(4, 1, 6, 6)], 0)
