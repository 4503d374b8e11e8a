"""Layers of size 0, and weights that are one number in memory: named in one sentence before PyTorch fails on them."""

import pytest
import torch
from torch import nn

from crisp_hw.errors import InputError
from crisp_prune import Crisp
from crisp_prune.oneshot import one_shot
from crisp_prune.shrink import shrink
from crisp_prune.thinet import thin

X = torch.ones(4, 8)
EMPTY = {
    "1: its weight has the shape \\[0, 8\\]": lambda: nn.Sequential(
        nn.Linear(8, 8), nn.Linear(8, 0), nn.Linear(0, 8), nn.Linear(8, 4)
    ),
    "1: its weight has the shape \\[0, 2, 1\\]": lambda: nn.Sequential(
        nn.Unflatten(1, (2, 4)), nn.Conv1d(2, 0, 1), nn.Conv1d(0, 4, 1)
    ),
}
ACTS = {
    "attach": lambda model: Crisp(model, sparsity=0.5, block=4),
    "attach with a sample": lambda model: Crisp(model, sparsity=0.5, block=4, sample=X),
    "one shot": lambda model: one_shot(model, [X], "2:4", "magnitude"),
    "thin": lambda model: thin(model, [X], 0.5),
}


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("said", EMPTY)
def test_layers_without_a_weight_are_refused_by_name(said, act):
    with pytest.raises(InputError, match=f"{said}, in which there is no number; take the layer out of the network"):
        ACTS[act](EMPTY[said]())


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_nothing_can_be_taken_from_a_layer_that_has_nothing():
    with pytest.raises(InputError, match="1: its weight has the shape"):
        shrink(next(iter(EMPTY.values()))(), X)


def test_training_refuses_parameters_whose_numbers_are_one_in_memory():
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 4))
    model[0].bias = nn.Parameter(torch.zeros(1).expand(8))
    pruner = Crisp(model, sparsity=0.5, block=4, criterion="magnitude", epochs=1)
    with pytest.raises(InputError, match=r"0\.bias: several of its numbers are one in memory .*; give it a copy"):
        pruner.fit([(X, torch.arange(4) % 4)])
    model[0].bias.requires_grad_(False)
    assert pruner.fit([(X, torch.arange(4) % 4)])
