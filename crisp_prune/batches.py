"""What a batch is, and how it is narrowed to the user's classes."""

import copy
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from crisp_hw.errors import InputError
from crisp_hw.spec.shown import listed
from crisp_prune.nesting import named, rebuilt
from crisp_prune.rng import preserved

LABEL_KEYS = ("labels", "label", "targets", "target", "y")
"""Where a map holds its labels."""


def to_device(batch: Any, device: torch.device) -> Any:
    """The batch with every tensor in it moved to `device`; containers keep their kind, and the batch stays as it is.

    >>> to_device([torch.zeros(1), "name"], torch.device("cpu"))[1]
    'name'
    """
    if isinstance(batch, Tensor):
        return batch.to(device)
    if callable(getattr(batch, "to", None)):  # what knows itself what to move, such as packed sequences and graphs
        return copy.copy(batch).to(device)
    return rebuilt(batch, lambda member: to_device(member, device))


def device_of(model: nn.Module) -> torch.device:
    """Where the first parameter of a model lives, and so where its inputs go.

    >>> device_of(nn.Linear(1, 1))
    device(type='cpu')
    """
    parameter = next(model.parameters(), None)
    return torch.device("cpu") if parameter is None else parameter.device


def first_batch(batches: Iterable[Any], classes: Collection[int] = ()) -> Any:
    """The first batch with a sample of the classes, those samples alone; every random generator is left as it was.

    InputError for an iterator, an empty loader, and one without a sample of the classes.

    >>> first_batch([1, 2])
    1
    """
    if isinstance(batches, Iterator):
        raise InputError("the batches are an iterator that can be read once", hint="give a DataLoader or a list")
    with preserved(batches):
        empty = True
        for batch in batches:
            empty, mine = False, only_classes(batch, classes)
            if mine is not None:
                return mine
    if empty:
        raise InputError("the loader has no batch", hint="check the data and drop_last")
    raise InputError(f"no batch held a sample of the classes {tuple(classes)}", hint="check the classes and the data")


def only_classes(batch: Any, classes: Collection[int]) -> Any | None:
    """The samples of a batch whose label is among `classes`; None when there is none; the whole batch without classes.

    Labels are the whole numbers with one axis in a batch (inputs, labels) or (x, mask, y), or those of a map under one
    of `LABEL_KEYS`. Every tensor whose first axis is the samples', and every list of their length, is narrowed.
    InputError when a batch shows no labels, or a tensor in it cannot be told apart by samples.

    >>> inputs, labels = only_classes((torch.arange(3), torch.tensor([5, 6, 5])), {5})
    >>> inputs.tolist(), labels.tolist()
    ([0, 2], [5, 5])
    >>> only_classes({"x": torch.arange(2), "labels": torch.tensor([1, 2])}, {2})
    {'x': tensor([1]), 'labels': tensor([2])}
    """
    if not classes:
        return batch
    labels = labels_of_batch(batch)
    if labels is None:
        raise InputError(
            f"classes {tuple(sorted(classes))} cannot be picked from a batch of type {type(batch).__name__} that shows "
            "no labels: one whole number a sample, last of a tuple or under 'labels' in a map",
            hint="give such batches, or data of these classes alone and no classes=",
        )
    wanted = torch.isin(labels.long(), torch.tensor(sorted(classes), device=labels.device))
    if bool(wanted.all()):
        return batch
    if not bool(wanted.any()):
        return None
    return _narrowed(batch, wanted) if named(batch) else rebuilt(batch, lambda member: _narrowed(member, wanted))


def narrowed(batches: Iterable[Any], device: torch.device, classes: Collection[int]) -> Iterator[Any]:
    """The batches on a device with the samples of the classes alone; None for those without one.

    >>> list(narrowed([1, 2], torch.device("cpu"), ()))
    [1, 2]
    """
    for batch in batches:
        yield only_classes(to_device(batch, device), classes)


def labels_of_batch(batch: Any) -> Tensor | None:
    """The labels of a batch, or None where none can be told for sure.

    >>> labels_of_batch((torch.zeros(2, 3), torch.ones(2), torch.tensor([4, 5]))).tolist()
    [4, 5]
    """
    match batch:
        case [_, labels]:
            found = [labels]
        case list() | tuple():
            found = [value for value in batch if _is_label(value)]
        case _:
            found = [value for key, value in named(batch).items() if key in LABEL_KEYS and value is not None]
    return found[0] if len(found) == 1 and _is_label(found[0]) else None


def labels_in(batch: Any) -> set[int]:
    """The labels that a batch shows.

    >>> labels_in((torch.zeros(3), torch.tensor([4, 5, 4])))
    {4, 5}
    """
    labels = None if batch is None else labels_of_batch(batch)
    return set() if labels is None else set(labels.tolist())


def say_missing(classes: Collection[int], seen: Collection[int]) -> None:
    """A warning about classes of which no sample was seen: the network is pruned as if nobody had asked for them.

    >>> say_missing((1, 2), {1, 2, 3})
    """
    if missing := sorted(set(classes) - set(seen)):
        warnings.warn(f"no batch held a sample of the classes {listed(list(map(str, missing)), 5)}", stacklevel=2)


def count_left(batch: Any, counted: int | None, classes: Collection[int]) -> int | None:
    """The samples of a narrowed batch of which the user counted so many; None where nothing tells it.

    Of a batch that was narrowed to classes fewer can be left, which its labels tell.
    """
    if counted is None or not classes:
        return counted
    labels = labels_of_batch(batch)
    return None if labels is None else len(labels)


def samples_told(batch: Any) -> float:
    """How much a batch counts beside those of other processes: its labels, 1 where it shows none; 0 for no batch.

    >>> samples_told((torch.zeros(2, 3), torch.tensor([4, 5]))), samples_told(torch.zeros(2)), samples_told(None)
    (2.0, 1.0, 0.0)
    """
    labels = labels_of_batch(batch)
    return float(batch is not None) if labels is None else float(len(labels))


def _is_label(value: Any) -> bool:
    """One whole number (or truth value) a sample."""
    if not isinstance(value, Tensor) or value.ndim != 1:
        return False
    return not value.is_floating_point() and not value.is_complex()


def _narrowed(value: Any, wanted: Tensor) -> Any:
    """The wanted samples of everything in a batch."""
    count = len(wanted)
    match value:
        case Tensor() if value.ndim == 0:
            return value
        case Tensor():
            if len(value) != count:
                raise InputError(
                    f"a tensor of shape {tuple(value.shape)} in a batch of {count} labels has no axis of samples in "
                    "front, so classes= cannot pick from it",
                    hint="put the samples first, or give data of these classes alone and no classes=",
                )
            return value[wanted.to(value.device)]
        case list() | tuple():
            return _narrowed_items(value, wanted)
    return rebuilt(value, lambda member: _narrowed(member, wanted))


def _narrowed_items(items: Sequence[Any], wanted: Tensor) -> Any:
    """A list of samples loses some; a list of tensors, one axis of each."""
    count, tensors = len(wanted), [item for item in items if isinstance(item, Tensor) and item.ndim]
    framed = bool(tensors) and all(len(tensor) == count for tensor in tensors)
    if len(items) == count and framed and count > 1:
        raise InputError(
            f"a list of {count} tensors with {count} rows each may be a list of samples or one of inputs, so classes= "
            "cannot pick from it",
            hint="give another batch size",
        )
    if len(items) == count and not framed:
        return [item for item, keep in zip(items, wanted.tolist(), strict=True) if keep]
    return rebuilt(items, lambda member: _narrowed(member, wanted))
