"""What a user gives to a pruner, held against what it takes; each refusal is one sentence."""

from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

from crisp_hw.errors import InputError
from crisp_hw.spec.kinds import of_kind, wrong_kind


def checked_module(model: Any) -> nn.Module:
    """The model, when it is one.

    >>> checked_module(nn.Linear)
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: the model is the class Linear; give the model object itself, a torch.nn.Module
    """
    if not isinstance(model, nn.Module):
        raise wrong_kind("the model", model, "the model object itself, a torch.nn.Module")
    return model


def checked_batch_size(samples: Any) -> int | None:
    """The samples of a batch, when the user says how many there are."""
    found: int | None = of_kind("batch_size", samples, int | None)
    if found is not None and found < 1:
        raise InputError(f"batch_size is {found}", hint="give 1 or more")
    return found


def checked_batches(batches: Any) -> Iterable[Any] | None:
    """Something that can be iterated, or None."""
    if batches is not None and not isinstance(batches, Iterable):
        raise wrong_kind("batches", batches, "something that can be iterated again, such as a DataLoader")
    return batches


def checked_state(saved: Any) -> Mapping[str, Any]:
    """The state of a pruner, when it is one."""
    if not isinstance(saved, Mapping):
        raise wrong_kind("the state", saved, "what state_dict() returned")
    return saved
