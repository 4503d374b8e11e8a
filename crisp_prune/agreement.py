"""Does the plain model with zeros in its weights do what the masked model did? Asked of the last batch it saw."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from crisp_hw.errors import InputError
from crisp_hw.spec.wrapped import module_of
from crisp_prune.attach import LastCall, mask_hooks, paused
from crisp_prune.geometry import evaluation
from crisp_prune.nesting import mapped, tensors_of
from crisp_prune.reads import uncompiled
from crisp_prune.rng import preserved, seed_all


def agree(model: nn.Module, last: LastCall) -> str:
    """Hold what the model gives for its last call with masks against that with zeros in its weights, in evaluation
    mode.

    The answer says why that cannot be told; empty where both agree, and for a model not called yet. InputError when
    they do not: somewhere its code reads a dense weight, so it is trained without its zeros. The model comes back as it
    was.
    """
    if last.arguments is None:
        return ""
    arguments = last.arguments
    masked = _output(model, arguments)
    with _zeros(model), paused(model):
        plain = _output(model, arguments)
    apart = _difference(masked, plain)
    repeatable = not apart or not _difference(masked, _output(model, arguments))
    last.arguments = arguments
    if apart and repeatable:
        raise InputError(
            f"with zeros in its weights the model gives another output than with its masks ({apart}): some of its "
            "code reads a weight where the masks do not act",
            hint="give that layer the role dense, or call it as a module in forward",
        )
    if not masked:
        return f"no tensor is found in what {type(model).__name__} gives"
    return "" if repeatable else "the model gives two outputs for one batch in evaluation mode"


def require_agreement(model: nn.Module, last: LastCall) -> None:
    """InputError where `agree` finds a difference, or cannot tell."""
    if untold := agree(model, last):
        hint = "let it give the same tensors every time, or call finalize(check=False)"
        raise InputError(f"{untold}, so its masks cannot be checked", hint=hint)


@contextmanager
def _zeros(model: nn.Module) -> Iterator[None]:
    """Zeros in the masked weights inside, the dense weights again after it."""
    dense: dict[int, tuple[Tensor, Tensor]] = {}
    with torch.no_grad():
        for module, hook in mask_hooks(model):
            weight = module_of(module, hook.path)._parameters[hook.attribute]
            if weight is not None and id(weight) not in dense:
                dense[id(weight)] = weight, weight.detach().clone()
                weight.copy_(hook.masks.masked(weight))
    try:
        yield
    finally:
        with torch.no_grad():
            for changed, before in dense.values():
                changed.copy_(before)


def _output(model: nn.Module, arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> list[Tensor]:
    """Every tensor that the model gives for a copy of the arguments, which it may change."""
    args, kwargs = mapped(Tensor.clone, arguments)
    with preserved(), evaluation(model), torch.no_grad(), uncompiled():
        seed_all(0)
        return tensors_of(model(*args, **kwargs))


def _difference(masked: list[Tensor], plain: list[Tensor]) -> str:
    """The largest difference in words; "" when they agree to the square root of the type's precision."""
    if [one.shape for one in masked] != [one.shape for one in plain]:
        return "of another shape"
    for one, other in zip(masked, plain, strict=True):
        if not one.is_floating_point() or not one.numel():
            continue
        same = (one == other) | (one.isnan() & other.isnan())
        apart = torch.where(same, 0.0, (one - other).abs().double())
        scale = float(one.double().abs().nan_to_num(0.0, 0.0, 0.0).max())
        if not float(apart.max()) <= float(torch.finfo(one.dtype).eps) ** 0.5 * scale:
            return f"by up to {float(apart.max()):.3g}"
    return ""
