"""A small network, its batches, and a pruner that has made its iterations."""

import torch
from torch import nn

from crisp_prune import CrispConfig

X = torch.randn(8, 64, generator=torch.Generator().manual_seed(1))


BATCHES = [(X, torch.arange(8))]


CONFIG = CrispConfig(sparsity=0.6, block=16)


BLIND = CrispConfig(sparsity=0.5, block=16, criterion="magnitude")


def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))


def prune(pruner, batches=BATCHES, loss=None):
    while not pruner.done:
        pruner.step(batches, loss) if loss else pruner.step(batches)
    return pruner
