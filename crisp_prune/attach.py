"""Masks in the forward pass, straight-through gradients in the backward pass, and no parameter renamed.

A forward-pre-hook puts the masked weight into the module's `__dict__`, where Python finds it before the parameter
of the same name; a forward hook takes it away again. The parameter stays registered, dense and trainable, so
state_dict, optimizers, deepcopy and pickle see the plain model. The model's own call shows all masked weights too, so
that code which reads a weight without calling its layer gets the masked one.

A deep copy of the model (an average of weights, say) follows the masks of the original: both share them.
"""

import copy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DataParallel, DistributedDataParallel

from crisp_hw.errors import InputError
from crisp_hw.spec.wrapped import module_of
from crisp_prune.dense_state import DenseState
from crisp_prune.masks import Masks
from crisp_prune.nesting import mapped
from crisp_prune.sites import Site, weight_of


@dataclass
class LastCall:
    """The arguments of a model's last call, kept by a hook on it; None before the first."""

    arguments: tuple[tuple[Any, ...], dict[str, Any]] | None = None

    def keep(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Before the forward pass; a compiled one keeps nothing."""
        if not torch.compiler.is_compiling():
            self.arguments = mapped(Tensor.detach, args), mapped(Tensor.detach, kwargs)

    def __deepcopy__(self, memo: dict[int, Any]) -> "LastCall":
        """A copied model begins without a batch."""
        return LastCall()

    def __getstate__(self) -> dict[str, Any]:
        return {"arguments": None}


class MaskHook:
    """The pair of hooks of one place: `show` puts the masked weight in front of the parameter, `hide` removes it.

    `path` leads from the hooked module to the one that holds the weight ("" for itself).
    """

    def __init__(self, path: str, attribute: str, masks: Masks) -> None:
        self.path, self.attribute, self.masks = path, attribute, masks
        self.hidden: list[Tensor | None] = []

    def show(self, module: nn.Module, args: object) -> None:
        """Before the forward pass; what was shown until then is kept for after it."""
        owner = module_of(module, self.path)
        weight = owner._parameters[self.attribute]
        if weight is None:
            kind = type(owner).__name__
            raise InputError(f"{self.attribute} of {kind} was removed while a pruner is attached")
        before = owner.__dict__.get(self.attribute)
        if not self.masks.paused:
            owner.__dict__[self.attribute] = self.masks.masked(weight)
        self.hidden.append(before)

    def hide(self, module: nn.Module, args: object, output: object) -> None:
        """After the forward pass, also after one that raised."""
        if not self.hidden:
            return
        owner, before = module_of(module, self.path), self.hidden.pop()
        if before is None:
            owner.__dict__.pop(self.attribute, None)
        else:
            owner.__dict__[self.attribute] = before

    def __getstate__(self) -> dict[str, Any]:
        """Copies start with nothing shown."""
        return {**vars(self), "hidden": []}


class ModelHook:
    """The pairs of all places on the model itself, as one pair.

    torch.compile makes each hook of a model a graph of its own, and gives up after eight of one function.
    """

    def __init__(self) -> None:
        self.pairs: list[MaskHook] = []

    def show(self, module: nn.Module, args: object) -> None:
        """Before the model's forward pass."""
        for pair in self.pairs:
            pair.show(module, args)

    def hide(self, module: nn.Module, args: object, output: object) -> None:
        """After it, also after one that raised."""
        for pair in self.pairs:
            pair.hide(module, args, output)


def _hook(module: nn.Module, pair: MaskHook | ModelHook) -> None:
    """Register a pair."""
    module.register_forward_pre_hook(pair.show)
    module.register_forward_hook(pair.hide, always_call=True)


def _of_model(model: nn.Module) -> ModelHook:
    """The pair that hangs on the model, made where there is none yet."""
    found = [getattr(hook, "__self__", None) for hook in model._forward_pre_hooks.values()]
    for one in found:
        if isinstance(one, ModelHook):
            return one
    made = ModelHook()
    _hook(model, made)
    return made


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
        _of_model(model).pairs.append(MaskHook(use.owner, use.attribute, masks))
        if use.caller:
            path = use.owner[len(use.caller) :].lstrip(".")
            _hook(module_of(model, use.caller), MaskHook(path, use.attribute, masks))
    forget_compiled()
    return masks


def forget_compiled() -> None:
    """Drop every graph that torch.compile made: it was traced with other hooks, and would go on without these."""
    dynamo = sys.modules.get("torch._dynamo")
    if dynamo is not None:
        dynamo.reset()


@contextmanager
def paused(model: nn.Module) -> Iterator[None]:
    """Inside, the model runs with its dense weights."""
    masks = [hook.masks for _, hook in mask_hooks(model)]
    for one in masks:
        one.paused = True
    try:
        yield
    finally:
        for one in masks:
            one.paused = False


def mask_hooks(model: nn.Module) -> list[tuple[nn.Module, MaskHook]]:
    """Every attached pair of hooks with the module that it hangs on, also in a deep copy of the model.

    >>> mask_hooks(nn.Linear(2, 2))
    []
    """
    found: list[tuple[nn.Module, MaskHook]] = []
    for module in model.modules():
        for hook in module._forward_pre_hooks.values():
            pair = getattr(hook, "__self__", None)
            pairs = pair.pairs if isinstance(pair, ModelHook) else [pair] if isinstance(pair, MaskHook) else []
            found += [(module, one) for one in pairs]
    return found


def free(model: nn.Module) -> nn.Module:
    """The model, when no pruner is attached to it.

    >>> free(nn.Identity())
    Identity()
    """
    if mask_hooks(model):
        raise InputError("the model has a pruner attached already", hint="call its finalize() first")
    return model


def copied(model: nn.Module) -> nn.Module:
    """A copy of a model without a pruner; InputError where it cannot be copied.

    >>> copied(nn.Identity())
    Identity()
    """
    try:
        return copy.deepcopy(free(model))
    except (RuntimeError, TypeError) as error:  # weights that are computed, as weight_norm of before 2.0 has them
        computed = "a tensor in it is computed from others"
        why = computed if isinstance(error, RuntimeError) else "an object in it is no plain value"
        said = f"{type(model).__name__} cannot be copied ({why})"
        hint = "take off what computes weights, as remove_weight_norm does, or make a copy yourself"
        raise InputError(said, hint=hint) from error


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
            owner = module_of(module, hook.path)
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
    for module in model.modules():
        for hooks in (module._forward_pre_hooks, module._forward_hooks):
            for key, hook in list(hooks.items()):
                if isinstance(getattr(hook, "__self__", None), MaskHook | ModelHook | LastCall | DenseState):
                    del hooks[key]
                    module._forward_hooks_always_called.pop(key, None)
                    module._forward_pre_hooks_with_kwargs.pop(key, None)
        for key, hook in list(module._state_dict_pre_hooks.items()):
            if isinstance(getattr(hook, "__self__", None), DenseState):
                del module._state_dict_pre_hooks[key]
    forget_compiled()


def unwrapped(model: nn.Module) -> nn.Module:
    """The module inside of wrappers that run it as it is: DistributedDataParallel and torch.compile."""
    while True:
        if isinstance(model, DataParallel):
            raise InputError(
                "DataParallel runs replicas without parameters of their own", hint="use DistributedDataParallel"
            )
        inside = model.module if isinstance(model, DistributedDataParallel) else getattr(model, "_orig_mod", None)
        if not isinstance(inside, nn.Module):
            return model
        model = inside
