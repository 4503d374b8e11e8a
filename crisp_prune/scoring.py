"""What a criterion reads of a pass over batches: gradients of the loss, or what comes out of layers."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from crisp_prune.choices import OF_OUTPUTS, Criterion
from crisp_prune.gradients import GradientSums
from crisp_prune.losses import checked_loss
from crisp_prune.masking import Masking
from crisp_prune.outputs import complete, of_outputs


def collect(sums: GradientSums, masking: Masking, criterion: Criterion, losses: Iterable[Callable[[], Tensor]]) -> None:
    """Add what the criterion reads of every batch; each of `losses` calls the model once and returns its loss.

    >>> from torch import nn
    >>> from crisp_prune.config import CrispConfig
    >>> from crisp_prune.plan import make_plan
    >>> sums, masking = GradientSums(), Masking(nn.Sequential(nn.Linear(4, 4)))
    >>> _ = masking.attach(make_plan(masking.model, CrispConfig(sparsity=0.5, block=4)), keep_zeros=False)
    >>> collect(sums, masking, "cass", [lambda: masking.model(torch.ones(1, 4)).sum()])
    >>> sums.sums["0"][0].tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    weights = masking.weights
    for loss in losses:
        if criterion in OF_OUTPUTS:
            with torch.no_grad():
                told = of_outputs(masking.model, weights, masking.layouts, loss)[criterion]
            complete(told, weights, criterion)
            sums.add(told, criterion)
            continue
        found = torch.autograd.grad(checked_loss(loss()), list(weights.values()), allow_unused=True)
        sums.add(dict(zip(weights, found, strict=True)), criterion)
