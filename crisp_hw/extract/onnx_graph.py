"""The layers of an ONNX graph: convolutions, and products of constant matrices."""

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError
from crisp_hw.extract import graph as graphs
from crisp_hw.extract.graph import ACTIVATIONS, COMPUTED, Graph, Multiplication, Operation, left_out, of_inputs
from crisp_hw.io.number_kinds import DEQUANTISE
from crisp_hw.io.onnx_file import OnnxGraph
from crisp_hw.spec.calls import Shape
from crisp_hw.spec.convolutions import Convolution
from crisp_hw.spec.layer import Skipped

CONVOLUTIONS = {"Conv": 1, "ConvInteger": 1, "QLinearConv": 3, "ConvTranspose": 1}
"""Where the weight stands among the inputs."""
PRODUCTS = {"Gemm": 1, "MatMul": 1, "MatMulInteger": 1, "QLinearMatMul": 3}
ZERO_POINTS = {"ConvInteger": 3, "QLinearConv": 5, "MatMulInteger": 3, "QLinearMatMul": 5}
"""Where the code of zero stands that belongs to the weight."""
SILENT = frozenset({"Constant", "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Shape", "Dropout"})
"""Operations that compute nothing at inference."""
WITHIN = frozenset({"Attention", "Einsum", "GroupQueryAttention", "MultiHeadAttention"})
"""Operations that multiply activations inside, in ONNX itself and in ONNX Runtime's own."""
RECURRENT = frozenset({"LSTM", "GRU", "RNN"})
BRANCHES = frozenset({"If", "Loop", "Scan", "SequenceMap"})
"""Operations that hold graphs of their own."""
PACKED = frozenset({"MatMulNBits", "MatMulBnb4"})
"""Products of ONNX Runtime with codes of several weights in one number."""
OWN_DOMAINS = ("", "ai.onnx")


def onnx_layers(graph: OnnxGraph, name: str) -> Graph:
    """What a graph computes with its constants, in the order of its nodes, and what else it does."""
    operations: list[Operation | Multiplication] = []
    skipped, others = [], Counter[str]()
    for place, node in enumerate(graph.nodes):
        found = _operation(graph, node, node.name or f"{node.op_type}_{place}")
        match found:
            case Operation() | Multiplication():
                operations.append(found)
            case Skipped():
                skipped.append(found)
            case None if node.op_type not in SILENT and graph.constant(node.output[0]) is None:
                others[node.op_type if node.domain in OWN_DOMAINS else f"{node.domain}.{node.op_type}"] += 1
    skipped += left_out(others, _reason)
    return Graph(name, "the constants of an ONNX graph", operations, skipped)


def _reason(kind: str) -> str:
    if kind in RECURRENT:
        return graphs.RECURRENT
    return graphs.UNKNOWN if "." in kind or kind in BRANCHES else graphs.NO_PRODUCT


def samples_of(graph: OnnxGraph) -> int:
    """The samples of the first input: its first axis."""
    return (*graph.shapes.get(next(iter(_inputs(graph)), ""), ()), 1)[0]


def _operation(graph: OnnxGraph, node: Any, name: str) -> Operation | Multiplication | Skipped | None:
    """What a node is to an accelerator; None where it is no product."""
    place = CONVOLUTIONS.get(node.op_type, PRODUCTS.get(node.op_type))
    if node.op_type in PACKED:
        said = f"{name} ({node.op_type}) holds codes of several weights in one number, which are not unpacked here"
        raise InputError(said, hint=DEQUANTISE)
    if node.op_type in WITHIN:
        return Skipped(name.strip("/"), f"{ACTIVATIONS} inside of one {node.op_type}, not modelled")
    if place is None:
        return None
    own = node.input[place]
    weight = _values(graph, node, own)
    if weight is None:
        return _of_activations(graph, node, name)
    stored = graph.stored_name(own)
    name = stored.removesuffix(".weight") if stored.endswith(".weight") else name.strip("/")
    inputs = _shape(graph, node.input[0], name)
    if node.op_type in CONVOLUTIONS:
        conv = _convolution(node, name, weight.shape)
        return Operation(name, weight, inputs, _shape(graph, node.output[0], name), conv)
    if weight.ndim != 2:
        return Skipped(name, f"a product with a constant of {weight.ndim} axes, not modelled")
    attributes = _attributes(node)
    turned = weight if attributes.get("transB") else weight.T
    return Operation(name, turned, inputs[::-1] if attributes.get("transA") else inputs)


