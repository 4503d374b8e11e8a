"""Small networks for small images, grey or coloured: a ResNet, a VGG and a MobileNetV2 of about 0.2 million weights."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.functional import pad


def _conv(inputs: int, outputs: int, stride: int = 1, kernel: int = 3, groups: int = 1) -> nn.Sequential:
    """Convolution and batch norm."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


class Residual(nn.Module):
    """Two 3 x 3 convolutions around which the input goes, thinned out and with zeros for channels that are added.

    That is option A of He et al. (2016), without weights: at a high sparsity 1 x 1 convolutions, which have few
    blocks, would hold the rest back.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first, self.second = _conv(inputs, outputs, stride), _conv(outputs, outputs)
        self.stride, self.added = stride, outputs - inputs
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """The sum of both ways, rectified."""
        around = pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added))
        found: Tensor = self.relu(self.second(self.relu(self.first(x))) + around)
        return found


class Inverted(nn.Module):
    """Wide 1 x 1, depthwise 3 x 3 and narrow 1 x 1 convolutions (MobileNetV2, Sandler et al., 2018)."""

    def __init__(self, inputs: int, outputs: int, stride: int, wider: int = 6) -> None:
        super().__init__()
        middle = inputs * wider
        self.around = stride == 1 and inputs == outputs
        self.way = nn.Sequential(
            _conv(inputs, middle, kernel=1),
            nn.ReLU6(),
            _conv(middle, middle, stride, groups=middle),
            nn.ReLU6(),
            _conv(middle, outputs, kernel=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """What comes out, with the input added where sizes stay."""
        found: Tensor = self.way(x)
        return x + found if self.around else found


def _head(width: int, classes: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes)]


def resnet(classes: int = 10, channels: int = 1) -> nn.Module:
    """A ResNet of three residual blocks, 16, 64 and 128 channels wide.

    >>> sum(weight.numel() for weight in resnet().parameters()) // 1000
    274
    """
    stages = [Residual(16, 16, 1), Residual(16, 64, 2), Residual(64, 128, 2)]
    return nn.Sequential(_conv(channels, 16), nn.ReLU(), *stages, *_head(128, classes))


def vgg(classes: int = 10, channels: int = 1) -> nn.Module:
    """A VGG of six 3 x 3 convolutions, halved after every second.

    >>> len([layer for layer in vgg().modules() if isinstance(layer, nn.Conv2d)])
    6
    """
    layers: list[nn.Module] = []
    for inputs, outputs in ((channels, 32), (32, 64), (64, 128)):
        layers += [_conv(inputs, outputs), nn.ReLU(), _conv(outputs, outputs), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, *_head(128, classes))


def mobilenet(classes: int = 10, channels: int = 1) -> nn.Module:
    """A MobileNetV2 of five inverted residuals.

    >>> len([layer for layer in mobilenet().modules() if isinstance(layer, Inverted)])
    5
    """
    sizes = ((16, 24, 2), (24, 24, 1), (24, 32, 2), (32, 32, 1), (32, 64, 1))
    return nn.Sequential(_conv(channels, 16), nn.ReLU6(), *(Inverted(*size) for size in sizes), *_head(64, classes))


NETWORKS: dict[str, Callable[[int, int], nn.Module]] = {"resnet": resnet, "vgg": vgg, "mobilenet": mobilenet}
"""The networks by the name that a study gives."""
