"""What each layer was called with: one forward pass with hooks, no tracing of the graph."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from crisp_hw.errors import InputError
from crisp_hw.spec.layer import Layer
from crisp_prune.sites import Site, Use, weight_of


@dataclass(frozen=True)
class Call:
    """One call of a layer in a forward pass: the place, and the shape of its input with the batch."""

    use: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Geometry:
    """The calls of one forward pass in execution order, over `batch` samples."""

    calls: tuple[Call, ...]
    batch: int

    @property
    def order(self) -> tuple[str, ...]:
        """Names of the places called, each once, by first call."""
        return tuple(dict.fromkeys(call.use for call in self.calls))


def first_tensor(value: Any) -> Tensor:
    """The first tensor inside a batch (a tensor, or nested tuples, lists and dicts); InputError when there is none.

    >>> first_tensor({"x": [torch.zeros(2, 3)], "y": torch.zeros(2)}).shape
    torch.Size([2, 3])
    """
    stack = [value]
    while stack:
        item = stack.pop(0)
        if isinstance(item, Tensor):
            return item
        if isinstance(item, dict):
            stack = list(item.values()) + stack
        elif isinstance(item, tuple | list):
            stack = list(item) + stack
    raise InputError(f"a batch of type {type(value).__name__} holds no tensor, so its size is unknown")


def record(model: nn.Module, sites: tuple[Site, ...], run: Callable[[], object], batch: int) -> Geometry:
    """Geometry of the calls that `run()` makes, in evaluation mode and without gradients; hooks and modes are undone.

    `run` must call the model once on `batch` samples.

    >>> model = nn.Sequential(nn.Conv2d(3, 8, 3))
    >>> from crisp_prune.sites import find_sites
    >>> record(model, find_sites(model), lambda: model(torch.zeros(2, 3, 6, 6)), batch=2).calls
    (Call(use='0', shape=(2, 3, 6, 6)),)
    """
    calls: list[Call] = []
    handles = []
    for site in sites:
        for use in site.uses:
            module = model.get_submodule(use.caller)
            handles.append(module.register_forward_pre_hook(_recorder(use, calls), with_kwargs=True))
    try:
        with evaluation(model), torch.no_grad():
            run()
    finally:
        for handle in handles:
            handle.remove()
    return Geometry(tuple(calls), batch)


@contextmanager
def evaluation(model: nn.Module) -> Iterator[None]:
    """Evaluation mode for the whole model, each module's own mode restored afterwards.

    >>> layer = nn.Dropout()
    >>> with evaluation(layer):
    ...     layer.training
    False
    >>> layer.training
    True
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _recorder(use: Use, calls: list[Call]) -> Callable[[nn.Module, tuple[Any, ...], dict[str, Any]], None]:
    """A pre-hook that notes the shape of a module's first tensor argument."""

    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        calls.append(Call(use.name, tuple(first_tensor([args, kwargs]).shape)))

    return hook


def layer_of(model: nn.Module, site: Site, call: Call, batch: int) -> tuple[Layer, str]:
    """The layer as geometry, and a note (or "") on what one entry cannot say.

    A Linear layer's tokens are its input vectors over the samples of the batch; a Conv2d keeps its input size.

    >>> from crisp_prune.sites import find_sites
    >>> model = nn.Sequential(nn.Linear(8, 4))
    >>> layer_of(model, find_sites(model)[0], Call("0", (2, 5, 8)), batch=2)[0].tokens
    5
    """
    use = next(use for use in site.uses if use.name == call.use)
    module = model.get_submodule(use.owner)
    if isinstance(module, nn.Conv2d):
        images = prod(call.shape[:-3])
        layer = _conv(call.use, module, call.shape)
        if images != batch:
            return layer, f"called on {images} images for {batch} samples; one image per sample counted"
        exact = module.padding != "same" or layer.output_size == layer.input_size
        return layer, "" if exact else "padding 'same' of an even kernel: the output is counted one pixel too large"
    rows, columns = weight_of(model, use).shape
    vectors = prod(call.shape[:-1])
    if vectors % batch:
        note = f"called on {vectors} vectors for {batch} samples, no whole number each; all vectors counted"
        return Layer(call.use, "linear", rows, columns, tokens=vectors), note
    note = "counted with the query's tokens" if use.attribute == "in_proj_weight" else ""
    return Layer(call.use, "linear", rows, columns, tokens=vectors // batch), note


def _conv(name: str, conv: nn.Conv2d, shape: tuple[int, ...]) -> Layer:
    """A Conv2d called on images of `shape` (..., channels, height, width)."""
    kernel, dilation = _pair(conv.kernel_size), _pair(conv.dilation)
    match conv.padding:
        case "valid":
            padding = (0, 0)
        case "same":
            padding = ((dilation[0] * (kernel[0] - 1) + 1) // 2, (dilation[1] * (kernel[1] - 1) + 1) // 2)
        case sizes:
            padding = _pair(sizes)
    return Layer(
        name,
        "conv2d",
        conv.out_channels,
        conv.in_channels,
        kernel=kernel,
        stride=_pair(conv.stride),
        padding=padding,
        dilation=dilation,
        groups=conv.groups,
        input_size=(shape[-2], shape[-1]),
    )


def _pair(value: Any) -> tuple[int, int]:
    """Height and width as two plain integers."""
    return int(value[0]), int(value[1])
