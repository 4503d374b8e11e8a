"""AMC's channels of MobileNetV1 for half the FLOPs (its public code), counted to the multiply-accumulate."""

import pytest
import torch
from torch import nn

from crisp_prune.lab.cell import _macs

WHOLE = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
HALF = (24, 48, 96, 80, 192, 200, 328, 352, 368, 360, 328, 400, 736, 752)
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)


@pytest.mark.parametrize(("widths", "macs"), [(WHOLE, 568_740_352), (HALF, 293_870_000)], ids=["whole", "half"])
def test_channels_of_amc_count_as_published(widths, macs):
    with torch.device("meta"):
        layers, inputs = [nn.Conv2d(3, widths[0], 3, 2, 1, bias=False)], widths[0]
        for outputs, stride in zip(widths[1:], STRIDES, strict=True):
            layers.append(nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False))
            layers.append(nn.Conv2d(inputs, outputs, 1, bias=False))
            inputs = outputs
        model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 1000))
        assert _macs(model, torch.zeros(1, 3, 224, 224)) == macs
