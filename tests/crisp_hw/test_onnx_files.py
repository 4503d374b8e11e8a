"""How ONNX files keep their constants, and operations that are no layers: read, refused, or named for what they are."""

import numpy as np
import pytest

import crisp_hw

onnx = pytest.importorskip("onnx", reason="reads ONNX")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402 - behind the check for ONNX

KEPT = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 1]], bool)
WEIGHT = np.where(KEPT, 2.5, 0).astype(np.float32)
node = helper.make_node


def written(folder, nodes, constants, x=(1, 3), **more):
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x)]
    outputs = [helper.make_empty_tensor_value_info(nodes[-1].output[0])]
    stored = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "net", given, outputs, stored, sparse_initializer=more.pop("sparse", []))
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), folder / "net.onnx", **more)
    return folder / "net.onnx"


PRODUCT = node("MatMul", ["x", "w"], ["y"], name="fc")


def mask(path):
    (found,) = crisp_hw.import_model(path).layers
    return found.mask.T.tolist()


def test_weights_in_a_file_beside_the_graph(tmp_path):
    path = written(tmp_path, [PRODUCT], {"w": WEIGHT}, save_as_external_data=True, location="w.data", size_threshold=0)
    assert mask(path) == KEPT.tolist()
    (tmp_path / "w.data").unlink()
    with pytest.raises(crisp_hw.InputError, match=r"keeps 'w' in w\.data, which is not beside it"):
        crisp_hw.import_model(path)
    model = onnx.load(path, load_external_data=False)
    model.graph.initializer[0].external_data[0].value = "../../etc/hostname"
    onnx.save(model, path)
    with pytest.raises(crisp_hw.InputError, match="names a file outside of its folder"):
        crisp_hw.import_model(path)


@pytest.mark.parametrize("flat", [True, False])
def test_constants_of_which_only_some_values_are_kept(flat, tmp_path):
    places = np.flatnonzero(KEPT) if flat else np.argwhere(KEPT)
    values = numpy_helper.from_array(WEIGHT[KEPT], "w")
    sparse = helper.make_sparse_tensor(values, numpy_helper.from_array(places, "at"), WEIGHT.shape)
    assert mask(written(tmp_path, [PRODUCT], {}, sparse=[sparse])) == KEPT.tolist()


def test_a_scale_for_every_block(tmp_path):
    codes = np.where(KEPT, 9, 4).astype(np.uint8)
    codes[:2] += 1
    constants = {"q": codes, "s": np.ones((2, 4), np.float32), "z": np.array([[5] * 4, [4] * 4], np.uint8)}
    undo = node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=0, block_size=2)
    assert mask(written(tmp_path, [undo, PRODUCT], constants)) == KEPT.tolist()


def test_codes_of_several_weights_are_refused(tmp_path):
    packed = node("MatMulNBits", ["x", "q", "s"], ["y"], domain="com.microsoft", K=3, N=4, bits=4, block_size=16)
    constants = {"q": np.zeros((4, 1, 8), np.uint8), "s": np.ones(4, np.float32)}
    with pytest.raises(crisp_hw.InputError, match="holds codes of several weights in one number"):
        crisp_hw.import_model(written(tmp_path, [packed], constants))


def test_operations_that_may_multiply_are_not_said_to_multiply_nothing(tmp_path):
    bare = helper.make_graph([node("Identity", ["x"], ["e"])], "b", [], [helper.make_empty_tensor_value_info("e")])
    nodes = [
        node("FusedMatMul", ["x", "w"], ["a"], domain="com.microsoft"),
        node("If", ["c"], ["b"], then_branch=bare, else_branch=bare),
        node("Relu", ["x"], ["d"]),
        PRODUCT,
    ]
    path = written(tmp_path, nodes, {"w": WEIGHT, "c": np.array(True)})
    assert {each.name: each.reason for each in crisp_hw.import_model(path).skipped} == {
        "com.microsoft.FusedMatMul": "operation that is not known here, with what it may multiply, not modelled",
        "If": "operation that is not known here, with what it may multiply, not modelled",
        "Relu": "operation without a product of two matrices, not modelled",
    }


def test_recurrent_layers_of_an_exported_program_are_named(tmp_path):
    torch = pytest.importorskip("torch", reason="writes networks")

    class Both(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.rnn = torch.nn.Linear(4, 4), torch.nn.GRU(4, 4, batch_first=True)

        def forward(self, x):
            return self.rnn(self.fc(x))[0]

    torch.export.save(torch.export.export(Both().eval(), (torch.zeros(1, 3, 4),)), tmp_path / "net.pt2")
    found = crisp_hw.import_model(tmp_path / "net.pt2")
    assert {each.name: each.reason for each in found.skipped}["gru"] == "recurrent layer, not modelled"
