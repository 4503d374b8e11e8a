"""What a batch is, how it is narrowed to the user's classes, and the loss that a batch gives."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from crisp_hw.errors import InputError
from crisp_prune.rng import preserved

LossFn = Callable[[nn.Module, Any], Tensor]
"""(model, batch) -> scalar loss."""


def classification_loss(model: nn.Module, batch: Any) -> Tensor:
    """Mean cross entropy of a batch (inputs, labels).

    >>> classification_loss(nn.Identity(), (torch.zeros(1, 2), torch.tensor([0]))).item()
    0.6931...
    """
    inputs, labels = batch
    return cross_entropy(model(inputs), labels)


def to_device(batch: Any, device: torch.device) -> Any:
    """The batch with every tensor inside tuples, lists and dicts moved to `device`.

    >>> to_device([torch.zeros(1), "name"], torch.device("cpu"))[1]
    'name'
    """
    match batch:
        case Tensor():
            return batch.to(device)
        case dict():
            return {key: to_device(value, device) for key, value in batch.items()}
        case tuple() | list():
            return [to_device(value, device) for value in batch]
    return batch


def first_batch(batches: Iterable[Any]) -> Any:
    """The first batch, with every random generator left as it was; InputError for an iterator or an empty loader.

    >>> first_batch([1, 2])
    1
    """
    if isinstance(batches, Iterator):
        raise InputError("the batches are an iterator that can be read once", hint="give a DataLoader or a list")
    with preserved(batches):
        for batch in batches:
            return batch
    raise InputError("the loader has no batch", hint="check the data and drop_last")


def only_classes(batch: Any, classes: Collection[int]) -> Any | None:
    """The samples of a batch (inputs, labels) whose label is among `classes`; None when there is none.

    Without classes, or when the batch is no pair of tensors with one label per sample, it comes back whole.

    >>> inputs, labels = only_classes((torch.arange(3), torch.tensor([5, 6, 5])), {5})
    >>> inputs.tolist(), labels.tolist()
    ([0, 2], [5, 5])
    """
    match batch:
        case [Tensor() as inputs, Tensor() as labels] if classes and labels.ndim == 1:
            wanted = torch.isin(labels, torch.tensor(sorted(classes), device=labels.device))
            if bool(wanted.all()):
                return batch
            return (inputs[wanted], labels[wanted]) if bool(wanted.any()) else None
    return batch
