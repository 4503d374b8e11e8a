"""Criteria of outputs against what they count, and the pull on scales."""

import pytest
import torch
from torch import nn

from crisp_hw.errors import InputError
from crisp_prune import Crisp, CrispConfig

torch.set_num_threads(1)


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.Conv2d(4, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3)
    )


BATCHES = [
    (torch.randn(6, 1, 7, 7, generator=torch.Generator().manual_seed(seed)), torch.arange(6) % 3) for seed in (1, 2)
]


def kept(model):
    return (model[1].weight != 0).flatten(1).any(1)


def test_filters_with_the_smallest_scales_go():
    model = network()
    with torch.no_grad():
        model[2].weight.copy_(torch.tensor([0.9, -0.1, 0.4, 0.05, -0.8, 0.3, 0.02, 0.7]))
    pruner = Crisp(model, pattern="filter", criterion="bn-scale", sparsity=0.5)
    while not pruner.done:
        pruner.step(BATCHES)
    assert kept(pruner.finalize()).tolist() == [True, False, True, False, True, False, False, True]


def test_filters_whose_outputs_are_most_often_zero_go():
    model = network()
    with torch.no_grad():
        model[2].bias.copy_(torch.tensor([0.5, -2.0, 0.0, -0.9, 1.0, 0.2, -3.0, 0.7]))
    with torch.no_grad():
        outputs = torch.cat([model.eval()[:4](inputs) for inputs, _ in BATCHES])
    zeros = (outputs == 0).float().mean((0, 2, 3))
    pruner = Crisp(model, pattern="filter", criterion="apoz", sparsity=0.5, increment=1.0)
    while not pruner.done:
        pruner.step(BATCHES)
    wanted = torch.zeros(8, dtype=torch.bool).index_fill(0, zeros.argsort()[:4], True)
    assert torch.equal(kept(pruner.finalize()), wanted)


def test_what_has_no_norm_and_other_patterns_are_refused():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 8, 3), nn.Flatten(), nn.Linear(72, 3))
    pruner = Crisp(model, pattern="filter", criterion="bn-scale", sparsity=0.5)
    with pytest.raises(InputError, match="1: cannot be ranked by bn-scale: no batch norm follows it"):
        pruner.step(BATCHES)
    with pytest.raises(InputError, match="ranks whole filters, not what the pattern block prunes"):
        CrispConfig(pattern="block", criterion="apoz")
    with pytest.raises(InputError, match="reads no gradients"):
        CrispConfig(pattern="filter", criterion="apoz", online=True)


def test_scales_are_pulled_to_zero():
    sizes = {}
    for strength in (0.0, 0.05):
        model = network()
        pruner = Crisp(model, pattern="filter", criterion="bn-scale", sparsity=0.25, bn_l1=strength, epochs=20, lr=0.05)
        pruner.fit(BATCHES)
        sizes[strength] = float(pruner.finalize()[2].weight.detach().abs().mean())
    assert sizes[0.05] < sizes[0.0] - 0.3
