"""Scores -> N:M mask along the columns of the matrix view."""

import torch
from torch import Tensor
from torch.nn.functional import pad


def nm_mask(scores: Tensor, n: int, m: int) -> Tensor:
    """Keep-mask bool[S, K]: in every group of `m` consecutive columns of a row, the `n` largest scores.

    Ties go to the lower column. When `m` does not divide K, the last group is padded with virtual zeros that lose
    every tie: it keeps min(n, its real columns). Groups follow the columns (input channel fastest), so where `m` does
    not divide the input channels a group runs on into the next kernel tap.

    >>> import torch
    >>> nm_mask(torch.tensor([[3.0, 1.0, 1.0, 2.0, 0.0]]), n=2, m=4).int().tolist()
    [[1, 0, 0, 1, 1]]
    """
    rows, columns = scores.shape
    padded = pad(scores, (0, -columns % m), value=float("-inf")).reshape(rows, -1, m)
    order = padded.argsort(dim=-1, descending=True, stable=True)
    keep = torch.zeros_like(padded, dtype=torch.bool).scatter_(-1, order[..., :n], True)
    return keep.reshape(rows, -1)[:, :columns].contiguous()


def kept_columns(columns: int, n: int, m: int) -> int:
    """Weights that N:M keeps in one row of `columns` consecutive columns starting at a group's first.

    >>> kept_columns(64, 2, 4), kept_columns(5, 2, 4)
    (32, 3)
    """
    return columns // m * n + min(n, columns % m)
