"""The matrix products of a forward pass that no layer module makes, seen where PyTorch's FLOP counter sees them.

Importing it imports PyTorch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

from crisp_hw.products.masked import masked_by_arguments, masked_by_numbers
from crisp_hw.products.product import Origin, Product
from crisp_hw.spec.convolutions import Convolution
from crisp_hw.spec.wrapped import modules_of, plain_name

LAYERS = (nn.Linear, nn.modules.conv._ConvNd, nn.RNNBase, nn.RNNCellBase)
"""What is counted, or left out, as a module: products inside of it are not looked at."""
_SAME = ("view", "_unsafe_view", "clone", "transpose", "permute", "t", "unsqueeze", "squeeze", "_to_copy", "reshape")
RESHAPES = frozenset(f"aten::{name}" for name in (*_SAME, "expand", "mul", "div"))
"""What leaves alone how often every value stands in a tensor."""
KEEPS_ZEROS = RESHAPES | {"aten::detach", "aten::alias", "aten::contiguous", "aten::neg"}
"""Where the shape stays, too, zeros of the result are those of the parameter."""


class Products(TorchDispatchMode):  # type: ignore[no-untyped-call]  # of PyTorch, without types
    """Notes the products of everything that runs inside of it.

    `opened` are the names of the modules that run, outermost first, and `begun` those of all calls so far. What runs
    outside of the model, such as a loss, is not noted.
    """

    def __init__(self, model: nn.Module, opened: Sequence[str], begun: Sequence[Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: list[Product] = []
        self._modules, self._opened, self._begun = modules_of(model), opened, begun
        self._origins: Any = WeakIdKeyDictionary()
        self._repeats: Any = WeakIdKeyDictionary()
        self._behind_softmax: dict[str, int] = {}
        self._last: dict[str, int] = {}
        for name, value in (*model.named_parameters(), *model.named_buffers()):
            self._origins[value] = Origin(plain_name(name))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation, and note it."""
        given = kwargs or {}
        if func is not torch.ops.prim.device.default:
            with self:
                made = func.decompose(*args, **given)
            if made is not NotImplemented:
                return made
        made = func(*args, **given)
        kind = func._schema.name
        if self._opened and not any(isinstance(self._modules.get(name), LAYERS) for name in self._opened):
            kinds = [str(each.dtype).removeprefix("torch.") for each in _tensors(args)][-1:]
            self.found += (replace(each, numbers=kinds[0]) for each in self._products(func, args, given, made))
        self._follow(kind, args, made)
        return made

    def _products(self, func: Any, args: Any, given: Any, made: Any) -> Iterator[Product]:
        kind = func._schema.name
        match kind:
            case "aten::mm" | "aten::bmm":
                yield from self._product(args[0], args[1])
            case "aten::addmm" | "aten::baddbmm":
                yield from self._product(args[1], args[2])
            case "aten::convolution":
                yield from self._convolution(args, made)
            case "aten::_softmax" | "aten::_safe_softmax":
                self._softmax(masked_by_numbers(args[0], made))
            case _ if kind.startswith("aten::_scaled_dot_product") and not kind.endswith("_backward"):
                query, key, value = args[:3]
                masked = masked_by_arguments(func, args, given)
                scores = self._of_activations(query, key.transpose(-1, -2), "scores", self._times(key))
                yield replace(scores, masked=masked * query.shape[-1])
                weights = query.new_empty((*query.shape[:-1], key.shape[-2]), device="meta")
                values = self._of_activations(weights, value, "values", self._times(value))
                yield replace(values, masked=masked * value.shape[-1])

    def _softmax(self, masked: int) -> None:
        """The product before it in this module are scores, `masked` of which count for nothing."""
        place = self._last.pop(self._at, None)
        if place is not None and self.found[place].role == "product":
            scores = self.found[place]
            self.found[place] = replace(scores, role="scores", masked=masked * scores.columns)
        self._behind_softmax[self._at] = masked

    @property
    def _at(self) -> str:
        return self._opened[-1] if self._opened else ""

    def _times(self, value: Tensor) -> int:
        return int(self._repeats.get(value, 1))

    def _origin(self, value: Tensor) -> Origin | None:
        found: Origin | None = self._origins.get(value)
        return found

    def _product(self, left: Tensor, right: Tensor) -> Iterator[Product]:
        first, second = self._origin(left), self._origin(right)
        if first and second:
            return
        attends = any(isinstance(self._modules.get(name), nn.MultiheadAttention) for name in self._opened)
        if left.ndim == 2 and (first or second):
            if attends:
                return  # its projections are layers already
            at = (self._at, len(self._begun))
            if second:
                turned = replace(second, turned=not second.turned)
                yield Product(*at, right.shape[1], right.shape[0], left.shape[0], origin=turned)
            elif first:
                yield Product(*at, left.shape[0], left.shape[1], right.shape[1], origin=first)
            return
        role = "values" if self._at in self._behind_softmax else "product"
        masked = self._behind_softmax.pop(self._at, 0) * right.shape[-1]
        self._last[self._at] = len(self.found)
        yield replace(self._of_activations(left, right, role, self._times(right)), masked=masked)

    def _of_activations(self, left: Tensor, right: Tensor, role: str, times: int) -> Product:
        """W is the right operand: keys, or values."""
        groups, tokens = prod(right.shape[:-2]), left.shape[-2] * prod(left.shape[:-2]) // prod(right.shape[:-2])
        if groups % times == 0:
            groups, tokens = groups // times, tokens * times
        return Product(self._at, len(self._begun), right.shape[-1], right.shape[-2], tokens, groups, role=role)

    def _convolution(self, args: Any, made: Tensor) -> Iterator[Product]:
        inputs, weight, _, stride, padding, dilation, transposed, _, groups = args
        origin = self._origin(weight)
        outside, inside = weight.shape[0], weight.shape[1] * groups
        channels = (inside, outside) if transposed else (outside, inside)
        axes = weight.ndim - 2
        steps, pads, holes = (tuple(each) * (axes // len(each)) for each in (stride, padding, dilation))
        name = origin.parameter.removesuffix(".weight") if origin else f"{self._at}.convolution"
        kernel = tuple(weight.shape[2:])
        found = Convolution(name, *channels, kernel, steps, pads, holes, groups, transposed)
        shapes = (tuple(inputs.shape), tuple(made.shape))
        yield Product(self._at, len(self._begun), 0, 0, 0, origin=origin, convolution=found, shapes=shapes)

    def _follow(self, kind: str, args: Any, made: Any) -> None:
        """What is made of parameters alone stands for them; what was repeated goes on being so."""
        given = [each for each in _tensors(args) if not is_lazy(each)]
        outs = list(_tensors(made))
        if not given:
            return
        if all(each in self._origins for each in given):
            base = next((each for each in given if each.ndim > 1), given[0])
            for out in outs:
                if out not in self._origins:
                    self._origins[out] = _derived(self._origins[base], kind, base, out)
        if kind in RESHAPES and len(given) == 1 and outs:
            times = self._times(given[0])
            times *= outs[0].numel() // max(1, given[0].numel()) if kind == "aten::expand" else 1
            if times > 1:
                self._repeats[outs[0]] = times


def _derived(origin: Origin, kind: str, base: Tensor, out: Tensor) -> Origin:
    if kind in ("aten::t", "aten::transpose", "aten::permute") and base.ndim == 2:
        turned = base.shape[::-1] == out.shape and base.stride() != out.stride()
        return replace(origin, turned=origin.turned != turned)
    kept = base.shape == out.shape and kind in KEEPS_ZEROS
    return origin if kept else replace(origin, whole=False)


def _tensors(values: Any) -> Iterator[Tensor]:
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, list | tuple):
        for each in values:
            yield from _tensors(each)
