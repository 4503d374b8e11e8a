"""Masks as bits: what a checkpoint stores."""

from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from torch import Tensor

from crisp_hw.errors import InputError


def pack(mask: Tensor) -> Tensor:
    """A boolean mask of any shape as uint8[ceil(elements / 8)], first element in the highest bit (on the CPU).

    >>> import torch
    >>> pack(torch.tensor([True, False, True])).tolist()  # 101 00000
    [160]
    """
    bits = mask.detach().to("cpu", torch.bool).contiguous().numpy()
    return torch.from_numpy(np.packbits(bits.reshape(-1)))


def unpack(packed: Tensor, shape: Sequence[int]) -> Tensor:
    """The inverse of `pack`: a boolean mask of `shape`; InputError when the number of bytes does not fit.

    >>> import torch
    >>> unpack(torch.tensor([160], dtype=torch.uint8), (3,)).tolist()
    [True, False, True]
    """
    size = prod(shape)
    if packed.numel() != -(-size // 8):
        raise InputError(
            f"{packed.numel()} bytes do not hold a mask of shape {tuple(shape)}", hint="the file is damaged"
        )
    bits = np.unpackbits(packed.cpu().numpy(), count=size)
    return torch.from_numpy(bits.astype(bool)).reshape(tuple(shape))
