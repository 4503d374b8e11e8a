"""What a criterion reads of a pass over batches: gradients of the loss, or what comes out of layers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from crisp_prune.batches import labels_in, samples_told, say_missing
from crisp_prune.choices import OF_OUTPUTS, Criterion
from crisp_prune.gradients import GradientSums
from crisp_prune.losses import checked_loss
from crisp_prune.masking import Masking
from crisp_prune.outputs import complete, of_outputs
from crisp_prune.together import add_up, gathered, place, processes, shares_of


@dataclass(frozen=True)
class Scored:
    """The batches of a pass, None for one without a sample of the classes, and the loss, which calls the model once."""

    batches: Iterable[Any]
    loss_of: Callable[[Any], Tensor]
    classes: tuple[int, ...] = ()


def collect(sums: GradientSums, masking: Masking, criterion: Criterion, scored: Scored) -> None:
    """Add what the criterion reads of every batch.

    >>> from torch import nn
    >>> from crisp_prune.config import CrispConfig
    >>> from crisp_prune.plan import make_plan
    >>> sums, masking = GradientSums(), Masking(nn.Sequential(nn.Linear(4, 4)))
    >>> _ = masking.attach(make_plan(masking.model, CrispConfig(sparsity=0.5, block=4)), keep_zeros=False)
    >>> collect(sums, masking, "cass", Scored([torch.ones(1, 4)], lambda batch: masking.model(batch).sum()))
    >>> sums.sums["0"][0].tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    seen: set[int] = set()
    for batch in scored.batches:
        if batch is not None:
            seen |= labels_in(batch)
            sums.add(_read(masking, criterion, partial(scored.loss_of, batch)), criterion)
    if processes() == 1 and seen:  # others may have seen others; without any, there is nothing to rank by
        say_missing(scored.classes, seen)


def collect_together(sums: GradientSums, masking: Masking, criterion: Criterion, scored: Scored) -> None:
    """The same where the batches that all processes have at once make one, over whose samples everything is a mean.

    Processes may have different numbers of batches; those that have none left wait for the others.
    """
    weights, batches, end = masking.weights, iter(scored.batches), object()
    while any(gathered((batch := next(batches, end)) is not end)):
        mine = None if batch is end else batch
        shares = shares_of(samples_told(mine))
        if not shares:
            continue
        read = {} if mine is None else _read(masking, criterion, partial(scored.loss_of, mine))
        known = ((weight, read.get(name)) for name, weight in weights.items())
        totals = [torch.zeros_like(weight) if one is None else one.to(weight).contiguous() for weight, one in known]
        add_up(totals, shares[place()])
        sums.add(dict(zip(weights, totals, strict=True)), criterion)


def _read(masking: Masking, criterion: Criterion, loss: Callable[[], Tensor]) -> dict[str, Tensor | None]:
    """What the criterion reads of one batch, by layer: gradients (None: the loss has none) or numbers of outputs."""
    weights = masking.weights
    if criterion in OF_OUTPUTS:
        with torch.no_grad():
            told = of_outputs(masking.model, weights, masking.layouts, loss)[criterion]
        complete(told, weights, criterion)
        return dict(told)
    found = torch.autograd.grad(checked_loss(loss()), list(weights.values()), allow_unused=True)
    return dict(zip(weights, found, strict=True))
