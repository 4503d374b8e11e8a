"""Input channels chosen by what the layer's output loses without them, and a refit of the weights that stay."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from crisp_hw.errors import InputError
from crisp_prune.oneshot import OneShot, Pruned, each_layer

RANK = 1e-10
"""Share of the largest eigenvalue below which inputs count as dependent: not given; assumed because sums of products in
fp64 are exact to about 1e-15 of the largest."""


def thin(model: nn.Module, batches: Sequence[Any], keep: float, layers: Iterable[str] | None = None) -> OneShot:
    """A copy of a model in which every layer reads the share `keep` of its input channels (ThiNet, arXiv 1707.06342).

    Channels go one by one: always that without which the output of the layer changes least, all gone so far counted
    together. Weights that stay are refitted by least squares to what the layer gave before. Where all readers of a
    channel agree, `shrink` takes it away. Layers, batches and order are those of `one_shot`.

    >>> torch.manual_seed(0)  # doctest: +ELLIPSIS
    <torch._C.Generator object at ...>
    >>> thinned = thin(nn.Sequential(nn.Linear(8, 4)), [torch.rand(16, 8)], 0.25).model
    >>> int((thinned[0].weight != 0).any(0).sum())
    2
    """
    if not 0 < keep <= 1:
        raise InputError(f"keep is {keep} and must lie in (0, 1]", hint="it is the share of the input channels to keep")

    def rule(pruned: Pruned) -> Tensor:
        count = max(1, round(pruned.channels * keep))
        chosen = channels_of(pruned.matrix, pruned.gram, pruned.channels, count)
        return refitted(pruned.matrix, pruned.gram, chosen.repeat(pruned.matrix.shape[1] // pruned.channels))

    return each_layer(model, batches, layers, rule)


def channels_of(matrix: Tensor, gram: Tensor, channels: int, count: int) -> Tensor:
    """Which `count` input channels stay, bool; `gram` is x'x of the columns, in which channels are the fastest.

    >>> channels_of(torch.tensor([[3.0, 1.0, 2.0]]), torch.eye(3), 3, 2).tolist()
    [True, False, True]
    """
    taps = matrix.shape[1] // channels
    both = ((matrix.t() @ matrix) * gram).reshape(taps, channels, taps, channels).sum((0, 2))
    loss, live = both.diagonal().clone(), torch.ones(channels, dtype=torch.bool)
    for _ in range(channels - count):
        worst = int(torch.where(live, loss, torch.inf).argmin())
        live[worst] = False
        loss += 2 * both[worst]
    return live


def refitted(matrix: Tensor, gram: Tensor, live: Tensor) -> Tensor:
    """The weights of live columns that come closest to what all columns gave; zeros elsewhere."""
    found = torch.zeros_like(matrix)
    found[:, live] = matrix @ gram[:, live] @ torch.linalg.pinv(gram[live][:, live], rtol=RANK, hermitian=True)
    return found
