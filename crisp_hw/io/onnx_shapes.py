"""Sizes in an ONNX graph that the graph itself computes: they are folded until the inference of sizes knows them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_ARITHMETIC = ("Mul", "Add", "Sub", "Div", "Floor", "Ceil", "Cast")
FOLDED = frozenset(("Slice", "Concat", "Gather", "Unsqueeze", "Squeeze", "Reshape", *_ARITHMETIC))
"""Operators that arithmetic with sizes uses; they are calculated by ONNX's own reference, on small constants alone."""
SMALL = 64  # numbers of a tensor; sizes have as many as axes
ROUNDS = 64  # a chain of sizes that follow from each other is longer in no known network


def with_sizes(model: Any) -> Any:
    """The model with the sizes of its values, after folding what computes sizes."""
    from onnx import shape_inference

    found = shape_inference.infer_shapes(model, data_prop=True)
    for _ in range(ROUNDS):
        if not _fold(found):
            break
        del found.graph.value_info[:]
        found = shape_inference.infer_shapes(found, data_prop=True)
    return found


def _fold(model: Any) -> bool:
    """Put constants where nodes compute sizes; whether there were any."""
    from onnx import numpy_helper

    graph = model.graph
    sizes = _known_sizes(graph)
    values = {each.name: numpy_helper.to_array(each) for each in graph.initializer if _count(each.dims) <= SMALL}
    for node in graph.node:
        if node.op_type == "Constant" and (stored := _stored(node)) is not None:
            values[node.output[0]] = stored
    kept, made = [], {}
    for node in graph.node:
        folded = _value(node, sizes, values, model.opset_import)
        if folded is None:
            kept.append(node)
        else:
            made[node.output[0]] = values[node.output[0]] = folded
    if made:
        del graph.node[:]
        graph.node.extend(kept)
        graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in made.items())
    return bool(made)


def _value(node: Any, sizes: dict[str, list[int]], values: dict[str, NDArray[Any]], opsets: Any) -> NDArray[Any] | None:
    """What a node gives where that follows from sizes; None where it does not."""
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    names = [each for each in node.input if each]
    if node.op_type == "Shape" and not node.attribute:
        return np.array(sizes[names[0]], np.int64) if names[0] in sizes else None
    if node.op_type not in FOLDED or not names or not all(each in values for each in names):
        return None
    outputs = [helper.make_empty_tensor_value_info(node.output[0])]
    inputs = [
        helper.make_tensor_value_info(each, helper.np_dtype_to_tensor_dtype(values[each].dtype), values[each].shape)
        for each in dict.fromkeys(names)
    ]
    alone = helper.make_model(helper.make_graph([node], "size", inputs, outputs), opset_imports=list(opsets))
    try:
        results: Any = ReferenceEvaluator(alone).run(None, {each: values[each] for each in names})
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
        return None  # what needs the size will say that it is not known
    result = results[0]
    return np.asarray(result) if np.size(result) <= SMALL else None


def _stored(node: Any) -> NDArray[Any] | None:
    from onnx import numpy_helper

    for each in node.attribute:
        if each.name == "value" and _count(each.t.dims) <= SMALL:
            return np.asarray(numpy_helper.to_array(each.t))
    return None


def _known_sizes(graph: Any) -> dict[str, list[int]]:
    found = {}
    for each in (*graph.input, *graph.value_info, *graph.output):
        kind = each.type.tensor_type
        if kind.HasField("shape") and all(axis.HasField("dim_value") for axis in kind.shape.dim):
            found[each.name] = [axis.dim_value for axis in kind.shape.dim]
    return found


def _count(dims: Any) -> int:
    total = 1
    for each in dims:
        total *= each
    return total
