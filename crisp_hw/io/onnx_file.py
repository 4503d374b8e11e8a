"""Reads ONNX files: the graph with the sizes of all its values, and its constants; nothing of it runs as code."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.io.containers import DAMAGE
from crisp_hw.io.onnx_shapes import with_sizes
from crisp_hw.machine.files import FileKind, check_file
from crisp_hw.machine.foreign import in_our_words

ONNX = FileKind("an ONNX file", 2**31, "give the ONNX file of a network")  # the most that protobuf reads, 2 GiB
EXPORT = "export the model again"
FOLDED = frozenset(
    {"Cast", "Concat", "Constant", "DequantizeLinear", "Flatten", "Identity", "Mul", "QuantizeLinear", "Reshape"}
    | {"Slice", "Squeeze", "Split", "Transpose", "Unsqueeze"}
)
"""Operations that are computed where all their inputs are constants: what stands between a weight and its use."""


class OnnxGraph:
    """The nodes of a file in order, with the sizes of values and with constants by name."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.nodes: list[Any] = list(model.graph.node)
        self.shapes = dict(_shapes(model.graph))
        self._kept = {each.name: each for each in model.graph.initializer}
        self._made = {name: node for node in self.nodes for name in node.output}
        self._found: dict[str, NDArray[Any] | None] = {}

    def constant(self, name: str) -> NDArray[Any] | None:
        """The value of a name where the file alone tells it; None where it depends on the input."""
        if name not in self._found:
            self._found[name] = self._constant(name)
        return self._found[name]

    def _constant(self, name: str) -> NDArray[Any] | None:
        from onnx import numpy_helper

        if name in self._kept:
            return np.asarray(numpy_helper.to_array(self._kept[name]))
        node = self._made.get(name)
        if node is None or node.op_type not in FOLDED:
            return None
        given = {each: self.constant(each) for each in node.input if each}
        if any(value is None for value in given.values()):
            return None
        made: dict[str, NDArray[Any]] = dict(zip(node.output, _computed(self.model, node, given), strict=True))
        return made[name]

    def stored_name(self, name: str) -> str:
        """The name under which the file keeps the constant that a value is made of."""
        while name not in self._kept and name in self._made and self._made[name].input:
            name = self._made[name].input[0]
        return name


def read_onnx(path: Path, sizes: Sequence[int] | None = None) -> OnnxGraph:
    """The graph of an ONNX file, each input of a size that is not fixed at `sizes`, and of one sample.

    Raises
    ------
    InputError
        When the file cannot be read, or does not tell the size of an input.
    """
    try:
        import onnx
        from onnx import inliner, shape_inference
    except ImportError as error:
        raise InputError(
            "reading ONNX needs that package", Where(mark=Mark(str(path))), 'pip install "crisp-hw[onnx]"'
        ) from error
    from google.protobuf.message import DecodeError

    check_file(path, ONNX)
    try:
        loaded = onnx.load(path, load_external_data=False)
        _check_beside(path, loaded)
        onnx.load_external_data_for_model(loaded, str(path.parent))
        model = inliner.inline_local_functions(loaded)
        _fill_sparse(model.graph)
        _fix_inputs(path, model.graph, sizes)
        del model.graph.value_info[:]  # sizes by name, where the inputs had none
        return OnnxGraph(with_sizes(model))
    except (*DAMAGE, DecodeError, onnx.checker.ValidationError, shape_inference.InferenceError) as error:
        if isinstance(error, InputError):
            raise
        said = f"is not an intact ONNX file ({in_our_words(error)})"
        raise InputError(said, Where(mark=Mark(str(path))), EXPORT) from error


def _check_beside(path: Path, model: Any) -> None:
    """InputError where weights lie in a file that is not there, or not beside the graph."""
    for each in model.graph.initializer:
        name = next((entry.value for entry in each.external_data if entry.key == "location"), "")
        if name and not (path.parent / name).resolve().is_relative_to(path.parent.resolve()):
            raise InputError(f"names a file outside of its folder, {name}", Where(mark=Mark(str(path))), EXPORT)
        if name and not (path.parent / name).is_file():
            said = f"keeps '{each.name}' in {name}, which is not beside it"
            raise InputError(said, Where(mark=Mark(str(path))), "put that file into the same folder")


