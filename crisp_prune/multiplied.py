"""What weights are multiplied with: the inputs of the very products, as rows in the order of a weight's matrix.

A layer's argument is not always what it multiplies: convolutions pad, and a forward of a user's own may pad, scale or
rearrange before. Here the product itself is asked, wherever it is called.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.overrides import TorchFunctionMode

from crisp_prune.nesting import tensors_of
from crisp_prune.reads import COPIES, PRODUCTS, REARRANGEMENTS, TURNS
from crisp_prune.sites import Site, weight_of

KERNEL = {1: (0,), 2: (0, 1), 3: (1, 2, 0)}
"""The axes of a kernel in the order in which the columns of a weight's matrix run over them (`matrix.FORWARD`)."""
CONVOLVED = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
"""The arguments of conv1d, conv2d and conv3d; those of linear and of transposed ones begin alike."""
MATRICES = {"matmul": (0, 1), "__matmul__": (0, 1), "mm": (0, 1), "addmm": (1, 2)}
"""Products of two matrices, and the places of both."""
ATTENTION = "multi_head_attention_forward"
"""The function of nn.MultiheadAttention, inside of which no product is seen."""
PROJECTED = {"q_proj_weight": "query", "k_proj_weight": "key", "v_proj_weight": "value"}
"""What each of its projections reads where each has a weight of its own."""
Rows = tuple[Tensor, ...]
"""What the matrix of a weight is multiplied with, or each of equal parts of its rows; none where it is not read."""
Told = Callable[[str, Rows, str], None]
"""What is told of every product: the layer, its rows, and the function."""


@dataclass(frozen=True)
class _Seen:
    """A weight, or a copy of it: of which layer, and whether its inputs come before its outputs now."""

    name: str
    tensor: Tensor
    inputs_first: bool
    whole: bool = True


class _Products(TorchFunctionMode):
    """Tells of every product of a weight."""

    def __init__(self, model: nn.Module, sites: Sequence[Site], told: Told) -> None:
        super().__init__()
        self.told, self.seen = told, dict[int, _Seen]()
        for site in sites:
            weight = weight_of(model, site.uses[0])
            self.seen[id(weight)] = _Seen(site.name, weight, site.layout == "turned")

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given, name = kwargs or {}, func.__name__
        result = func(*args, **given)
        made = tensors_of(result)
        for tensor in tensors_of([args, given]) if made else ():
            known = self.seen.get(id(tensor))
            if known is None or known.tensor is not tensor:
                continue
            if name == ATTENTION:
                self.told(known.name, _attended(func, args, given, tensor) if known.whole else (), name)
            elif name in PRODUCTS:
                self.told(known.name, rows_of(name, args, given, known) if known.whole else (), name)
            else:
                self.seen |= {id(one): _changed(known, name, one) for one in made}
        return result


def _changed(known: _Seen, function: str, made: Tensor) -> _Seen:
    """What a function made of a weight."""
    before = known.tensor
    same = made.shape == before.shape and made.stride() == before.stride()
    exchanged = before.ndim == 2 and (*made.shape, *made.stride()) == (*before.shape[::-1], *before.stride()[::-1])
    if function in COPIES or (function in REARRANGEMENTS and same):
        return _Seen(known.name, made, known.inputs_first, known.whole)
    turned = function in TURNS and exchanged
    return _Seen(known.name, made, known.inputs_first != turned, known.whole and turned)


@contextmanager
def multiplied(model: nn.Module, sites: Sequence[Site], told: Told) -> Iterator[None]:
    """While the block runs the model: every product of a weight of these sites is told.

    >>> from crisp_prune.sites import find_sites
    >>> model, found = nn.Sequential(nn.Linear(3, 2)), []
    >>> with multiplied(model, find_sites(model), lambda name, rows, function: found.append((name, rows[0].shape))):
    ...     _ = model(Tensor(4, 5, 3))
    >>> found
    [('0', torch.Size([20, 3]))]
    """
    with _Products(model, sites, told):
        yield


