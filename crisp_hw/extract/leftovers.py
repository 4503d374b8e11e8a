"""Why each module that multiplies no matrices, or was never called, is left out of the workload."""

from collections.abc import Iterator, Mapping, Set
from typing import TYPE_CHECKING

from crisp_hw.spec.layer import Skipped
from crisp_hw.spec.wrapped import plain_name

if TYPE_CHECKING:
    from torch import nn

# By the file of torch.nn.modules that the class comes from.
REASONS = {
    "activation": "elementwise function",
    "adaptive": "adaptive softmax",
    "batchnorm": "normalisation",
    "distance": "distance between activations",
    "fold": "rearrangement with sums",
    "instancenorm": "normalisation",
    "linear": "product of two inputs with a weight",
    "loss": "loss function",
    "normalization": "normalisation",
    "pooling": "pooling",
    "rnn": "recurrent layer",
    "sparse": "table look-up",
    "upsampling": "interpolation",
}
# Modules that move data or do nothing at inference.
NO_ARITHMETIC = frozenset({"channelshuffle", "container", "dropout", "flatten", "padding", "pixelshuffle"})
FUNCTIONS = Skipped(
    "functions",
    "additions and other operations without a product of matrices that the forward code calls as functions are not "
    "modelled",
)


def leftovers(
    modules: "Mapping[str, nn.Module]", called: Set[str], counted: Set[str] = frozenset()
) -> tuple[Skipped, ...]:
    """What is left out, and why: nothing whose parameters are `counted`.

    Leaves that have parameters or do arithmetic, layers that were never called, and parameters outside of leaves.

    >>> from torch import nn
    >>> [(entry.name, entry.reason) for entry in leftovers({"act": nn.ReLU()}, {"act"})][0]
    ('act', 'ReLU: elementwise function, not modelled')
    """
    return (*_leftovers(modules, called, counted), FUNCTIONS)


def _leftovers(modules: "Mapping[str, nn.Module]", called: Set[str], counted: Set[str]) -> Iterator[Skipped]:
    from torch import nn

    inside: tuple[str, ...] = ()
    for name, module in modules.items():
        label = name or "model"
        if name.startswith(inside):
            continue
        if isinstance(module, nn.modules.conv._ConvNd | nn.Linear | nn.MultiheadAttention):
            inside += (f"{name}." if name else "",)
            if name not in called:
                yield Skipped(label, f"{type(module).__name__}: never called on the example input")
        elif next(module.children(), None) is None:
            reason = _reason(module)
            own = [f"{name}.{plain_name(key)}".lstrip(".") for key, _ in module.named_parameters()]
            if reason and counted.isdisjoint(own):
                yield Skipped(label, f"{reason}, not modelled" if name in called else f"{reason}, never called")
        elif own := [
            key for key, _ in module.named_parameters(recurse=False) if f"{name}.{key}".lstrip(".") not in counted
        ]:
            yield Skipped(label, f"{type(module).__name__} uses its parameters {', '.join(own)} in code of its own")


def _reason(module: "nn.Module") -> str:
    """Why a leaf cannot be a layer; "" when nothing is lost by leaving it out."""
    kind, parameters = type(module), sum(p.numel() for p in module.parameters())
    home, _, file = kind.__module__.rpartition(".")
    if home != "torch.nn.modules":
        return f"{kind.__name__}: module of its own kind with {parameters} parameters"
    if not parameters and (file in NO_ARITHMETIC or kind.__name__ in ("Identity", "Unflatten")):
        return ""
    return f"{kind.__name__}: {REASONS.get(file, 'operation')}"
