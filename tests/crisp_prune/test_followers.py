"""Which batch norm follows a layer: the one that reads its very output, and nothing else."""

import pytest
import torch
from torch import nn

from crisp_prune.followers import watched_norms

X = torch.rand(2, 4)


def found_in(model, layers):
    with watched_norms(model, layers) as found, torch.no_grad():
        model.eval()(X)
    return found


def test_a_norm_behind_an_activation_follows_nothing():
    assert found_in(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.BatchNorm1d(4)), ["0"]) == {}
    assert found_in(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4, affine=False)), ["0"]) == {}


class Twice(nn.Module):
    """One layer called twice, or one norm that reads two layers."""

    def __init__(self, layer):
        super().__init__()
        self.a, self.b, self.norm, self.layer = nn.Linear(4, 4), nn.Linear(4, 4), nn.BatchNorm1d(4), layer

    def forward(self, x):
        second = self.a if self.layer else self.b
        return self.norm(self.a(x)) + (second(x) if self.layer else self.norm(second(x)))


@pytest.mark.parametrize("layer", [True, False])
def test_what_is_called_twice_is_left_alone(layer):
    model = Twice(layer)
    assert found_in(model, ["a", "b"]) == {}
    assert not model.a._forward_hooks and not model.norm._forward_hooks
