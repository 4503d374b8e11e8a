"""What kind of numbers a foreign weight is kept as, and where it stands in its file: right zeros, or one sentence."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="writes weights")
from torch import nn  # noqa: E402 - behind the check for PyTorch

import crisp_hw  # noqa: E402

WEIGHT = torch.tensor([[1.0, 0, -2, 0], [0, 3, 0, 0], [0, 0, 5, 4]])
KEPT = (WEIGHT != 0).tolist()


def save(path, content):
    from safetensors.torch import save_file

    (save_file if path.suffix == ".safetensors" else torch.save)(content, path)
    return path


def masks(found):
    return {each.layer.name: each.mask.tolist() for each in found.layers}


def read(path):
    from crisp_hw.sources import ModelFile
    from crisp_hw.sources.foreign import read_model_file

    return read_model_file(ModelFile(path))


def layer():
    return nn.Sequential(nn.Linear(4, 3, bias=False))


def as_graph(folder, weight, suffix):
    """A product with a weight, as an exported program or as ONNX."""
    model = layer().to(weight.dtype)
    model[0].weight = nn.Parameter(weight.clone(), requires_grad=False)
    path = folder / f"net{suffix}"
    if suffix == ".pt2":
        torch.export.save(torch.export.export(model, (torch.zeros(1, 4, dtype=weight.dtype),)), path)
        return path
    from onnx import TensorProto, helper, numpy_helper, save

    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])
    stored = numpy_helper.from_array(np.ascontiguousarray(weight.T.numpy()), "w")
    graph = helper.make_graph([node], "net", [given], [helper.make_empty_tensor_value_info("y")], initializer=[stored])
    save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


@pytest.mark.parametrize("kind", ["float64", "float16", "bfloat16", "bool", "int8", "int32"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_numbers_whose_zero_is_zero(kind, suffix, tmp_path):
    found = read(save(tmp_path / f"w{suffix}", {"fc.weight": WEIGHT.to(getattr(torch, kind))})).model
    assert masks(found) == {"fc": KEPT}


REFUSED = {
    "complex64": "holds complex numbers, and a product of two takes three or four of real ones",
    "complex128": "holds complex numbers",
    "uint8": r"holds codes \(uint8\), and nothing beside it tells which code is zero",
    "uint16": r"holds codes \(uint16\)",
}
NOT_WRITTEN = ("complex128", ".safetensors")  # safetensors has no such type


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [(kind, suffix) for kind in REFUSED for suffix in (".pth", ".safetensors") if (kind, suffix) != NOT_WRITTEN],
)
def test_numbers_that_are_no_weights_of_real_layers(kind, suffix, tmp_path):
    weight = WEIGHT.abs().to(getattr(torch, kind))
    path = save(tmp_path / f"w{suffix}", {"0.weight": weight})
    for refused in (
        lambda: crisp_hw.describe(path),
        lambda: crisp_hw.import_model(path, model=layer(), example=(1, 4)),
    ):
        with pytest.raises(crisp_hw.InputError, match=REFUSED[kind]):
            refused()


@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
def test_complex_numbers_in_a_graph(suffix, tmp_path):
    if suffix == ".onnx":
        pytest.importorskip("onnx", reason="writes ONNX")
    with pytest.raises(crisp_hw.InputError, match="holds complex numbers"):
        crisp_hw.describe(as_graph(tmp_path, WEIGHT.to(torch.complex64), suffix))


def test_complex_numbers_in_a_module():
    model = layer().to(torch.complex64)
    example = torch.zeros(1, 4, dtype=torch.complex64)
    for refused in (
        lambda: crisp_hw.evaluate(model, example, arch="dense", cache=False),
        lambda: crisp_hw.Workload.from_torch(model, example),
    ):
        with pytest.raises(crisp_hw.InputError, match="complex numbers"):
            refused()


class Spectral(nn.Module):
    """A product of a spectrum with itself, beside a real layer."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        spectrum = torch.fft.fft(self.fc(x))
        return (spectrum @ spectrum.mT).real


