"""Gradient terms of the saliency, summed over batches and over processes."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch import distributed as dist

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.shown import listed
from crisp_prune.choices import WITHOUT_GRADIENTS, Criterion, Layout
from crisp_prune.matrix import to_matrix
from crisp_prune.saliency import batch_term, saliency
from crisp_prune.together import from_first


class GradientSums:
    """Sum of `batch_term` per layer and the number of batches in it; tensors have the shape of the weight, fp32.

    >>> sums = GradientSums()
    >>> sums.add({"a": torch.tensor([-1.0, 2.0])}, "cass")
    >>> sums.add({"a": None}, "cass")
    >>> sums.means({"a": nn.Parameter(torch.zeros(2))})[0]["a"].tolist()
    [0.5, 1.0]
    """

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.batches = 0

    def add(self, gradients: Mapping[str, Tensor | None], score: Criterion) -> None:
        """One batch; None counts as zero."""
        for name, gradient in gradients.items():
            if gradient is None:
                continue
            term = batch_term(gradient, score)
            self.sums[name] = self.sums[name] + term if name in self.sums else term
        self.batches += 1

    def add_finite(self, gradients: Mapping[str, Tensor | None], score: Criterion) -> None:
        """The same, of a batch without any gradient that overflowed; others are left out."""
        if all(gradient is None or bool(torch.isfinite(gradient).all()) for gradient in gradients.values()):
            self.add(gradients, score)

    def observe(self, weights: Mapping[str, nn.Parameter], scale: float, score: Criterion) -> None:
        """The batch whose gradients stand in `.grad`, divided by the `scale` of its loss; InputError without any."""
        frozen = [name for name, each in weights.items() if each.grad is None and not each.requires_grad]
        if score not in WITHOUT_GRADIENTS and frozen:
            said = f"{listed(frozen, 3)} has no gradient, because requires_grad is off, and would be ranked last"
            raise InputError(said, hint="turn it on while observing, give it the role dense, or give step() batches")
        found = {name: None if each.grad is None else each.grad.float() / scale for name, each in weights.items()}
        if score not in WITHOUT_GRADIENTS and all(gradient is None for gradient in found.values()):
            said = "no prunable weight has a gradient to observe"
            raise InputError(said, hint="call observe() after backward() and before zero_grad()")
        self.add_finite(found, score)

    def clear(self) -> None:
        """Forget all batches."""
        self.sums, self.batches = {}, 0

    def restore(self, sums: Mapping[str, Tensor], batches: int, weights: Mapping[str, nn.Parameter]) -> None:
        """Go on from sums that were saved, each where its weight is."""
        self.sums = {name: total.to(weights[name].device) for name, total in sums.items()}
        self.batches = batches

    def means(self, weights: Mapping[str, nn.Parameter]) -> tuple[dict[str, Tensor], int]:
        """Mean term per layer and the number of batches, both over all processes of torch.distributed.

        Every process gets the same values bit for bit: rank 0 sends its sums to all.
        """
        totals = {
            name: self.sums[name].clone() if name in self.sums else torch.zeros_like(weight, dtype=torch.float32)
            for name, weight in weights.items()
        }
        device = next(iter(weights.values())).device if weights else torch.device("cpu")
        count = torch.tensor([self.batches], device=device)
        if dist.is_available() and dist.is_initialized():
            for tensor in (count, *totals.values()):
                dist.all_reduce(tensor)
            from_first((count, *totals.values()))
        batches = int(count.item())
        return {name: total.detach() / max(1, batches) for name, total in totals.items()}, batches

    def scores(
        self,
        weights: Mapping[str, nn.Parameter],
        score: Criterion,
        classes: tuple[int, ...] = (),
        layouts: Mapping[str, Layout] = MappingProxyType({}),
    ) -> dict[str, Tensor]:
        """The saliency of every weight in the matrix view, on the CPU; InputError when gradients are needed and lack.

        >>> GradientSums().scores({"a": nn.Parameter(torch.tensor([[-2.0]]))}, "magnitude")["a"].tolist()
        [[2.0]]
        """
        if unread := [name for name, weight in weights.items() if weight.is_meta]:
            said = "its weight is on the device meta, which has sizes and no numbers, so it cannot be ranked"
            raise InputError(said, Where(key=unread[0]), "load the weights first")
        means, batches = self.means(weights)
        if score not in WITHOUT_GRADIENTS and not batches:
            raise InputError(
                f"no gradients for the criterion {score!r}: no batch held a sample of the classes {classes or '(all)'}",
                hint="give step() batches, or call observe() in your loop",
            )
        if score not in WITHOUT_GRADIENTS and not any(bool(mean.any()) for mean in means.values()):
            said = f"every gradient is 0, so the criterion {score!r} has nothing to rank weights by"
            raise InputError(said, hint="check the loss: does it depend on the prunable layers?")
        found = {name: saliency(weight, means[name], score) for name, weight in weights.items()}
        from_first(found.values())  # so that masks are the same in all processes
        return {name: to_matrix(one, layouts.get(name, "plain")).cpu() for name, one in found.items()}


@contextmanager
def thawed(weights: Iterable[nn.Parameter]) -> Iterator[None]:
    """Let frozen weights have gradients inside; afterwards they are frozen again, with the `.grad` of before.

    >>> weight = nn.Parameter(torch.ones(2), requires_grad=False)
    >>> with thawed([weight]):
    ...     weight.requires_grad
    True
    >>> weight.requires_grad
    False
    """
    frozen = [(weight, weight.grad) for weight in weights if not weight.requires_grad]
    for weight, _ in frozen:
        weight.requires_grad_(True)
    try:
        yield
    finally:
        for weight, before in frozen:
            weight.requires_grad_(False)
            weight.grad = before
