"""Weights that something reads beside their layer are masked all along, or refused."""

import copy

import pytest
import torch
from small_mlp import BLIND, CONFIG, X, mlp, prune
from torch import nn
from torch.nn import functional as F

from crisp_hw.errors import InputError
from crisp_prune import Crisp, CrispConfig
from crisp_prune.attach import strip


class Reader(nn.Module):
    """Reads the weight of a layer that it never calls, in one of several ways."""

    def __init__(self, way):
        super().__init__()
        self.a, self.b, self.c, self.way = nn.Linear(32, 64), nn.Linear(64, 64), nn.Linear(64, 10), way

    def first(self, x):
        match self.way:
            case "linear":
                return F.linear(x, self.a.weight, self.a.bias)
            case "matmul":
                return x @ self.a.weight.T + self.a.bias
            case "parameters":
                return F.linear(x, dict(self.named_parameters())["a.weight"], self.a.bias)
            case "getattr":
                return torch.addmm(self.a.bias, x, self.a._parameters["weight"].t())

    def forward(self, x):
        return self.c(self.b(self.first(x).relu()).relu())


@pytest.mark.parametrize("way", ["linear", "matmul", "parameters", "getattr"])
def test_weights_read_by_functions_are_masked_all_along_or_refused(way):
    torch.manual_seed(0)
    model, x = Reader(way), torch.randn(4, 32)
    pruner = prune(Crisp(model, BLIND), None)
    before = model(x).detach()
    if way in ("linear", "matmul"):
        assert torch.equal(before, pruner.finalize()(x)) and (model.a.weight == 0).float().mean() == 0.5
        return
    dense = model.a.weight.detach().clone()
    with pytest.raises(InputError, match="with zeros in its weights the model gives another output"):
        pruner.finalize()
    assert torch.equal(model.a.weight, dense) and torch.equal(model(x), before)
    seen = Crisp(strip(copy.deepcopy(model)), BLIND, sample=x)
    assert "a" not in seen.masks  # with a sample it is found that the layer is never called


def test_a_batch_that_comes_too_late_says_so():
    pruner = prune(Crisp(Reader("linear"), BLIND), None)
    with pytest.raises(
        InputError, match=r"a: was pruned before a forward pass showed .*read outside of.*give Crisp a s"
    ):
        pruner.record((torch.randn(4, 32), torch.arange(4)))


def test_a_weight_read_beside_its_layer_stays_dense():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode, self.middle = nn.Linear(32, 64), nn.Linear(64, 64)

        def forward(self, x):
            return F.linear(self.middle(self.encode(x).relu()), self.encode.weight.t())

    pruner = Crisp(Tied(), CrispConfig(sparsity=0.5, block=16, criterion="magnitude"), sample=torch.randn(2, 32))
    assert "read outside of the layer's forward" in pruner.plan().layer("encode").reason
    assert list(pruner.masks) == ["middle"]


def test_functional_call_uses_the_masks():
    model = mlp()
    pruner = prune(Crisp(model, CONFIG))
    given = {name: value.detach() for name, value in model.named_parameters()}
    assert torch.equal(torch.func.functional_call(model, given, (X,)), model(X))
    pruner.finalize()