def test_a_product_of_complex_activations():
    found = crisp_hw.Workload.from_torch(Spectral(), torch.zeros(1, 3, 4))
    said = {each.name: each.reason for each in found.skipped}
    assert "products of complex numbers, each counted as one" in said["product"]
    assert [layer.macs for layer in found.layers] == [48, 36]


def test_sizes_without_numbers(tmp_path):
    with pytest.raises(crisp_hw.InputError, match="has a size and no numbers"):
        crisp_hw.describe(save(tmp_path / "w.pth", {"fc.weight": torch.empty(2, 4, device="meta")}))


@pytest.mark.parametrize(
    "zero", [torch.tensor(3), torch.tensor([3, 3, 3]), torch.full((3, 1), 3), torch.full((3, 2), 3)]
)
def test_the_code_of_zero_beside_a_weight(zero, tmp_path):
    codes = (WEIGHT + 3).to(torch.int8)
    content = {"fc.weight": codes, "fc.weight_scale": torch.ones(3, 1), "fc.weight_zero_point": zero.to(torch.int8)}
    assert masks(read(save(tmp_path / "w.safetensors", content)).model) == {"fc": KEPT}
    content["fc.weight_zero_point"] = torch.ones(5, 3, dtype=torch.int8)
    with pytest.raises(crisp_hw.InputError, match=r"'fc.weight_zero_point' is \[5, 3\], which does not fit"):
        crisp_hw.describe(save(tmp_path / "w.safetensors", content))


@pytest.mark.parametrize("name", ["fc.weight._data", "fc.weight:qdata", "weight.absmax"])
def test_a_weight_in_pieces(name, tmp_path):
    with pytest.raises(crisp_hw.InputError, match="is a piece of a weight"):
        crisp_hw.describe(save(tmp_path / "w.safetensors", {name: WEIGHT.to(torch.int8), "b.weight": WEIGHT}))


def test_tensors_of_other_names_are_named():
    found = crisp_hw.extract.describe_weights(
        {"fc.weight": WEIGHT, "experts.gate": torch.ones(2, 4, 4), "fc.bias": torch.ones(3)}, "net"
    )
    assert [(each.name, each.reason) for each in found.skipped] == [
        ("experts.gate", "no weight by its name; only its model tells what is done with it")
    ]


WRAPPED = {
    "numbers beside it": {"epoch": torch.tensor(3), "scaler": torch.ones(2, 2), "state_dict": {"fc.weight": WEIGHT}},
    "a second network": {"model": {"fc.weight": WEIGHT}, "net": {"fc.weight": torch.ones(3, 4)}},
    "averaged": {"state_dict": {"fc.weight": WEIGHT}, "current_model_state": {"fc.weight": torch.ones(3, 4)}},
}
SAID = {"a second network": "its weights under net are left aside", "averaged": "are averaged over training"}


@pytest.mark.parametrize("kind", WRAPPED)
def test_what_stands_beside_the_weights(kind, tmp_path):
    found = read(save(tmp_path / "w.ckpt", WRAPPED[kind]))
    assert masks(found.model) == {"fc": KEPT} and SAID.get(kind, "the weights are those") in " ".join(found.notes)


def sharded(folder, files, index):
    (folder / "config.json").write_text('{"model_type": "own"}')
    for name, content in files.items():
        save(folder / name, content)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    return folder


def test_an_index_says_which_file_has_a_weight(tmp_path):
    one, two = "1.safetensors", "2.safetensors"
    files = {one: {"a.weight": WEIGHT, "old.weight": torch.ones(3, 4)}, two: {"a.weight": torch.ones(3, 4)}}
    files[two]["b.weight"] = WEIGHT.clone()
    found = read(sharded(tmp_path, files, {"a.weight": one, "b.weight": two}))
    assert masks(found.model) == {"a": KEPT, "b": KEPT}
    assert "2 tensors of the files that the index does not name left aside" in found.notes
    assert any("layers follow from the configuration of bert" in note and "is own" in note for note in found.notes)
    lost = sharded(tmp_path, files, {"a.weight": one, "b.weight": two, "c.weight": two})
    with pytest.raises(crisp_hw.InputError, match=r"names 3 tensors, and 1 of them are not in their files: c\.weight"):
        crisp_hw.describe(lost)
