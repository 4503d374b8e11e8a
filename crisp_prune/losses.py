"""The loss that a batch of inputs and labels gives, and what a loss must be so that weights can learn from it."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from crisp_hw.errors import InputError
from crisp_hw.spec.shown import listed
from crisp_prune.calling import call

LossFn = Callable[[nn.Module, Any], Tensor]
"""(model, batch) -> scalar loss."""
OWN = "give loss_fn=, a function of model and batch that returns the loss"
SUM = 1e-2
"""How far labels of a sample, taken for probabilities, may add up to another number than 1: what bfloat16 rounds."""


def classification_loss(model: nn.Module, batch: Any) -> Tensor:
    """Mean cross entropy of a batch (inputs, labels); InputError for a batch of another kind, which needs its own loss.

    Examples
    --------
    >>> classification_loss(nn.Identity(), (torch.zeros(1, 2), torch.tensor([0]))).item()
    0.6931...
    """
    match batch:
        case [inputs, labels]:
            return _cross_entropy(call(model, inputs), labels)
        case Mapping():
            kind = f"a map of {listed(sorted(map(str, batch)), 4)}"
        case list() | tuple():
            kind = f"a {type(batch).__name__} of {len(batch)}"
        case _:
            kind = f"a {type(batch).__name__}"
    raise InputError(f"a batch is {kind}, not a pair of inputs and labels, so its loss is not known", hint=OWN)


def checked_loss(loss: Any) -> Tensor:
    """The loss, when it is one number that was computed from weights.

    >>> checked_loss(3.0)
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: the loss is a float, not one number of a tensor; let loss_fn return a mean or a sum
    """
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        kind = f"a tensor of {list(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
        raise InputError(f"the loss is {kind}, not one number of a tensor", hint="let loss_fn return a mean or a sum")
    if not loss.requires_grad:
        raise InputError("the loss does not depend on any weight", hint="compute it from what the model gives")
    return loss


def _cross_entropy(outputs: Any, labels: Any) -> Tensor:
    """Cross entropy, where outputs and labels are those of a classifier: torch takes others for one without a word."""
    if not isinstance(outputs, Tensor):
        raise InputError(f"the model gives a {type(outputs).__name__}, so its cross entropy is not known", hint=OWN)
    if outputs.ndim < 2 or outputs.shape[1] < 2:
        said = f"the model's outputs are {list(outputs.shape)}: no scores of two classes or more for every sample"
        raise InputError(said, hint=OWN)
    if isinstance(labels, Tensor) and labels.is_floating_point() and not _probabilities(labels, outputs):
        said = f"labels of {list(labels.shape)} are no whole numbers and no probabilities of the classes"
        raise InputError(said, hint=f"give labels.long(), or {OWN}")
    try:
        return cross_entropy(outputs, labels)
    except torch.OutOfMemoryError:
        raise
    except (IndexError, TypeError, ValueError, RuntimeError) as error:
        said = f"no cross entropy of outputs {list(outputs.shape)} with {_told(labels)}"
        raise InputError(said, hint=f"give labels from 0 to {outputs.shape[1] - 1}, or {OWN}") from error


def _told(labels: Any) -> str:
    """What a sentence says of labels: their sizes and range, or what they are instead.

    >>> _told(torch.tensor([0, 4]))
    'labels [2] from 0 to 4'
    """
    if not isinstance(labels, Tensor):
        return f"labels of the type {type(labels).__name__}"
    if not labels.numel() or labels.is_floating_point() or labels.is_complex():
        return f"labels {list(labels.shape)} of {str(labels.dtype).removeprefix('torch.')}"
    return f"labels {list(labels.shape)} from {int(labels.min())} to {int(labels.max())}"


def _probabilities(labels: Tensor, outputs: Tensor) -> bool:
    """Do the labels say how likely each class is, for every sample?"""
    if labels.shape != outputs.shape:
        return False
    return bool((labels >= 0).all()) and bool(((labels.float().sum(1) - 1).abs() <= SUM).all())
