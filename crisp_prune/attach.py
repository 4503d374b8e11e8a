"""Masks in the forward pass, straight-through gradients in the backward pass, and no parameter renamed.

A forward-pre-hook puts the masked weight into the module's `__dict__`, where Python finds it before the parameter
of the same name; a forward hook takes it away again. The parameter stays registered, dense and trainable, so
state_dict, optimizers, deepcopy and pickle see the plain model.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from crisp_hw.errors import InputError
from crisp_prune.sites import Site, weight_of


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
    """The masks of one weight, in the weight's own shape: `nm`, `live` (blocks) and `keep`, their product."""

    def __init__(self, nm: Tensor, live: Tensor) -> None:
        self.set(nm, live)

    def set(self, nm: Tensor, live: Tensor) -> None:
        """Replace the masks; both are bool of the weight's shape."""
        self.nm, self.live, self.keep = nm, live, nm & live

    def follow(self, device: torch.device) -> None:
        """Move to the device of the weight."""
        if self.keep.device != device:
            self.set(self.nm.to(device), self.live.to(device))


class MaskHook:
    """The pair of hooks of one place: `show` puts the masked weight in front of the parameter, `hide` removes it.

    `path` leads from the hooked module to the one that holds the weight ("" for itself).
    """

    def __init__(self, path: str, attribute: str, masks: Masks) -> None:
        self.path, self.attribute, self.masks = path, attribute, masks

    def show(self, module: nn.Module, args: object) -> None:
        """Before the forward pass."""
        owner = module.get_submodule(self.path)
        weight = owner._parameters[self.attribute]
        if weight is None:
            raise InputError(f"{self.attribute} of {type(owner).__name__} was removed while a pruner is attached")
        self.masks.follow(weight.device)
        owner.__dict__[self.attribute] = _straight_through(weight, self.masks.keep, self.masks.live)

    def hide(self, module: nn.Module, args: object, output: object) -> None:
        """After the forward pass, also after one that raised."""
        module.get_submodule(self.path).__dict__.pop(self.attribute, None)


def attach(model: nn.Module, site: Site) -> Masks:
    """Hook every place that reads the weight of `site`; the masks returned keep everything until they are set.

    >>> from crisp_prune.sites import find_sites
    >>> model = nn.Sequential(nn.Linear(2, 2))
    >>> masks = attach(model, find_sites(model)[0])
    >>> masks.set(torch.zeros(2, 2, dtype=torch.bool), masks.live)
    >>> torch.equal(model(torch.ones(1, 2))[0], model[0].bias), list(model.state_dict())
    (True, ['0.weight', '0.bias'])
    """
    everything = torch.ones_like(weight_of(model, site.uses[0]), dtype=torch.bool, requires_grad=False)
    masks = Masks(everything, everything)
    for use in site.uses:
        path = use.owner[len(use.caller) :].lstrip(".")
        hook = MaskHook(path, use.attribute, masks)
        module = model.get_submodule(use.caller)
        module.register_forward_pre_hook(hook.show)
        module.register_forward_hook(hook.hide, always_call=True)
    return masks


def mask_hooks(model: nn.Module) -> list[tuple[nn.Module, MaskHook]]:
    """Every attached pair of hooks with the module that it hangs on, also in a deep copy of the model.

    >>> mask_hooks(nn.Linear(2, 2))
    []
    """
    return [
        (module, pair)
        for module in model.modules()
        for hook in module._forward_pre_hooks.values()
        if isinstance(pair := getattr(hook, "__self__", None), MaskHook)
    ]


def strip(model: nn.Module) -> nn.Module:
    """Write exact zeros into the masked weights and remove all hooks: a plain model again (also from a deep copy).

    >>> from crisp_prune.sites import find_sites
    >>> model = nn.Sequential(nn.Linear(2, 2))
    >>> masks = attach(model, find_sites(model)[0])
    >>> masks.set(torch.zeros(2, 2, dtype=torch.bool), masks.live)
    >>> strip(model)[0].weight.count_nonzero().item(), mask_hooks(model)
    (0, [])
    """
    with torch.no_grad():
        for module, hook in mask_hooks(model):
            owner = module.get_submodule(hook.path)
            owner.__dict__.pop(hook.attribute, None)
            weight = owner._parameters[hook.attribute]
            if weight is not None:
                hook.masks.follow(weight.device)
                weight.copy_(torch.where(hook.masks.keep, weight, weight.new_zeros(())))
    detach(model)
    return model


def detach(model: nn.Module) -> None:
    """Remove all mask hooks and leave the dense weights as they are.

    >>> detach(nn.Linear(2, 2))
    """
    for module in {module for module, _ in mask_hooks(model)}:
        for hooks in (module._forward_pre_hooks, module._forward_hooks):
            for key, hook in list(hooks.items()):
                if isinstance(getattr(hook, "__self__", None), MaskHook):
                    del hooks[key]
                    module._forward_hooks_always_called.pop(key, None)
