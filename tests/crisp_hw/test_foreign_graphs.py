"""Networks that hold their own graph or lie in a folder: ONNX, exported programs, folders of Hugging Face, timm."""

import json
import warnings
import zipfile

import numpy as np
import pytest
from typer.testing import CliRunner

import crisp_hw
from crisp_hw.cli import app

onnx = pytest.importorskip("onnx", reason="reads ONNX")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402 - behind the check for ONNX


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words], prog_name="crisp-hw")


def kept(*shape, share=0.5, seed=0):
    generator = np.random.default_rng(seed)
    return (generator.random(shape) < share) * (1 + generator.random(shape)).astype(np.float32)


def onnx_model(nodes, constants, inputs, opset=17):
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()]
    outputs = [helper.make_empty_tensor_value_info(nodes[-1].output[0])]
    stored = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "net", given, outputs, initializer=stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def written(folder, *arguments, **more):
    onnx.save(onnx_model(*arguments, **more), folder / "net.onnx")
    return folder / "net.onnx"


def all_kinds(folder, batch="n"):
    """Every kind of product with a constant, and one of activations."""
    node = helper.make_node
    constants = {
        "stem.weight": kept(8, 3, 3, 3),
        "depthwise": kept(8, 1, 3, 3, seed=1),
        "up": kept(8, 4, 2, 2, seed=2),
        "gemm": kept(10, 4, seed=3),
        "matrix": kept(10, 6, seed=4),
        "codes": (kept(6, 5, seed=5) > 0).astype(np.uint8) * 9 + 3,  # 3 is zero
        "scale": np.float32(0.5),
        "zero": np.uint8(3),
        "shape": np.array([-1, 4], np.int64),
        "left": kept(7, 12, seed=6),
    }
    nodes = [
        node("Conv", ["x", "stem.weight"], ["a"], pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Conv", ["a", "depthwise"], ["b"], group=8, auto_pad="SAME_UPPER", name="/deep/Conv"),
        node("ConvTranspose", ["b", "up"], ["c"], strides=[2, 2], name="up/node"),
        node("Transpose", ["c"], ["d"], perm=[0, 2, 3, 1]),
        node("Reshape", ["d", "shape"], ["e"]),
        node("Gemm", ["e", "gemm"], ["f"], transB=1, name="gemm"),
        node("MatMul", ["f", "matrix"], ["g"], name="matrix"),
        node("DequantizeLinear", ["codes", "scale", "zero"], ["w"]),
        node("MatMul", ["g", "w"], ["h"], name="quantised"),
        node("Transpose", ["h"], ["i"], perm=[1, 0]),
        node("MatMul", ["h", "i"], ["j"], name="scores"),
        node("Relu", ["j"], ["k"]),
    ]
    return written(folder, nodes, constants, {"x": [batch, 3, "h", "w"]}), constants


def test_geometry_and_zeros_come_from_an_onnx_graph(tmp_path):
    path, constants = all_kinds(tmp_path)
    model = crisp_hw.import_model(path, example=(1, 3, 8, 8))
    layers = {each.layer.name: each for each in model.layers}
    assert list(layers) == ["stem", "deep/Conv", "up/node", "gemm", "matrix", "quantised", "scores"]
    macs = [27 * 8 * 16, 9 * 8 * 16, 8 * 4 * 4 * 16, 64 * 4 * 10, 64 * 10 * 6, 64 * 6 * 5, 64 * 5 * 64]
    assert [layers[name].layer.macs for name in layers] == macs
    assert layers["stem"].layer.output_size == layers["deep/Conv"].layer.output_size == (4, 4)
    assert (layers["stem"].mask == (constants["stem.weight"].transpose(0, 2, 3, 1).reshape(8, -1) != 0)).all()
    assert (layers["deep/Conv"].mask == (constants["depthwise"].reshape(8, 9) != 0)).all()
    assert (layers["up/node"].mask == (constants["up"].reshape(8, 16).T != 0)).all()
    assert (layers["gemm"].mask == (constants["gemm"] != 0)).all()
    assert (layers["matrix"].mask == (constants["matrix"].T != 0)).all()
    assert (layers["quantised"].mask == (constants["codes"].T != 3)).all()
    skipped = {each.name: each.reason for each in model.skipped}
    assert layers["scores"].layer.kind == "matmul" and "Relu" in skipped


def test_the_sizes_of_an_onnx_input(tmp_path):
    path, _ = all_kinds(tmp_path)
    said = run("evaluate", path)
    assert said.exit_code == 2 and "does not fix the size of its input x (n, 3, h, w)" in said.stderr
    assert "has no input of the size 1,4,8,8" in run("evaluate", path, "--input", "1,4,8,8").stderr
    assert "leave --model out" in run("evaluate", path, "--model", "m:f").stderr
    found = run("evaluate", path, "--input", "2,3,8,8", "-a", "dense", "-f", "json", "--per-layer")
    one = run("evaluate", path, "--input", "1,3,8,8", "-a", "dense", "-f", "json", "--per-layer")
    both, alone = (json.loads(each.stdout)["layers"][:-1] for each in (found, one))  # the last mixes samples
    assert both == alone and len(alone) == 6  # numbers of one sample


def test_sizes_that_the_graph_computes(tmp_path):
    """As converters from Paddle write a flattening: the size of a value, a part of it, and -1."""
    node = helper.make_node
    constants = {"w": kept(4, 3, 3, 3), "fc": kept(4 * 6 * 6, 5), "begin": np.array([0], np.int64)}
    constants |= {"end": np.array([1], np.int64), "rest": np.array([-1], np.int32)}
    nodes = [
        node("Conv", ["x", "w"], ["a"]),
        node("Shape", ["a"], ["sizes"]),
        node("Cast", ["sizes"], ["numbers"], to=TensorProto.INT32),
        node("Slice", ["numbers", "begin", "end"], ["first"]),
        node("Concat", ["first", "rest"], ["flat"], axis=0),
        node("Cast", ["flat"], ["wanted"], to=TensorProto.INT64),
        node("Reshape", ["a", "wanted"], ["b"]),
        node("MatMul", ["b", "fc"], ["c"]),
    ]
    path = written(tmp_path, nodes, constants, {"x": ["n", 3, "h", "w"]})
    model = crisp_hw.import_model(path, example=(1, 3, 8, 8))
    assert [each.layer.macs for each in model.layers] == [27 * 4 * 36, 144 * 5]
    assert not {"Shape", "Cast", "Slice", "Concat"} & {each.name for each in model.skipped}


@pytest.mark.parametrize("place", [1, 5])
def test_integer_convolutions_are_zero_where_their_code_of_zero_stands(place, tmp_path):
    codes = (kept(4, 2, 1, 1) > 0).astype(np.uint8) * 5 + 7
    constants = {"w": codes, "zx": np.uint8(0), "zw": np.uint8(7), "s": np.float32(1)}
    names = ["x", "w", "zx", "zw"] if place == 1 else ["x", "s", "zx", "w", "s", "zw", "s", "zx"]
    kind = "ConvInteger" if place == 1 else "QLinearConv"
    model = onnx_model([helper.make_node(kind, names, ["y"])], constants, {"x": [1, 2, 3, 3]})
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    onnx.save(model, tmp_path / "net.onnx")
    (layer,) = crisp_hw.import_model(tmp_path / "net.onnx").layers
    assert (layer.mask == (codes.reshape(4, 2) != 7)).all() and layer.layer.positions == 9


def test_what_is_no_network_in_onnx_is_said(tmp_path):
    path = written(tmp_path, [helper.make_node("Relu", ["x"], ["y"])], {}, {"x": [1, 3]})
    with pytest.raises(crisp_hw.InputError, match="no convolution and no product with a weight"):
        crisp_hw.import_model(path)
    (tmp_path / "bad.onnx").write_bytes(b"\x08\x01nothing")
    assert "is not an intact ONNX file" in run("describe", tmp_path / "bad.onnx").stderr
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    infinite = written(tmp_path, [node], {"w": np.array([[np.inf]], np.float32)}, {"x": [1, 1]})
    with pytest.raises(crisp_hw.InputError, match="not finite"):
        crisp_hw.import_model(infinite)


torch = pytest.importorskip("torch", reason="writes networks")
from torch import nn  # noqa: E402

torch.set_num_threads(1)


def zeroed():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding="same"),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 4, 2, stride=2),
        nn.Conv2d(4, 4, 3, groups=4),
        nn.Flatten(),
        nn.Linear(4 * 36, 8),
    )
    with torch.no_grad():
        for each in model.parameters():
            if each.ndim > 1:
                each.mul_(torch.rand(each.shape) < 0.5)
    return model.eval()


