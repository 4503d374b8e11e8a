"""Networks that say much in few layers."""

import torch
from torch import nn


class Residual(nn.Module):
    """Convolutions of every geometry, a shared one, one never called, and arithmetic outside of modules."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, (7, 5), stride=(2, 1), padding=(3, 2), bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.act = nn.ReLU()
        self.shared = nn.Conv2d(8, 8, 3, padding=2, dilation=2)
        self.depthwise = nn.Conv2d(8, 8, 3, padding="same", groups=8)
        self.even = nn.Conv2d(8, 8, (2, 3), padding="same")
        self.valid = nn.Conv2d(8, 4, 3, padding="valid")
        self.unused = nn.Conv2d(8, 8, 1)
        self.drop, self.pool, self.flat = nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.scale = nn.Parameter(torch.ones(1))
        self.fc = nn.Linear(4, 10)

    def forward(self, x):
        x = self.act(self.norm(self.stem(x)))
        x = x + self.shared(self.shared(x))
        x = self.valid(self.even(self.depthwise(x)))
        return self.fc(self.drop(self.flat(self.pool(x)))) * self.scale


def encoder():
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


def reasons(network):
    return {entry.name: entry.reason for entry in network.skipped}
