"""One forward pass with hooks on every module: who was called, in which order, with what shapes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crisp_hw.errors import InputError

if TYPE_CHECKING:
    import torch
    from torch import nn

Shape = tuple[int, ...]

# What a model's own code raises when it does not like its input.
MODEL_ERRORS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True)
class Call:
    """One call of a module: its name, and the shapes of the tensors among its arguments, in their order."""

    name: str
    shapes: tuple[Shape, ...]


@dataclass
class Recording:
    """The calls of one forward pass over `batch` samples, in execution order."""

    batch: int
    calls: list[Call] = field(default_factory=list)


def record(model: "nn.Module", example_input: Any) -> Recording:
    """Run the model once in evaluation mode without gradients; hooks and modes are undone whatever happens.

    `example_input` is a tensor, a tuple or list of arguments, or a map of keyword arguments; the first axis of its
    first tensor is the batch. Raises InputError when there is no tensor or the model fails on it.

    >>> import torch
    >>> record(torch.nn.Linear(4, 2), torch.zeros(1, 4)).calls
    [Call(name='', shapes=((1, 4),))]
    """
    import torch

    if not isinstance(model, torch.nn.Module):
        raise InputError(f"{type(model).__name__} is no torch.nn.Module", hint="give the model object itself")
    args, kwargs = _arguments(example_input)
    found = _tensors([*args, *kwargs.values()])
    if not found or not found[0].dim() or not found[0].shape[0]:
        raise InputError(
            "the example input holds no tensor with a batch axis",
            hint="give one sample, such as torch.zeros(1, 3, 224, 224)",
        )
    recording = Recording(found[0].shape[0])
    handles = []
    try:
        for name, module in model.named_modules():
            handles.append(module.register_forward_pre_hook(_hook(name, recording), with_kwargs=True))
        with _evaluation(model), torch.no_grad():
            model(*args, **kwargs)
    except MODEL_ERRORS as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in found)
        raise InputError(
            f"{type(model).__name__} fails on the example input {shapes} ({first})",
            hint="give one sample that it accepts",
        ) from error
    finally:
        for handle in handles:
            handle.remove()
    return recording


def _arguments(example_input: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(example_input, Mapping):
        return (), dict(example_input)
    return (tuple(example_input), {}) if isinstance(example_input, tuple | list) else ((example_input,), {})


def _tensors(values: Any) -> "list[torch.Tensor]":
    """The tensors inside nested tuples, lists and maps, in order."""
    import torch

    if isinstance(values, torch.Tensor):
        return [values]
    if isinstance(values, Mapping):
        values = list(values.values())
    return [t for value in values for t in _tensors(value)] if isinstance(values, tuple | list) else []


def _hook(name: str, recording: Recording) -> Callable[["nn.Module", tuple[Any, ...], dict[str, Any]], None]:
    def hook(module: "nn.Module", args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        shapes = tuple(tuple(tensor.shape) for tensor in _tensors([*args, *kwargs.values()]))
        recording.calls.append(Call(name, shapes))

    return hook


@contextmanager
def _evaluation(model: "nn.Module") -> Iterator[None]:
    """Evaluation mode; each module's own mode comes back afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
