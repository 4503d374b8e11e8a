"""The masks of one weight: its zeros in the forward pass, and straight-through gradients in the backward pass."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class StraightThrough(torch.autograd.Function):
    """W * keep forward; dL/dW = live * dL/dW_eff backward, so a weight that N:M dropped can return."""

    generate_vmap_rule = True

    @staticmethod
    def forward(weight: Tensor, keep: Tensor, live: Tensor) -> Tensor:
        """The effective weight: exact zeros outside `keep`."""
        return torch.where(keep, weight, weight.new_zeros(()))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
        """Keep the block mask for the backward pass."""
        ctx.save_for_backward(inputs[2])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """The N:M mask counts as the identity; pruned blocks get no gradient."""
        (live,) = ctx.saved_tensors
        return torch.where(live, gradients[0], gradients[0].new_zeros(())), None, None


_straight_through: Callable[..., Tensor] = StraightThrough.apply


class Masks:
    """The masks of one weight, in the weight's own shape: `nm`, `live` (blocks) and `keep`, their product.

    A copy of the model shares them, unless its pruner is copied with it (`share_nothing`).
    """

    def __init__(self, nm: Tensor, live: Tensor) -> None:
        self.set(nm, live)
        self.paused = False

    def set(self, nm: Tensor, live: Tensor) -> None:
        """Replace the masks; both are bool of the weight's shape."""
        self.nm, self.live, self.keep = nm, live, nm & live

    def follow(self, device: torch.device) -> None:
        """Move to the device of the weight."""
        if self.keep.device != device:
            self.set(self.nm.to(device), self.live.to(device))

    def masked(self, weight: Tensor) -> Tensor:
        """The weight with zeros where it is masked, differentiable."""
        self.follow(weight.device)
        return _straight_through(weight, self.keep, self.live)

    @torch.no_grad()
    def pull(self, weight: Tensor, share: float) -> None:
        """Take a share off the weight where N:M dropped it."""
        self.follow(weight.device)
        weight.copy_(torch.where(self.nm, weight, weight * (1 - share)))

    def __deepcopy__(self, memo: dict[int, Any]) -> "Masks":
        """The same masks: what the pruner sets later holds for every copy."""
        return self


def share_nothing(masks: Iterable[Masks], memo: dict[int, Any]) -> None:
    """Make a deep copy with this `memo` have masks of its own."""
    for one in masks:
        memo[id(one)] = Masks(one.nm.clone(), one.live.clone())
