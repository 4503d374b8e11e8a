"""The layers of an exported program: what its graph calls with its parameters."""

from collections import Counter
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

from numpy.typing import NDArray

from crisp_hw.errors import InputError
from crisp_hw.extract import graph as graphs
from crisp_hw.extract.graph import ACTIVATIONS, COMPUTED, Graph, Multiplication, Operation, left_out, of_inputs
from crisp_hw.io.exported import ExportedProgram
from crisp_hw.spec.calls import Shape
from crisp_hw.spec.convolutions import Convolution
from crisp_hw.spec.layer import Skipped

OPS = "torch.ops."
ATEN = f"{OPS}aten."
PRODUCTS = {
    "linear": ("input", "weight"),
    "addmm": ("mat1", "mat2"),
    "mm": ("self", "mat2"),
    "matmul": ("self", "other"),
}
"""The input and the weight of each; of all but the first, the columns of the weight are the outputs."""
BATCHED = {"bmm": ("self", "mat2"), "baddbmm": ("batch1", "batch2")}
RECURRENT = frozenset(
    {"lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"}
)
MULTIPLIES = ("mm", "mv", "linear", "attention", "conv", "dot", "outer", "cond", "while_loop", "scan")
"""What names of operations that multiply matrices, or hold graphs that may, have in them."""
ATTENTION = "scaled_dot_product_attention"
SAME = frozenset({"to", "_to_copy", "detach", "clone", "alias", "contiguous", "dropout", "lift_fresh_copy"})
"""What leaves a weight as it is."""
SILENT = SAME | {"view", "reshape", "flatten", "permute", "transpose", "t", "expand", "unsqueeze", "squeeze", "slice"}
SILENT |= {"select", "cat", "split", "chunk", "unbind", "arange", "zeros", "ones", "full", "sym_size", "getitem"}


def exported_layers(program: ExportedProgram, name: str) -> Graph:
    """What a program computes with its parameters, in the order of its nodes, and what else it does."""
    made = {out["as_tensor"]["name"]: node for node in program.nodes for out in node["outputs"] if "as_tensor" in out}
    reader = _Reader(program, made)
    operations: list[Operation | Multiplication] = []
    skipped, others = [], Counter[str]()
    for node in program.nodes:
        found = reader.operation(node)
        match found:
            case Operation() | Multiplication():
                operations.append(found)
            case Skipped():
                skipped.append(found)
            case None if _kind(node) == ATTENTION:
                operations += reader.attention(node)
            case None if _kind(node) not in SILENT:
                others[_kind(node)] += 1
    skipped += left_out(others, _reason)
    return Graph(name, "the parameters of an exported program", operations, skipped)


def samples_of(program: ExportedProgram) -> int:
    """The samples of the first input: its first axis."""
    first = next((each["as_tensor"]["name"] for each in program.inputs if "as_tensor" in each), "")
    return (*program.shapes.get(first, ()), 1)[0]


def _kind(node: Mapping[str, Any]) -> str:
    """conv2d of torch.ops.aten.conv2d.padding; quantized.linear of another namespace."""
    bare = str(node["target"]).removeprefix(ATEN).rpartition(":")[2]
    if bare.startswith(OPS):
        return ".".join(bare.removeprefix(OPS).split(".")[:2])
    return bare.partition(".")[0]


def _reason(kind: str) -> str:
    if kind in RECURRENT:
        return graphs.RECURRENT
    known = "." not in kind and not any(word in kind for word in MULTIPLIES)
    return graphs.NO_PRODUCT if known else graphs.UNKNOWN