def as_onnx(model, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (torch.zeros(1, 3, 4, 4),), path, dynamo=False)


def as_exported(model, path):
    torch.export.save(torch.export.export(model, (torch.zeros(1, 3, 4, 4),)), path)


@pytest.mark.slow
@pytest.mark.parametrize(("writer", "name"), [(as_onnx, "net.onnx"), (as_exported, "net.pt2")])
def test_a_graph_that_pytorch_writes_is_the_model_itself(writer, name, tmp_path):
    model = zeroed()
    writer(model, tmp_path / name)
    found = {each.layer.macs: each for each in crisp_hw.import_model(tmp_path / name).layers}
    expected = crisp_hw.import_model(model, example=(1, 3, 4, 4)).layers
    for each in expected:  # names and BatchNorm's place differ, geometry and zeros do not
        there = found[each.layer.macs]
        assert (there.layer.rows, there.layer.columns) == (each.layer.rows, each.layer.columns)
        assert (there.mask == each.mask).all()
    assert run("import", tmp_path / name, "-o", tmp_path / "run.pt").exit_code == 0
    assert run("evaluate", tmp_path / "run.pt", "-a", "dense").exit_code == 0


def test_an_exported_program_is_read_as_data(tmp_path, monkeypatch):
    program = torch.export.export(nn.Linear(4, 2), (torch.zeros(1, 5, 4),))
    torch.export.save(program, tmp_path / "net.pt2")
    monkeypatch.setattr(torch, "load", None)
    (layer,) = crisp_hw.import_model(tmp_path / "net.pt2").layers
    assert (layer.layer.macs, layer.layer.tokens) == (40, 5)
    assert "leave --input out" in run("describe", tmp_path / "net.pt2", "--input", "1,5,4").stderr
    (tmp_path / "net.pt").write_bytes((tmp_path / "net.pt2").read_bytes())
    assert "is an exported program of PyTorch; name it *.pt2" in run("describe", tmp_path / "net.pt").stderr
    with zipfile.ZipFile(tmp_path / "old.pt2", "w") as archive:
        archive.writestr("serialized_exported_program.json", "{}")
    assert "no models/model.json in it" in run("describe", tmp_path / "old.pt2").stderr


