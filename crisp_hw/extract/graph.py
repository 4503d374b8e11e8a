"""Layers of a graph of operations, as ONNX files and exported programs hold it; PyTorch is not needed."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError
from crisp_hw.io.number_kinds import check_number_kind
from crisp_hw.products.layers import product_layer
from crisp_hw.products.product import Product
from crisp_hw.spec.calls import Counted, Shape, linear_call
from crisp_hw.spec.convolutions import Convolution, as_conv2d, kept_view
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer, Skipped

ACTIVATIONS = "product of activations"


@dataclass(frozen=True)
class Operation:
    """A product with a weight: a convolution, or (None) rows of `weight` with every vector of the input.

    `output` may be empty where it is not known. `weight` is as PyTorch keeps it: outputs first.
    """

    name: str
    weight: NDArray[Any]
    inputs: Shape
    output: Shape = ()
    convolution: Convolution | None = None


@dataclass(frozen=True)
class Multiplication:
    """A product of two activations, (..., vectors, columns) and (..., columns, rows): QK^T and PV of attention.

    `masked` of its multiply-accumulates a mask of attention drops.
    """

    name: str
    left: Shape
    right: Shape
    masked: int = 0

    def product(self) -> Product:
        """The same as numbers; the right one stands where weights do.

        >>> Multiplication("qk", (1, 2, 5, 8), (1, 2, 8, 7)).product().groups
        2
        """
        left = self.left if len(self.left) > 1 else (1, *self.left)
        right = self.right if len(self.right) > 1 else (*self.right, 1)
        shared = len(left) == len(right) and left[:-3] == right[:-3] and left[-3:-2] != right[-3:-2] != (1,)
        groups = prod(right[:-2])  # of heads that share keys, those of the keys
        whole = prod(left[:-2] if shared else np.broadcast_shapes(left[:-2], right[:-2]))
        sizes = (right[-1], right[-2], left[-2] * whole // groups, groups)
        return Product("", 0, *sizes, masked=self.masked)


@dataclass
class Graph:
    """What was found in a graph, in the order of execution."""

    name: str
    source: str
    operations: list[Operation | Multiplication]
    skipped: list[Skipped]


RECURRENT = "recurrent layer"
UNKNOWN = "operation that is not known here, with what it may multiply"
NO_PRODUCT = "operation without a product of two matrices"
COMPUTED = "product with a weight that the graph computes, not modelled"


def left_out(kinds: Mapping[str, int], reason: Callable[[str], str]) -> Iterator[Skipped]:
    """Operations that are no layers, by kind, with how many there are of it.

    >>> [each.reason for each in left_out({"Relu": 2}, lambda kind: NO_PRODUCT)]
    ['operation without a product of two matrices, 2 of them, not modelled']
    """
    for kind, count in sorted(kinds.items()):
        many = f", {count} of them" if count > 1 else ""
        yield Skipped(kind, f"{reason(kind)}{many}, not modelled")


def of_inputs(inputs: Iterable[str], steps: Iterable[tuple[Iterable[str], Iterable[str]]]) -> frozenset[str]:
    """The names of all values that depend on `inputs`; steps are what is taken and what is made, in order.

    >>> sorted(of_inputs(["x"], [(["w"], ["v"]), (["x", "v"], ["y"])]))
    ['x', 'y']
    """
    found = set(inputs)
    for taken, made in steps:
        if not found.isdisjoint(taken):
            found.update(made)
    return frozenset(found)


def pruned_graph(graph: Graph, samples: int) -> PrunedModel:
    """A pruned model of the operations of a graph; InputError when there is none.

    >>> fc = Operation("fc", np.array([[1.0, 0.0]]), (1, 2))
    >>> pruned_graph(Graph("net", "a graph", [fc], []), 1).layers[0].mask.tolist()
    [[True, False]]
    """
    layers, notes = [], []
    for operation in _distinct(graph.operations):
        counted = _counted(operation, samples)
        layers.append(_pruned(operation, counted.layer))
        notes += [Skipped(counted.layer.name, counted.note)] if counted.note else []
    if all(each.layer.kind == "matmul" for each in layers):
        raise InputError("holds no convolution and no product with a weight", hint="give the file of a network")
    provenance = {"masks": f"nonzeros of {graph.source}"}
    return PrunedModel(graph.name, tuple(layers), (), (*notes, *graph.skipped), provenance)


def _distinct(operations: Iterable[Operation | Multiplication]) -> Iterable[Operation | Multiplication]:
    """The operations under names of their own."""
    seen: dict[str, int] = {}
    for operation in operations:
        times = seen[operation.name] = seen.get(operation.name, 0) + 1
        yield operation if times == 1 else replace(operation, name=f"{operation.name}@{times}")


def _counted(operation: Operation | Multiplication, samples: int) -> Counted:
    if isinstance(operation, Multiplication):
        counted = product_layer(operation.product(), samples)
        return replace(counted, layer=replace(counted.layer, name=operation.name))
    if operation.convolution is not None:
        conv = replace(operation.convolution, name=operation.name)
        return as_conv2d(conv, operation.inputs, operation.output, samples)
    rows, columns = operation.weight.shape
    return linear_call(Layer(operation.name, "linear", rows, columns), operation.inputs, samples)


def _pruned(operation: Operation | Multiplication, layer: Layer) -> PrunedLayer:
    if isinstance(operation, Multiplication):
        return PrunedLayer(layer, "dense")
    kept = nonzero(operation.name, operation.weight)
    mask = kept if operation.convolution is None else kept_view(operation.convolution, kept)
    return PrunedLayer(layer, "dense") if mask.all() else PrunedLayer(layer, "nm", np.ascontiguousarray(mask))


def nonzero(name: str, weight: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a weight is not zero; InputError when it holds what is no number.

    >>> nonzero("fc", np.array([0.0, 2.0])).tolist()
    [False, True]
    """
    check_number_kind(name, str(weight.dtype))
    values = weight.astype(np.float64) if weight.dtype.kind == "V" else weight  # narrow floats that NumPy has not
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError(f"'{name}' holds values that are not finite", hint="was training stable?")
    found: NDArray[np.bool_] = values != 0
    return found
