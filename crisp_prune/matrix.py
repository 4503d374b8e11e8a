"""Weight tensor <-> weight matrix; columns run over (kernel y, kernel x, input channel), the channel fastest."""

from collections.abc import Sequence
from math import prod

from torch import Tensor

from crisp_hw.errors import InputError
from crisp_prune.choices import Layout

COLUMN_ORDER = ("kernel_y", "kernel_x", "input_channel")
"""Axes that a column index runs over, slowest first (NVIDIA ASP and ModelOpt group along the same fastest axis). The
depth of a Conv3d's kernel lies between kernel_x and input_channel."""
FORWARD = {3: (0, 2, 1), 4: (0, 2, 3, 1), 5: (0, 3, 4, 2, 1)}
"""The axes of a convolution's weight in the order of the matrix, by their number."""
BACK = {3: (0, 2, 1), 4: (0, 3, 1, 2), 5: (0, 4, 3, 1, 2)}
"""The inverse of `FORWARD`."""


def to_matrix(weight: Tensor, layout: Layout = "plain") -> Tensor:
    """Weight (S, C, kh, kw) of a convolution as W[S, kh*kw*C], of one or three axes alike; a Linear's (out, in) as is.

    A "turned" weight is (in, out), or (in, out, kernel...) of a transposed convolution, whose rows are the taps of each
    output channel; a "stacked" one (experts, out, in), whose rows are those of all experts. The result may be a view.
    Raises InputError for any other number of axes.

    >>> import torch
    >>> w = torch.arange(4.0).reshape(1, 2, 1, 2)  # 1 output channel, 2 input channels, kernel 1 x 2
    >>> to_matrix(w).tolist()  # the channels of the left tap, then those of the right tap
    [[0.0, 2.0, 1.0, 3.0]]
    >>> to_matrix(torch.tensor([[1.0, 2.0]]), "turned").tolist()
    [[1.0], [2.0]]
    """
    match layout, weight.ndim:
        case "turned", (2 | 3 | 4 | 5):
            return weight.reshape(weight.shape[0], -1).t()
        case "stacked", 3:
            return weight.reshape(-1, weight.shape[2])
        case "plain", 2:
            return weight
        case "plain", (3 | 4 | 5) as axes:
            return weight.permute(FORWARD[axes]).reshape(weight.shape[0], -1)
    raise InputError(
        f"a weight of shape {tuple(weight.shape)} has no matrix view", hint="give a Linear or convolution weight"
    )


def from_matrix(matrix: Tensor, shape: Sequence[int], layout: Layout = "plain") -> Tensor:
    """The inverse of `to_matrix`: a contiguous tensor of the weight's own `shape`; InputError when the sizes differ.

    >>> import torch
    >>> from_matrix(torch.tensor([[0.0, 2.0, 1.0, 3.0]]), (1, 2, 1, 2)).flatten().tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    if matrix.numel() != prod(shape) or len(shape) not in (2, *FORWARD):
        raise InputError(f"a matrix of shape {tuple(matrix.shape)} does not fill a weight of shape {tuple(shape)}")
    if layout == "turned":
        return matrix.t().reshape(*shape).contiguous()
    if layout == "stacked" or len(shape) == 2:
        return matrix.reshape(*shape).contiguous()
    ordered = [shape[axis] for axis in FORWARD[len(shape)]]
    return matrix.reshape(ordered).permute(BACK[len(shape)]).contiguous()
