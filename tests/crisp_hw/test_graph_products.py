"""Products of activations in ONNX files and exported programs: as many layers and MACs as the model itself has."""

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="writes networks")
onnx = pytest.importorskip("onnx", reason="reads ONNX")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402 - behind the check for ONNX
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

import crisp_hw  # noqa: E402

torch.set_num_threads(1)


class Attention(nn.Module):
    """Four heads of queries on as many or half as many keys, by products, or by PyTorch's function."""

    def __init__(self, how):
        super().__init__()
        self.q, self.kv, self.how = nn.Linear(16, 16), nn.Linear(16, 8), how

    def forward(self, x):
        q = self.q(x).reshape(len(x), -1, 4, 4).transpose(1, 2)
        k = v = self.kv(x).reshape(len(x), -1, 2, 4).transpose(1, 2)
        match self.how:
            case "shared":
                return F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
            case "causal":
                k = v = k.repeat_interleave(2, 1)
                return F.scaled_dot_product_attention(q, k, v, is_causal=True)
            case "batched":
                k = v = k.repeat_interleave(2, 1).flatten(0, 1)
                return torch.bmm(torch.bmm(q.flatten(0, 1), k.transpose(-1, -2)).softmax(-1), v)
        k = v = k.repeat_interleave(2, 1)
        return (q @ k.transpose(-1, -2)).softmax(-1) @ v


def write(model, example, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if path.suffix == ".onnx":
            torch.onnx.export(model, (example,), path, dynamo=False)
        else:
            torch.export.save(torch.export.export(model, (example,)), path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    ("how", "name"),
    [
        *((how, "a.onnx") for how in ("products", "causal", "batched")),
        *((how, "a.pt2") for how in ("products", "causal", "batched", "shared")),
    ],
)
def test_attention_of_a_graph_is_that_of_the_model(how, name, batch, tmp_path):
    model, example = Attention(how).eval(), torch.zeros(batch, 5, 16)
    expected = [layer for layer in crisp_hw.Workload.from_torch(model, example).layers if layer.kind == "matmul"]
    found = crisp_hw.import_model(write(model, example, tmp_path / name))
    products = [each.layer for each in found.layers if each.layer.kind == "matmul"]
    assert [layer.macs for layer in products] == [layer.macs for layer in expected] == [4 * 4 * 25] * 2
    assert all(each.groups == (2 if how == "shared" else 4) for each in products)
    dropped = 4 * 4 * 10 if (how, name) == ("causal", "a.pt2") else 0  # a graph of ONNX adds a mask of numbers
    assert [layer.masked_macs for layer in products] == [dropped] * 2
    rows = crisp_hw.evaluate(found, "dense", cache=False).rows
    assert len(rows) == len(found.layers) == 4


def written(folder, nodes, constants, inputs, opset=17):
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()]
    outputs = [helper.make_empty_tensor_value_info(nodes[-1].output[0])]
    stored = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "net", given, outputs, initializer=stored)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), folder / "net.onnx"
    )
    return folder / "net.onnx"


def test_products_of_other_sizes(tmp_path):
    node = helper.make_node
    nodes = [
        node("MatMul", ["x", "w"], ["a"], name="weight"),
        node("Gemm", ["a", "x"], ["b"], transA=1, name="turned"),
        node("MatMul", ["x", "v"], ["c"], name="vector"),
        node("MatMul", ["h", "y"], ["d"], name="shared"),
        node("Tanh", ["w"], ["t"]),
        node("MatMul", ["x", "t"], ["e"], name="computed"),
        node("Einsum", ["x", "x"], ["f"], equation="ij,kj->ik", name="sum"),
    ]
    inputs = {"one": [1], "x": [6, 4], "v": [4], "h": [3, 2, 5], "y": [5, 7]}
    found = crisp_hw.import_model(written(tmp_path, nodes, {"w": np.ones((4, 8), np.float32)}, inputs))
    layers = {each.layer.name: each.layer for each in found.layers}
    macs = {"weight": 4 * 8 * 6, "turned": 8 * 6 * 4, "vector": 6 * 4, "shared": 3 * 2 * 5 * 7}
    assert {name: layer.macs for name, layer in layers.items()} == macs
    skipped = {each.name: each.reason for each in found.skipped}
    assert skipped["computed"] == "product with a weight that the graph computes, not modelled"
    assert skipped["sum"] == "product of activations inside of one Einsum, not modelled"