def rows_of(function: str, args: Sequence[Any], given: Mapping[str, Any], known: _Seen) -> Rows:
    """The rows that a product multiplies the weight's matrix with; none where that is not known of the function."""
    arguments = dict(zip(CONVOLVED, args, strict=False)) | dict(given)
    inputs = arguments.get("input")
    if function in MATRICES:
        first, second = (args[place] if place < len(args) else None for place in MATRICES[function])
        whole = second is known.tensor and known.inputs_first and len(args) > 1
        return (first.reshape(-1, first.shape[-1]),) if whole and isinstance(first, Tensor) else ()
    if arguments.get("weight") is not known.tensor or not isinstance(inputs, Tensor):
        return ()
    axes = known.tensor.ndim - 2
    inputs = inputs if axes == 0 or inputs.ndim == axes + 2 else inputs.unsqueeze(0)
    if function == "linear" and not known.inputs_first:
        return (inputs.reshape(-1, inputs.shape[-1]),)
    if function == f"conv_transpose{axes}d" and known.inputs_first:
        return (inputs.movedim(1, -1).reshape(-1, inputs.shape[1]),)
    if function == f"conv{axes}d" and not known.inputs_first:
        return (unfolded(inputs, known.tensor.shape[2:], arguments),)
    return ()


def _attended(func: Any, args: Sequence[Any], given: Mapping[str, Any], weight: Tensor) -> Rows:
    """The rows of a projection of attention: its inputs, or for the last one what attention gives without it."""
    named = signature(func).bind(*args, **given).arguments
    place = next(name for name, value in named.items() if value is weight)
    if place == "out_proj_weight":
        plain = {"out_proj_weight": torch.eye(len(weight)).to(weight), "out_proj_bias": None}
        read = [func(**{**named, **plain})[0]]
    elif place == "in_proj_weight":
        read = [named[name] for name in PROJECTED.values()]
        read = read[:1] if all(one is read[0] for one in read) else read
    else:
        read = [named[PROJECTED[place]]]
    return tuple(one.reshape(-1, one.shape[-1]) for one in read)


def unfolded(inputs: Tensor, kernel: Sequence[int], arguments: Mapping[str, Any]) -> Tensor:
    """What a convolution reads for every output position as a row; its columns run over the taps, then the channels.

    >>> unfolded(Tensor([[[1, 2, 3]]]), (2,), {"padding": "valid"}).tolist()
    [[1.0, 2.0], [2.0, 3.0]]
    """
    axes = len(kernel)
    stride = _each(arguments.get("stride", 1), axes)
    dilation = _each(arguments.get("dilation", 1), axes)
    spans = [holes * (size - 1) for holes, size in zip(dilation, kernel, strict=True)]
    found = pad(inputs, _sides(arguments.get("padding", 0), spans))
    for axis, (span, step, holes) in enumerate(zip(spans, stride, dilation, strict=True), 2):
        found = found.unfold(axis, span + 1, step)[..., ::holes]
    places = (0, *range(2, 2 + axes), *(2 + axes + place for place in KERNEL[axes]), 1)
    return found.permute(places).reshape(-1, found.shape[1] * prod(kernel))


def _each(value: Any, axes: int) -> tuple[int, ...]:
    """A number for each axis, which may be one for all."""
    values = tuple(value) if isinstance(value, Sequence) else (value,)
    return values * axes if len(values) == 1 else values


def _sides(padding: Any, spans: Sequence[int]) -> list[int]:
    """Zeros before and behind each axis, the last axis first."""
    match padding:
        case "valid":
            sides = [(0, 0) for _ in spans]
        case "same":
            sides = [(span // 2, span - span // 2) for span in spans]
        case _:
            sides = [(size, size) for size in _each(padding, len(spans))]
    return [size for pair in reversed(sides) for size in pair]