def _fill_sparse(graph: Any) -> None:
    """Constants of which a file keeps the values that are not zero, as all others are kept."""
    from onnx import numpy_helper

    for each in graph.sparse_initializer:
        whole = np.zeros(tuple(each.dims), numpy_helper.to_array(each.values).dtype)
        places = numpy_helper.to_array(each.indices)
        flat = places if places.ndim == 1 else np.ravel_multi_index(tuple(places.T), whole.shape)
        whole.reshape(-1)[flat] = numpy_helper.to_array(each.values)
        graph.initializer.append(numpy_helper.from_array(whole, each.values.name))
    del graph.sparse_initializer[:]


def _fix_inputs(path: Path, graph: Any, sizes: Sequence[int] | None) -> None:
    """Give every input a size: that of the file, then `sizes`, then one sample."""
    stored = {each.name for each in graph.initializer}
    inputs = [each for each in graph.input if each.name not in stored]
    if sizes is not None and not any(_fits(_known(each), sizes) for each in inputs):
        there = ", ".join(f"{each.name} ({_said(each)})" for each in inputs)
        said = f"has no input of the size {','.join(map(str, sizes))}"
        raise InputError(said, Where(mark=Mark(str(path))), f"it has {there}")
    for given in inputs:
        known = _known(given)
        fits = sizes is not None and _fits(known, sizes)
        wanted = list(sizes or ()) if fits else [own or (1 if place == 0 else None) for place, own in enumerate(known)]
        if None in wanted:
            said = f"does not fix the size of its input {given.name} ({_said(given)})"
            raise InputError(said, Where(mark=Mark(str(path))), "give its sizes, such as --input 1,3,224,224")
        for axis, extent in zip(given.type.tensor_type.shape.dim, wanted, strict=True):
            axis.dim_value = extent


def _known(given: Any) -> list[int | None]:
    """The sizes of an input; None where the file leaves one open."""
    axes = given.type.tensor_type.shape.dim
    return [axis.dim_value if axis.HasField("dim_value") and axis.dim_value > 0 else None for axis in axes]


def _fits(known: Sequence[int | None], sizes: Sequence[int]) -> bool:
    return len(sizes) == len(known) and all(own in (None, said) for own, said in zip(known, sizes, strict=True))


def _said(given: Any) -> str:
    """The sizes of an input as the file says them."""
    return ", ".join(axis.dim_param or str(axis.dim_value or "?") for axis in given.type.tensor_type.shape.dim)


def _shapes(graph: Any) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The sizes of every value where all are known."""
    yield from _sized((*graph.input, *graph.value_info, *graph.output))
    for each in graph.initializer:
        yield each.name, tuple(each.dims)


def _sized(values: Any) -> Iterator[tuple[str, tuple[int, ...]]]:
    for value in values:
        axes = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(axis.HasField("dim_value") for axis in axes):
            yield value.name, tuple(axis.dim_value for axis in axes)


def _computed(model: Any, node: Any, given: Mapping[str, Any]) -> list[NDArray[Any]]:
    """What one operation makes of constants, by the reference of ONNX itself."""
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    if node.op_type == "DequantizeLinear":  # which the reference has for the newest forms alone
        return [_dequantised(node, *(given[name] for name in node.input if name))]
    inputs = [helper.make_value_info(name, helper.make_tensor_type_proto(_type(given[name]), None)) for name in given]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.output]
    graph = helper.make_graph([node], node.op_type, inputs, outputs)
    alone = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    return [np.asarray(value) for value in ReferenceEvaluator(alone).run(None, dict(given))]


def _dequantised(node: Any, codes: Any, scale: Any, zero: Any = 0) -> NDArray[Any]:
    """Codes as numbers; scale and code of zero are one for all, or one per place of an axis."""
    axis = next((each.i for each in node.attribute if each.name == "axis"), 1)
    block = next((each.i for each in node.attribute if each.name == "block_size"), 0)
    if block:  # one scale for so many places along the axis
        repeated = (np.repeat(np.asarray(each), block, axis) if np.ndim(each) else each for each in (scale, zero))
        within = tuple(slice(extent) for extent in codes.shape)
        scale, zero = (each[within] if np.ndim(each) else np.asarray(each) for each in repeated)
        return np.asarray((codes.astype(np.int64) - zero.astype(np.int64)) * scale)
    along = [-1 if place == axis % max(codes.ndim, 1) else 1 for place in range(codes.ndim)]
    scale, zero = (np.asarray(each).reshape(along) if np.size(each) > 1 else np.asarray(each) for each in (scale, zero))
    return np.asarray((codes.astype(np.int64) - zero.astype(np.int64)) * scale)


def _type(value: NDArray[Any]) -> int:
    from onnx import helper

    return int(helper.np_dtype_to_tensor_dtype(value.dtype))