def _of_activations(graph: OnnxGraph, node: Any, name: str) -> Operation | Multiplication | Skipped:
    """A product whose second factor is none of the file's: with its first one, or of activations alone."""
    left, right = node.input[0], node.input[3 if node.op_type == "QLinearMatMul" else 1]
    first = graph.constant(left) if node.op_type == "MatMul" else None
    if first is None or first.ndim != 2:
        if right not in _moving(graph):
            return Skipped(name.strip("/"), COMPUTED)
        if node.op_type in CONVOLUTIONS or not {left, right} <= graph.shapes.keys():
            return Skipped(name.strip("/"), f"{ACTIVATIONS} whose sizes the file does not tell, not modelled")
        attributes = _attributes(node)
        first_sizes = graph.shapes[left][:: -1 if attributes.get("transA") else 1]
        second_sizes = graph.shapes[right][:: -1 if attributes.get("transB") else 1]
        return Multiplication(name.strip("/"), first_sizes, second_sizes)
    *batch, columns, vectors = _shape(graph, node.input[1], name)
    return Operation(name.strip("/"), first, (*batch, vectors, columns))


def _moving(graph: OnnxGraph) -> frozenset[str]:
    """The names of activations."""
    return of_inputs(_inputs(graph), ((node.input, node.output) for node in graph.nodes))


def _inputs(graph: OnnxGraph) -> list[str]:
    stored = {each.name for each in graph.model.graph.initializer}
    return [each.name for each in graph.model.graph.input if each.name not in stored]


def _values(graph: OnnxGraph, node: Any, name: str) -> NDArray[Any] | None:
    """The constant of a name; codes as what they are away from the code of zero."""
    weight = graph.constant(name)
    place = ZERO_POINTS.get(node.op_type)
    if weight is None or place is None:
        return weight
    if len(node.input) <= place or not node.input[place]:
        return weight.astype(np.int32)  # the code of zero is 0 where none is given, by the definition of the operators
    zero = graph.constant(node.input[place])
    if zero is None:
        raise InputError(f"the code of zero of '{name}' is no constant", hint="dequantise the model")
    axis = (-1, *[1] * (weight.ndim - 1)) if node.op_type == "QLinearConv" else (-1,)
    codes: NDArray[Any] = weight.astype(np.int32) - zero.astype(np.int32).reshape(axis)
    return codes


def _convolution(node: Any, name: str, weight: Shape) -> Convolution:
    attributes = _attributes(node)
    axes, groups = len(weight) - 2, attributes.get("group", 1)
    dilation = tuple(attributes.get("dilations", [1] * axes))
    padding = tuple(attributes.get("pads", [0] * axes)[:axes])
    if attributes.get("auto_pad", b"NOTSET") in (b"SAME_UPPER", b"SAME_LOWER"):
        padding = tuple(d * (k - 1) // 2 for d, k in zip(dilation, weight[2:], strict=True))
    transposed = node.op_type == "ConvTranspose"
    first, second = weight[0], weight[1] * groups
    out_channels, in_channels = (second, first) if transposed else (first, second)
    stride = tuple(attributes.get("strides", [1] * axes))
    return Convolution(name, out_channels, in_channels, weight[2:], stride, padding, dilation, groups, transposed)


def _attributes(node: Any) -> dict[str, Any]:
    from onnx import helper

    return {each.name: helper.get_attribute_value(each) for each in node.attribute}


def _shape(graph: OnnxGraph, value: str, name: str) -> Shape:
    if value not in graph.shapes:
        said = f"the size of what {name} works on is not known"
        raise InputError(said, hint="give the sizes of the input, or export the model with fixed sizes")
    return graph.shapes[value]