def folder_of(tensors, folder, shards=1):
    from safetensors.torch import save_file

    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "unknown", "auto_map": {"AutoModel": "evil.Model"}}')
    (folder / "evil.py").write_text("raise SystemExit\n")
    if shards == 1:
        save_file(tensors, folder / "model.safetensors")
        return folder
    files = {name: f"model-{place % shards + 1:05}.safetensors" for place, name in enumerate(tensors)}
    for file in set(files.values()):
        save_file({name: value for name, value in tensors.items() if files[name] == file}, folder / file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))
    return folder


@pytest.mark.parametrize("shards", [1, 2])
def test_a_folder_of_hugging_face_is_its_weights(shards, tmp_path):
    weights = {"q.weight": torch.eye(4), "k.weight": torch.ones(2, 4)}
    folder = folder_of(weights, tmp_path / "model", shards)
    for name in (folder, f"hf:{folder}"):
        found = crisp_hw.describe(name)
        assert {each.layer.name: each.nnz for each in found} == {"q": 4, "k": 8}
    assert run("evaluate", f"hf:{folder}", "-a", "dense").exit_code == 0


def test_two_of_four_as_compressed_tensors_writes_it(tmp_path):
    """The layout of its sparse-24-bitmask compressor: kept values, a bitmask with the lowest bit first, the shape."""
    mask = np.tile([True, False, False, True, False, True, True, False], (2, 1))
    parts = {
        "q.weight.compressed": torch.ones(2, 4),
        "q.weight.bitmask": torch.from_numpy(np.packbits(mask, axis=-1, bitorder="little")),
        "q.weight.shape": torch.tensor([2, 8]),
    }
    (found,) = crisp_hw.describe(folder_of(parts, tmp_path / "model"))
    assert (found.nnz, str(found.nm)) == (8, "2:4")


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ({"weight_map": {"a": "../b.safetensors"}}, "names a file outside of its folder"),
        ({"weight_map": 3}, "has no weight_map"),
        ({"weight_map": {"a": "gone.safetensors"}}, "are missing: gone.safetensors"),
    ],
)
def test_a_folder_that_cannot_be_read(index, said, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    assert "has config.json and no weights" in run("describe", tmp_path).stderr
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert said in run("describe", tmp_path).stderr


def test_timm_without_torchvision_is_one_sentence(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    said = run("evaluate", "timm:resnet18")
    assert said.exit_code == 2 and "timm:resnet18 needs timm and torchvision" in said.stderr
