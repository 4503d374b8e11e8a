"""Convolutions of any number of axes, and transposed ones, as the Conv2d of the same products."""

from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError
from crisp_hw.spec.calls import Counted, Shape, convolution_call
from crisp_hw.spec.layer import Layer

FRAMES = "a Conv3d is counted as the Conv2d of its output frames; the channels of one are those of all frames it sees"
WHOLE_KERNEL = (
    "a transposed convolution is counted as the product of every input position with the whole kernel; adding up what "
    "overlaps is not modelled"
)


@dataclass(frozen=True)
class Convolution:
    """A convolution over one to three axes: channels of both sides, and a number per axis for everything else."""

    name: str
    out_channels: int
    in_channels: int
    kernel: Shape
    stride: Shape
    padding: Shape
    dilation: Shape
    groups: int = 1
    transposed: bool = False

    @property
    def weight_shape(self) -> Shape:
        """The shape of the weight, as PyTorch and ONNX keep it."""
        first, second = (
            (self.in_channels, self.out_channels) if self.transposed else (self.out_channels, self.in_channels)
        )
        return (first, second // self.groups, *self.kernel)


def as_conv2d(conv: Convolution, inputs: Shape, output: Shape, samples: int) -> Counted:
    """One call of a convolution on `inputs` (..., channels, sizes) that gave `output`, as a Conv2d of as many products.

    Of three axes the first becomes channels and images, of one the height is 1. A transposed one multiplies every input
    position with the whole kernel, which is a 1x1 convolution to channels x taps.

    Examples
    --------
    >>> clip = Convolution("c", 8, 4, (3, 3, 3), (1, 1, 1), (1, 1, 1), (1, 1, 1))
    >>> layer = as_conv2d(clip, (1, 4, 6, 8, 8), (1, 8, 6, 8, 8), 1).layer
    >>> layer.columns, layer.positions, layer.macs == 8 * 4 * 27 * 6 * 64
    (108, 384, True)
    >>> up = Convolution("u", 8, 4, (2, 2), (2, 2), (0, 0), (1, 1), transposed=True)
    >>> as_conv2d(up, (1, 4, 8, 8), (1, 8, 16, 16), 1).layer.macs == 8 * 4 * 4 * 64
    True
    """
    axes = len(conv.kernel)
    if not 1 <= axes <= 3:
        raise InputError(f"{conv.name} is a convolution over {axes} axes", hint="one to three axes are read")
    images, sizes = prod(inputs[: -axes - 1]), inputs[-axes:]
    if conv.transposed:
        whole = Layer(conv.name, "conv2d", conv.out_channels * prod(conv.kernel), conv.in_channels, groups=conv.groups)
        flat = (images * prod(sizes[:-2]), conv.in_channels, *(1, *sizes)[-2:])
        counted = convolution_call(whole, flat, (), samples)
        return replace(counted, note=counted.note or WHOLE_KERNEL)
    depth = conv.kernel[0] if axes == 3 else 1
    channels = conv.in_channels * depth
    layer = Layer(
        conv.name,
        "conv2d",
        conv.out_channels,
        channels,
        kernel=_pair(conv.kernel, 1),
        stride=_pair(conv.stride, 1),
        padding=_pair(conv.padding, 0),
        dilation=_pair(conv.dilation, 1),
        groups=conv.groups,
    )
    frames = images * (output[-3] if axes == 3 else 1)
    out = (conv.out_channels, *_pair(output[-axes:], 1)) if output else ()
    counted = convolution_call(layer, (frames, channels, *_pair(sizes, 1)), out, samples)
    return replace(counted, note=counted.note or (FRAMES if axes == 3 else ""))


def _pair(values: Shape, missing: int) -> tuple[int, int]:
    """The last two of some numbers; of one alone, as a height of its own."""
    height, width = (missing, *values)[-2:]
    return height, width


def kept_view(conv: Convolution, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask of a weight as bool[rows, columns] of the Conv2d that `as_conv2d` makes of it.

    >>> up = Convolution("u", 1, 2, (1, 2), (1, 1), (0, 0), (1, 1), transposed=True)
    >>> kept_view(up, np.array([[[[True, False]]], [[[True, True]]]])).astype(int).tolist()
    [[1, 1], [0, 1]]
    """
    if conv.transposed:
        grouped = kept.reshape(conv.groups, conv.in_channels // conv.groups, -1)
        turned = grouped.transpose(0, 2, 1).reshape(-1, conv.in_channels // conv.groups)
        return np.ascontiguousarray(turned)
    order = {1: (0, 2, 1), 2: (0, 2, 3, 1), 3: (0, 3, 4, 2, 1)}[len(conv.kernel)]
    return np.ascontiguousarray(kept.transpose(order).reshape(len(kept), -1))