class _Reader:
    """Reads the nodes of one program."""

    def __init__(self, program: ExportedProgram, made: Mapping[str, Any]) -> None:
        self.program, self.made = program, made
        given = [_tensor(each) for each in program.inputs]
        self.moving = of_inputs(given, ((_taken(node), _given(node)) for node in program.nodes))

    def operation(self, node: Mapping[str, Any]) -> Operation | Multiplication | Skipped | None:
        """What a node is to an accelerator; None where it is no product."""
        kind, given = _kind(node), {each["name"]: each["arg"] for each in node["inputs"]}
        if kind == "einsum":
            return Skipped(node["name"], f"{ACTIVATIONS}, not modelled")
        if kind in BATCHED:
            left, right = (self.program.shapes[_tensor(given[key])] for key in BATCHED[kind])
            return Multiplication(node["name"], left, right)
        if "conv" in kind and "weight" in given:
            return self._convolution(node, kind, given)
        if kind not in PRODUCTS:
            return None
        values, weight = (_tensor(given[key]) for key in PRODUCTS[kind])
        found = self._constant(weight)
        if found is None and weight not in self.moving:
            return Skipped(node["name"], COMPUTED)
        if found is None:
            return Multiplication(node["name"], self.program.shapes[values], self.program.shapes[weight])
        if found.ndim != 2:
            return Skipped(node["name"], f"a product with a constant of {found.ndim} axes, not modelled")
        turned = found if kind == "linear" else found.T
        return Operation(self._name(weight), turned, self.program.shapes[values])

    def attention(self, node: Mapping[str, Any]) -> tuple[Multiplication, Multiplication]:
        """Both products of a fused attention; a causal mask drops what follows a query's own place."""
        given = {each["name"]: each["arg"] for each in node["inputs"]}
        query, key, value = (self.program.shapes[_tensor(given[name])] for name in ("query", "key", "value"))
        scores = (*query[:-1], key[-2])
        causal = bool(given.get("is_causal", {}).get("as_bool", False))
        behind = sum(max(key[-2] - 1 - place, 0) for place in range(query[-2])) * prod(query[:-2]) if causal else 0
        turned = (*key[:-2], key[-1], key[-2])
        return (
            Multiplication(f"{node['name']}.scores", query, turned, behind * query[-1]),
            Multiplication(f"{node['name']}.values", scores, value, behind * value[-1]),
        )

    def _convolution(self, node: Mapping[str, Any], kind: str, given: Mapping[str, Any]) -> Operation:
        name = self._name(_tensor(given["weight"]))
        weight = self._constant(_tensor(given["weight"]))
        if weight is None:
            raise InputError(f"the weight of {name} is no parameter", hint="export the model in evaluation mode")
        axes = weight.ndim - 2
        stride, dilation = (_numbers(given.get(key), 1, axes) for key in ("stride", "dilation"))
        groups = int(given.get("groups", {}).get("as_int", 1))
        padding = _padding(given.get("padding"), dilation, weight.shape[2:])
        transposed = "transpose" in kind or bool(given.get("transposed", {}).get("as_bool", False))
        first, second = weight.shape[0], weight.shape[1] * groups
        out_channels, in_channels = (second, first) if transposed else (first, second)
        conv = Convolution(
            name, out_channels, in_channels, weight.shape[2:], stride, padding, dilation, groups, transposed
        )
        shapes = self.program.shapes
        inputs = shapes[_tensor(given["input"])]
        return Operation(name, weight, inputs, shapes[node["outputs"][0]["as_tensor"]["name"]], conv)

    def _name(self, value: str) -> str:
        """The layer that a weight belongs to."""
        while value not in self.program.parameters and value in self.made:
            value = _tensor(self.made[value]["inputs"][0]["arg"])
        stored = self.program.parameters.get(value, value)
        return str(stored.removesuffix("_orig").removesuffix(".weight") or stored)

    def _constant(self, value: str) -> NDArray[Any] | None:
        """The values of what only parameters make; None of all else."""
        found = self.program.values(value)
        node = self.made.get(value)
        if found is not None or node is None:
            return found
        kind = _kind(node)
        given = [each["arg"] for each in node["inputs"]]
        parts = [self._constant(_tensor(each)) for each in given if "as_tensor" in each]
        if not parts or any(part is None for part in parts):
            return None
        whole, *more = [part for part in parts if part is not None]
        match kind:
            case "t" | "numpy_T":
                return whole.T
            case "transpose":
                return whole.swapaxes(*(each["as_int"] for each in given[1:3]))
            case "permute":
                return whole.transpose(given[1]["as_ints"])
            case "mul" if more:
                product: NDArray[Any] = whole * more[0]
                return product
        return whole if kind in SAME else None


def _taken(node: Mapping[str, Any]) -> Iterator[str]:
    """The tensors that a node works on, in lists of them, too."""
    for each in node["inputs"]:
        yield from (one["name"] for one in each["arg"].get("as_tensors", ()))
        yield _tensor(each["arg"])


def _given(node: Mapping[str, Any]) -> Iterator[str]:
    """The tensors that a node makes."""
    for each in node["outputs"]:
        yield from (one["name"] for one in each.get("as_tensors", ()))
        yield _tensor(each)


def _tensor(argument: Mapping[str, Any]) -> str:
    return str(argument["as_tensor"]["name"]) if "as_tensor" in argument else ""


def _numbers(argument: Mapping[str, Any] | None, missing: int, axes: int) -> Shape:
    found = tuple(argument["as_ints"]) if argument and "as_ints" in argument else (missing,)
    return found * axes if len(found) == 1 else found


def _padding(argument: Mapping[str, Any] | None, dilation: Shape, kernel: Shape) -> Shape:
    if argument and argument.get("as_string") == "same":
        return tuple(d * (k - 1) // 2 for d, k in zip(dilation, kernel, strict=True))
    return _numbers(argument, 0, len(kernel))
