"""Products outside of layer modules as layers: of activations, or with a parameter that the model's own code uses."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from crisp_hw.io.number_kinds import check_number_kind
from crisp_hw.products.layers import product_layer
from crisp_hw.spec.calls import linear_call
from crisp_hw.spec.convolutions import Convolution, as_conv2d
from crisp_hw.spec.layer import Layer

if TYPE_CHECKING:
    from torch import nn

    from crisp_hw.products.product import Product

DERIVED = "its weight is no parameter as it is, so that its zeros are not read"


@dataclass(frozen=True)
class Found:
    """A layer, the name of its weight in the state dict, and what the entry cannot say ("" when it says all).

    `part` is (0, 1) where the layer has the whole weight, (i, 3) where it has the i-th third of its rows. `parameter`
    is "" where no mask can be read: products of activations, and weights that the model computes. `turned` weights have
    their outputs last; `convolution` is what a layer that is no Conv2d was.
    """

    layer: Layer
    parameter: str
    note: str = ""
    part: tuple[int, int] = (0, 1)
    turned: bool = False
    convolution: Convolution | None = None


def product_layers(product: "Product", samples: int) -> Found:
    """One product as a layer, for one sample."""
    origin = product.origin
    parameter = origin.parameter if origin and origin.whole else ""
    if not product.of_activations:
        check_number_kind(origin.parameter if origin else product.module, product.numbers)
    note = DERIVED if not parameter and (origin or product.convolution) else ""
    if product.convolution is not None:
        conv = product.convolution
        counted = as_conv2d(conv, *product.shapes, samples)
        return Found(counted.layer, parameter, note or counted.note, convolution=conv)
    if origin is not None:
        name = origin.parameter.removesuffix(".weight")
        layer = Layer(name, "linear", product.rows, product.columns)
        counted = linear_call(layer, (product.tokens, product.columns), samples)
        return Found(counted.layer, parameter, note or counted.note, turned=origin.turned)
    counted = product_layer(product, samples)
    return Found(counted.layer, "", note or counted.note)


def other_convolution(name: str, module: "nn.modules.conv._ConvNd") -> Convolution:
    """A convolution of one or three axes, or a transposed one."""
    axes = len(module.kernel_size)
    spans = [d * (k - 1) // 2 for d, k in zip(module.dilation, module.kernel_size, strict=True)]
    padding: Any = module.padding
    if isinstance(padding, str):
        padding = spans if padding == "same" else [0] * axes
    channels = (module.out_channels, module.in_channels)
    sizes = [tuple(int(each) for each in sizes) for sizes in (module.kernel_size, module.stride, padding)]
    dilation = tuple(int(each) for each in module.dilation)
    return Convolution(name, *channels, sizes[0], sizes[1], sizes[2], dilation, module.groups, module.transposed)


def convolution_layer(name: str, module: "nn.modules.conv._ConvNd", shapes: tuple[Any, Any], samples: int) -> Found:
    """One call of such a module on an input of shapes[0] that gave shapes[1]."""
    conv = other_convolution(name or "model", module)
    counted = as_conv2d(conv, *shapes, samples)
    return Found(counted.layer, f"{name}.weight".lstrip("."), counted.note, convolution=conv)


def renamed(entry: Found, name: str) -> Found:
    """The entry under another name."""
    return replace(entry, layer=replace(entry.layer, name=name))
