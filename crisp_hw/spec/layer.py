"""Layers of a network as geometry, and a network as a list of them."""

from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Literal

from crisp_hw.spec.shown import counted

LayerKind = Literal["conv2d", "linear", "matmul"]
"""A convolution, a matrix of weights, and a product of two activations, of which the first stands where weights do."""


@dataclass(frozen=True)
class Layer:
    """One layer with a matrix product, seen as W[rows, columns] x X[columns, positions] per group.

    `positions` of a Linear layer are the vectors it is applied to for one sample (1 for a classifier, the tokens
    of a transformer); for a Conv2d they follow from `input_size` (height, width in pixels). `tokens` are the input
    vectors of one sample, for a Conv2d its images: 1, or more where frames or crops are folded into the batch. In a
    product of activations ("matmul") every group is a product of its own: W are keys or values, X queries or scores.
    `masked_macs` are those of its multiply-accumulates whose result the mask of attention drops; they run nevertheless.

    >>> Layer("fc", "linear", out_channels=10, in_channels=64).macs
    640
    >>> conv = Layer("c", "conv2d", 256, 128, kernel=(3, 3), padding=(1, 1), input_size=(14, 14))
    >>> conv.rows, conv.columns, conv.output_size, conv.macs
    (256, 1152, (14, 14), 57802752)
    """

    name: str
    kind: LayerKind
    out_channels: int
    in_channels: int
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    input_size: tuple[int, int] = (1, 1)
    tokens: int = 1
    masked_macs: int = 0

    @property
    def rows(self) -> int:
        """Rows S of the weight matrix: all output channels."""
        return self.out_channels

    @property
    def columns(self) -> int:
        """Columns K of the weight matrix: kernel height x kernel width x input channels per group."""
        return self.kernel[0] * self.kernel[1] * (self.in_channels // self.groups)

    @property
    def output_size(self) -> tuple[int, int]:
        """Height and width of the output feature map, in pixels (PyTorch's Conv2d formula)."""
        sizes = zip(self.input_size, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        height, width = ((i + 2 * p - d * (k - 1) - 1) // s + 1 for i, k, s, p, d in sizes)
        return height, width

    @property
    def positions(self) -> int:
        """Columns N of the activation matrix for one sample."""
        return self.tokens * (self.output_size[0] * self.output_size[1] if self.kind == "conv2d" else 1)

    @property
    def weights(self) -> int:
        """Elements of the weight matrix, in words."""
        return self.rows * self.columns

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one sample."""
        return self.weights * self.positions


def batched(layer: Layer, batch: int) -> Layer:
    """The layer for several samples: more positions of the same weights; of activations, more products.

    >>> batched(Layer("fc", "linear", 2, 4), 3).positions, batched(Layer("qk", "matmul", 2, 4), 3).groups
    (3, 3)
    """
    if layer.kind == "matmul":
        multiplied = ("out_channels", "in_channels", "groups", "masked_macs")
        sizes = {name: getattr(layer, name) * batch for name in multiplied}
        return replace(layer, **sizes)
    return replace(layer, tokens=layer.tokens * batch)


@dataclass(frozen=True)
class Skipped:
    """An operator or layer that is not evaluated, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Workload:
    """A network: its layers in execution order, what was left out, and where the numbers come from."""

    name: str
    layers: tuple[Layer, ...]
    skipped: tuple[Skipped, ...] = ()
    source: str = ""

    @classmethod
    def from_torch(cls, model: Any, example: Any) -> "Workload":
        """The layers of a torch.nn.Module, from one forward pass on an example input (`crisp_hw.extract.extract`).

        Parameters
        ----------
        model
            The module; what it does with its weights is recorded, its values are not read.
        example
            What it is called with for one sample: a tensor, a tuple of arguments, or a map of keyword arguments.

        Examples
        --------
        >>> import torch
        >>> Workload.from_torch(torch.nn.Linear(4, 2), torch.zeros(1, 4))
        <Workload Linear: 1 layer, 8 weights, 8 MACs>
        """
        extract = import_module("crisp_hw.extract").extract  # by name: nouns know no verbs, and PyTorch is an extra
        found: Workload = extract(model, example)
        return found

    def __repr__(self) -> str:
        weights = sum(layer.weights for layer in self.layers if layer.kind != "matmul")
        macs = sum(layer.macs for layer in self.layers)
        return f"<Workload {self.name}: {counted(len(self.layers), 'layer')}, {weights:,} weights, {macs:,} MACs>"
