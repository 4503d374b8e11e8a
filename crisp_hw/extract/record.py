"""One forward pass with hooks on every module: who was called, in which order, with what shapes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from crisp_hw.errors import InputError
from crisp_hw.spec.calls import Extent, Shape, samples_in
from crisp_hw.spec.wrapped import modules_of

if TYPE_CHECKING:
    import torch
    from torch import nn

    from crisp_hw.products.product import Product

# What a model's own code raises when it does not like its input.
MODEL_ERRORS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True)
class Call:
    """One call of a module: its name, the shapes of the tensors among its arguments, in their order, and its output's.

    Of nn.MultiheadAttention they are those of query, key and value. `output` is empty where it was not one tensor.
    """

    name: str
    shapes: tuple[Shape, ...]
    output: Shape = ()


@dataclass
class Recording:
    """The calls of one forward pass over `batch` samples, in execution order, and the products outside of layers."""

    batch: int
    calls: list[Call] = field(default_factory=list)
    products: "list[Product]" = field(default_factory=list)


def record(model: "nn.Module", example_input: Any) -> Recording:
    """Run the model once in evaluation mode without gradients; hooks and modes are undone whatever happens.

    `example_input` is a tensor, a tuple or list of arguments, or a map of keyword arguments; the first axis of its
    tensors is the batch (`crisp_hw.spec.calls.samples_in`), but the second where the model is attention over sequences
    first. Raises InputError when there is no tensor, the samples cannot be told, or the model fails on it.

    >>> import torch
    >>> record(torch.nn.Linear(4, 2), torch.zeros(1, 4)).calls
    [Call(name='', shapes=((1, 4),), output=(1, 2))]
    """
    import torch

    from crisp_hw.products.recorded import recorded_products

    if not isinstance(model, torch.nn.Module):
        raise InputError(f"{type(model).__name__} is no torch.nn.Module", hint="give the model object itself")
    args, kwargs = _arguments(example_input)
    found = _tensors([*args, *kwargs.values()])
    if not found or not found[0].dim() or not found[0].shape[0]:
        raise InputError(
            "the example input holds no tensor with a batch axis",
            hint="give one sample, such as torch.zeros(1, 3, 224, 224)",
        )
    named = {name: value for name, value in kwargs.items() if "mask" not in name} or kwargs  # often without a batch
    recording = Recording(samples_in(_extents([*args, *named.values()])))
    handles = []
    try:
        for name, module in modules_of(model).items():
            hooks = _Hooks(name, recording.calls)
            handles.append(module.register_forward_pre_hook(hooks.enter, with_kwargs=True))
            handles.append(module.register_forward_hook(hooks.leave, always_call=True))
        with _evaluation(model), torch.no_grad(), recorded_products(model, recording.calls) as products:
            model(*args, **kwargs)
    except MODEL_ERRORS as error:
        raise _failed(model, found, error) from error
    finally:
        for handle in handles:
            handle.remove()
    recording.products = products
    recording.batch = _batch_of_attention(model, recording, tuple(found[0].shape))
    return recording


def _failed(model: "nn.Module", found: "list[torch.Tensor]", error: Exception) -> InputError:
    """What the model's own code said about the example input."""
    first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    shapes = ", ".join(str(tuple(tensor.shape)) for tensor in found)
    return InputError(
        f"{type(model).__name__} fails on the example input {shapes} ({first})", hint="give one sample that it accepts"
    )


def _batch_of_attention(model: "nn.Module", recording: Recording, first: Shape) -> int:
    """The samples: those of the second axis where attention over sequences first gets the input as it is."""
    from torch import nn

    modules = modules_of(model)
    for call in recording.calls:
        module, query = modules[call.name], call.shapes[0] if call.shapes else ()
        turned = isinstance(module, nn.MultiheadAttention) and not module.batch_first and len(query) == 3
        if turned and query[:2] == first[:2] and query[0] == recording.batch:
            return query[1]
    return recording.batch


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


def _extents(value: Any) -> Any:
    """The same nesting with the shape of each tensor."""
    import torch

    if isinstance(value, torch.Tensor):
        return Extent(tuple(value.shape))
    if isinstance(value, Mapping):
        return {key: _extents(item) for key, item in value.items()}
    return [_extents(item) for item in value] if isinstance(value, tuple | list) else value


class _Hooks:
    """The pair of hooks that notes the calls of one module."""

    def __init__(self, name: str, calls: list[Call]) -> None:
        self.name, self.calls, self.open = name, calls, list[int]()

    def enter(self, module: "nn.Module", args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Before the call."""
        from torch import nn

        given = [*args, *kwargs.values()]
        if isinstance(module, nn.MultiheadAttention):
            names = ("query", "key", "value")
            given = [args[place] if place < len(args) else kwargs.get(name) for place, name in enumerate(names)]
        self.open.append(len(self.calls))
        self.calls.append(Call(self.name, tuple(tuple(tensor.shape) for tensor in _tensors(given))))

    def leave(self, module: "nn.Module", args: Any, output: Any) -> None:
        """After the call."""
        place, shapes = self.open.pop(), _tensors(output)
        if len(shapes) == 1:
            self.calls[place] = replace(self.calls[place], output=tuple(shapes[0].shape))


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
