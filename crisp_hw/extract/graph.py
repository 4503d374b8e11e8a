"""Layers of a graph of operations, as ONNX files and exported programs hold it; PyTorch is not needed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError
from crisp_hw.io.number_kinds import check_number_kind
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


@dataclass
class Graph:
    """What was found in a graph, in the order of execution."""

    name: str
    source: str
    operations: list[Operation]
    skipped: list[Skipped]


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
    if not layers:
        raise InputError("holds no convolution and no product with a weight", hint="give the file of a network")
    provenance = {"masks": f"nonzeros of {graph.source}"}
    return PrunedModel(graph.name, tuple(layers), (), (*notes, *graph.skipped), provenance)


def _distinct(operations: Iterable[Operation]) -> Iterable[Operation]:
    """The operations under names of their own."""
    seen: dict[str, int] = {}
    for operation in operations:
        times = seen[operation.name] = seen.get(operation.name, 0) + 1
        yield operation if times == 1 else replace(operation, name=f"{operation.name}@{times}")


def _counted(operation: Operation, samples: int) -> Counted:
    if operation.convolution is not None:
        conv = replace(operation.convolution, name=operation.name)
        return as_conv2d(conv, operation.inputs, operation.output, samples)
    rows, columns = operation.weight.shape
    return linear_call(Layer(operation.name, "linear", rows, columns), operation.inputs, samples)


def _pruned(operation: Operation, layer: Layer) -> PrunedLayer:
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
