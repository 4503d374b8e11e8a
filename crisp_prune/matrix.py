"""Weight tensor <-> weight matrix; columns run over (kernel y, kernel x, input channel), the channel fastest."""

from collections.abc import Sequence

from torch import Tensor

from crisp_hw.errors import InputError

COLUMN_ORDER = ("kernel_y", "kernel_x", "input_channel")
"""Axes that a column index runs over, slowest first (NVIDIA ASP and ModelOpt group along the same fastest axis)."""


def to_matrix(weight: Tensor) -> Tensor:
    """Weight (S, C, kh, kw) of a convolution as W[S, kh*kw*C]; a Linear weight (out, in) as it is.

    The result may be a view. Raises InputError for any other number of axes.

    >>> import torch
    >>> w = torch.arange(4.0).reshape(1, 2, 1, 2)  # 1 output channel, 2 input channels, kernel 1 x 2
    >>> to_matrix(w).tolist()  # the channels of the left tap, then those of the right tap
    [[0.0, 2.0, 1.0, 3.0]]
    """
    match weight.ndim:
        case 2:
            return weight
        case 4:
            return weight.permute(0, 2, 3, 1).reshape(weight.shape[0], -1)
    raise InputError(
        f"a weight of shape {tuple(weight.shape)} has no matrix view", hint="give a Linear or Conv2d weight"
    )


def from_matrix(matrix: Tensor, shape: Sequence[int]) -> Tensor:
    """The inverse of `to_matrix`: a contiguous tensor of the weight's own `shape`; InputError when the sizes differ.

    >>> import torch
    >>> from_matrix(torch.tensor([[0.0, 2.0, 1.0, 3.0]]), (1, 2, 1, 2)).flatten().tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    size = 1
    for extent in shape:
        size *= extent
    if matrix.numel() != size or len(shape) not in (2, 4):
        raise InputError(f"a matrix of shape {tuple(matrix.shape)} does not fill a weight of shape {tuple(shape)}")
    if len(shape) == 2:
        return matrix.reshape(*shape).contiguous()
    rows, channels, height, width = shape
    return matrix.reshape(rows, height, width, channels).permute(0, 3, 1, 2).contiguous()
