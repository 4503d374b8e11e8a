"""Weights whose axes lie otherwise: convolutions of one and three axes, GPT-2's Conv1D, stacked experts."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from crisp_hw.spec.layer import Layer
from crisp_prune import Crisp
from crisp_prune.choices import Layout
from crisp_prune.matrix import from_matrix, to_matrix
from crisp_prune.plan import make_plan
from crisp_prune.sites import find_sites

torch.set_num_threads(1)


class Conv1D(nn.Module):
    """A Linear with its inputs first, as in GPT-2: its class is told by this name."""

    def __init__(self, outputs: int, inputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        flat = torch.addmm(self.bias, x.view(-1, x.shape[-1]), self.weight)
        return flat.view(*x.shape[:-1], -1)


class Experts(nn.Module):
    """Three experts with their weights stacked; each token goes to one of them, or `how` says how to all at once."""

    def __init__(self, how: str = "") -> None:
        super().__init__()
        self.up = nn.Parameter(torch.randn(3, 8, 8) if how == "inputs first" else torch.randn(3, 16, 8))
        self.how = how

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        each = x.unsqueeze(1)
        match self.how:
            case "einsum":
                return torch.einsum("btc,eoc->bto", x, self.up)
            case "turned":
                return torch.matmul(each, self.up.transpose(-2, -1)).sum(1)
            case "first":
                return torch.matmul(self.up, each.mT).sum(1).mT
            case "inputs first":
                return torch.matmul(each, self.up).sum(1).repeat(1, 1, 2)
        routed = torch.arange(x.shape[1]) % 3
        return torch.stack([nn.functional.linear(x[:, at], self.up[expert]) for at, expert in enumerate(routed)], 1)


NETWORKS = {
    "conv1d": (lambda: nn.Sequential(nn.Conv2d(1, 4, 1), nn.Flatten(2), nn.Conv1d(4, 8, 5, 2, 2, 2)), (2, 1, 4, 8)),
    "conv3d": (lambda: nn.Sequential(nn.Conv3d(4, 8, 3, padding=1), nn.Conv3d(8, 8, (2, 3, 3))), (2, 4, 5, 8, 8)),
    "turned": (lambda: nn.Sequential(Conv1D(16, 8), nn.GELU(), Conv1D(12, 16)), (2, 5, 8)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_masks_act_along_the_inputs_and_the_file_counts_as_torch_does(name):
    torch.manual_seed(0)
    build, shape = NETWORKS[name]
    model, sample = build(), torch.randn(shape)
    with FlopCounterMode(display=False) as counter:
        model(sample)
    pruner = Crisp(model, sparsity=0.5, block=4, criterion="magnitude", sample=sample)
    pruner.step()
    masked = model(sample)
    exported = pruner.export()
    plain = pruner.finalize()
    assert torch.allclose(plain(sample), masked)
    assert sum(layer.layer.macs for layer in exported.layers) * 2 * len(sample) == counter.get_total_flops()
    sites = {site.name: site for site in find_sites(plain)}
    pruned = [layer for layer in exported.layers if layer.mask is not None]
    assert pruned
    for layer in pruned:
        weight = plain.get_parameter(f"{layer.layer.name}.weight").detach()
        matrix = to_matrix(weight, sites[layer.layer.name].layout)
        assert (matrix.reshape(len(matrix), -1, 4) != 0).sum(2).unique().tolist() == [2]
        assert (matrix != 0).numpy().tolist() == layer.mask.tolist()
    if name == "turned":  # the groups of 2:4 lie along the inputs, which are this weight's rows
        assert (plain[2].weight.reshape(4, 4, 12) != 0).sum(1).unique().tolist() == [2]


@pytest.mark.parametrize("how", ["", "turned", "first"])
def test_stacked_experts_are_pruned_in_place_and_named_as_not_exported(how):
    torch.manual_seed(0)
    model, sample = nn.Sequential(nn.Linear(8, 8), Experts(how), nn.Linear(16, 4)), torch.randn(2, 6, 8)
    pruner = Crisp(model, sparsity=0.7, block=4, criterion="magnitude", sample=sample)
    while not pruner.done:
        pruner.step()
    exported = pruner.export()
    plain = pruner.finalize()
    assert ((plain[1].up.reshape(48, 2, 4) != 0).sum(2) <= 2).all() and (plain[1].up == 0).float().mean() > 0.5
    said = {entry.name: entry.reason for entry in exported.skipped}
    assert said["1.up"].startswith("pruned, not exported: a router decides")
    assert "1.up" not in [layer.layer.name for layer in exported.layers]


@pytest.mark.parametrize(("how", "function"), [("einsum", "einsum"), ("inputs first", "matmul")])
def test_stacked_weights_that_are_multiplied_otherwise_stay_dense(how, function):
    model = nn.Sequential(nn.Linear(8, 8), Experts(how), nn.Linear(16, 4))
    pruner = Crisp(model, sparsity=0.5, block=4, criterion="magnitude", sample=torch.randn(2, 6, 8))
    assert (
        pruner.plan().layer("1.up").reason
        == f"its stacked weights are not each multiplied along their last axis ({function})"
    )
    unseen = make_plan(model, pruner.config).layer("1.up")
    assert unseen.role == "dense" and "a sample or a batch shows it" in unseen.reason


@pytest.mark.parametrize(
    ("shape", "layout"), [((4, 6, 3), "plain"), ((4, 6, 2, 3, 5), "plain"), ((4, 6), "turned"), ((2, 4, 6), "stacked")]
)
def test_a_matrix_goes_back_to_its_weight(shape: tuple[int, ...], layout: Layout):
    weight = torch.rand(shape)
    again = from_matrix(to_matrix(weight, layout), shape, layout)
    assert torch.equal(again, weight) and again.is_contiguous()
    assert isinstance(Layer("a", "linear", *to_matrix(weight, layout).shape), Layer)
