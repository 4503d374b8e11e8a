"""Who reads a weight in a forward pass, and what is done with it before it is multiplied.

A mask on the parameter says something about the multiplied weight only where the layer's own forward multiplies the
parameter as it is. A layer that standardises it first, or a function outside that reads it, is found here.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from crisp_hw.spec.wrapped import module_of
from crisp_prune.nesting import tensors_of
from crisp_prune.sites import Site, weight_of

PRODUCTS = frozenset(
    {
        "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
        "matmul", "__matmul__", "__rmatmul__", "mm", "addmm", "einsum",
        "multi_head_attention_forward", "_native_multi_head_attention", "_transformer_encoder_layer_fwd",
    }
)  # fmt: skip
"""Functions that multiply a weight."""
WEIGHT_SECOND = frozenset(
    {"linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"}
)
"""Those of them whose second argument is the weight."""
COPIES = frozenset({"to", "type", "type_as", "half", "float", "double", "bfloat16", "contiguous", "clone", "detach"})
"""Functions whose result has the same numbers in the same places, in another type."""
TURNS = frozenset({"__get__", "t", "transpose", "permute"})
"""Functions that can exchange axes, and do nothing else."""
REARRANGEMENTS = COPIES | TURNS | {"view", "reshape", "unsqueeze", "squeeze", "flatten"}
"""Functions whose result has the same zeros, in another type or order."""


PARTS = frozenset({"__getitem__", "select", "unbind", "index_select", "transpose", "to", "detach", "__get__"})
"""Functions that take some of stacked weights, or turn each, with the zeros that it has."""
GROUPED = frozenset({"grouped_mm", "_grouped_mm", "bmm", "matmul", "__matmul__"})
"""Functions that multiply stacked weights each with inputs of its own."""


class _Watch(TorchFunctionMode):
    """Notes every function that gets a watched weight and returns a tensor."""

    def __init__(self, model: nn.Module, sites: tuple[Site, ...]) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.found: dict[str, str] = {}
        self.callers = {site.name: {use.caller for use in site.uses} for site in sites}
        self.weights: dict[int, tuple[str, Tensor]] = {}
        self.stacked = {site.name for site in sites if site.layout == "stacked"}
        for site in sites:
            weight = weight_of(model, site.uses[0])
            self.weights[id(weight)] = site.name, weight

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        given = tensors_of([args, kwargs or {}])
        made = tensors_of(result)
        for tensor in given if made else ():
            name, weight = self.weights.get(id(tensor), ("", None))
            if weight is tensor:
                self._note(name, func.__name__, (args, kwargs or {}), tensor)
                if func.__name__ in (PARTS if name in self.stacked else REARRANGEMENTS):
                    self.weights |= {id(one): (name, one) for one in made}
        return result

    def _note(self, name: str, function: str, arguments: tuple[Any, Any], weight: Tensor) -> None:
        """One read of a weight, judged."""
        if not self.callers[name] & set(self.inside):
            self.found.setdefault(name, f"its weight is read outside of the layer's forward ({function})")
        elif name in self.stacked:
            if function not in PARTS and not _along_inputs(function, arguments, weight):
                self.found.setdefault(
                    name, f"its stacked weights are not each multiplied along their last axis ({function})"
                )
        elif function in WEIGHT_SECOND:
            args, kwargs = arguments
            if (args[1] if len(args) > 1 else kwargs.get("weight")) is not weight:
                self.found.setdefault(name, f"its forward does not multiply inputs by the weight ({function})")
        elif function not in PRODUCTS | REARRANGEMENTS:
            self.found.setdefault(name, f"its forward changes the weight before the product ({function})")


@contextmanager
def watched(model: nn.Module, sites: tuple[Site, ...]) -> Iterator[dict[str, str]]:
    """While the block runs the model: why masks on a weight say nothing about what is multiplied, by site.

    >>> from crisp_prune.sites import find_sites
    >>> model = nn.Sequential(nn.Linear(4, 4))
    >>> with watched(model, find_sites(model)) as found:
    ...     _ = nn.functional.linear(model(torch.ones(1, 4)), model[0].weight.exp())
    >>> found
    {'0': "its weight is read outside of the layer's forward (exp)"}
    """
    watch, handles = _Watch(model, sites), []

    def enter(path: str) -> Any:
        return lambda module, args: watch.inside.append(path)

    def leave(module: nn.Module, args: Any, output: Any) -> None:
        watch.inside.pop()

    for path in {use.caller for site in sites for use in site.uses}:
        module = module_of(model, path)
        handles.append(module.register_forward_pre_hook(enter(path)))
        handles.append(module.register_forward_hook(leave, always_call=True))
    try:
        with watch:
            yield watch.found
    finally:
        for handle in handles:
            handle.remove()


def _along_inputs(function: str, arguments: tuple[Any, Any], weight: Tensor) -> bool:
    """Does a product add up along the last axis of stacked weights (experts, outputs, inputs), or of one of them?

    A view whose last axis is not the one that lies together in memory has its last two axes exchanged.
    """
    args, kwargs = arguments
    turned = weight.stride(-1) != 1
    second = (args[1] if len(args) > 1 else kwargs.get("weight")) is weight
    if function == "linear":
        return second and not turned
    return function in GROUPED and second == turned


@contextmanager
def uncompiled() -> Iterator[None]:
    """Compiled parts of a model run as plain Python inside, so that hooks and watchers see every call."""
    stance = getattr(torch.compiler, "set_stance", None)
    if stance is None:
        yield
        return
    with stance("force_eager"):
        yield
