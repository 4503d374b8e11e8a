"""Weights that other tools wrote, each by its public writer: the right zeros, from shapes alone and with the model."""

import json
import warnings

import numpy as np
import pytest
from typer.testing import CliRunner

from crisp_hw.cli import app

torch = pytest.importorskip("torch", reason="writes weights")
from torch import nn  # noqa: E402 - behind the check for PyTorch
from torch.nn.utils import parametrize, prune  # noqa: E402

import crisp_hw  # noqa: E402

torch.set_num_threads(1)


def net():
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 8))


def kept_of(model):
    """The pruned model's weights are zero where these are false: half of the convolution, a quarter of the rest."""
    generator = torch.Generator().manual_seed(0)
    shares = {"0.weight": 0.5, "3.weight": 0.25}
    return {name: torch.rand(model.get_parameter(name).shape, generator=generator) < shares[name] for name in shares}


def zeroed():
    model = net()
    with torch.no_grad():
        for name, kept in kept_of(model).items():
            model.get_parameter(name).mul_(kept)
    return model


def torch_prune():
    model = net()
    for name, kept in kept_of(model).items():
        prune.custom_from_mask(model.get_submodule(name.partition(".")[0]), "weight", kept)
    return model.state_dict()


def asp():
    """What NVIDIA's ASP registers: a mask beside every weight, and the values that it took away."""
    model = net()
    for name, kept in kept_of(model).items():
        module = model.get_submodule(name.partition(".")[0])
        module.register_buffer("__weight_mma_mask", kept)
        module.register_buffer("__weight_mma_pruned_p", module.weight.detach() * ~kept)
    return model.state_dict()


def torch_ao():
    """A sparsifier of torch.ao, saved as its documentation does: model and sparsifier."""
    from torch.ao.pruning import BaseSparsifier

    class Given(BaseSparsifier):
        def update_mask(self, module, tensor_name, **kwargs):
            parametrization = module.parametrizations[tensor_name][0]
            name = {module: fqn for fqn, module in model.named_modules()}[module]
            parametrization.mask.copy_(masks[f"{name}.weight"])

    model = net()
    masks = kept_of(model)
    sparsifier = Given(defaults={})
    sparsifier.prepare(model, [{"tensor_fqn": name} for name in masks])
    sparsifier.step()
    return {"model": model.state_dict(), "sparsifier": {"state": dict(sparsifier.state)}}


def squashed():
    model = zeroed()
    parametrize.register_parametrization(model[3], "weight", nn.Identity())
    parametrize.remove_parametrizations(model[3], "weight")
    return model.state_dict()


def lightning():
    """The layout of LightningModule's checkpoints, whose network is an attribute `model`."""
    wrapper = nn.Module()
    wrapper.model = zeroed()
    return {"epoch": 3, "pytorch-lightning_version": "2.5.0", "state_dict": wrapper.state_dict(), "callbacks": {}}


def averaged():
    average = torch.optim.swa_utils.AveragedModel(net())
    return {"model": zeroed().state_dict(), "model_ema": average.state_dict()}


def quantised():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(zeroed().eval(), {nn.Linear}).state_dict()


def sparse():
    return {name: value.to_sparse() if value.ndim == 2 else value for name, value in zeroed().state_dict().items()}


WRITERS = {
    "state dict": (lambda: zeroed().state_dict(), "weights.pth"),
    "torch.nn.utils.prune": (torch_prune, "weights.bin"),
    "ASP": (asp, "weights.pt"),
    "torch.ao sparsifier": (torch_ao, "weights.pt"),
    "removed parametrization": (squashed, "weights.pt"),
    "Lightning": (lightning, "weights.ckpt"),
    "DataParallel": (lambda: nn.DataParallel(zeroed()).state_dict(), "weights.pt"),
    "torch.compile": (lambda: torch.compile(zeroed()).state_dict(), "weights.pt"),
    "averaged beside it": (averaged, "weights.pt"),
    "averaged alone": (lambda: torch.optim.swa_utils.AveragedModel(zeroed()).state_dict(), "weights.pt"),
    "quantised": (quantised, "weights.pt"),
    "torch.sparse": (sparse, "weights.pt"),
    "safetensors": (lambda: zeroed().state_dict(), "weights.safetensors"),
}


def write(kind, folder):
    writer, name = WRITERS[kind]
    if name.endswith(".safetensors"):
        from safetensors.torch import save_file

        save_file(writer(), folder / name)
    else:
        torch.save(writer(), folder / name)
    return folder / name


def view(kept):
    return np.moveaxis(kept.numpy(), 1, -1).reshape(len(kept), -1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", WRITERS)
def test_the_zeros_are_right(kind, tmp_path):
    masks = kept_of(net())
    path = write(kind, tmp_path)
    lost = 1 / 256 if kind == "quantised" else 0  # small weights may become the code of zero
    for found in (crisp_hw.import_model(path, model=net(), example=(1, 3, 4, 4)), alone(path)):
        assert [each.layer.name for each in found] if isinstance(found, list) else found.layers
        layers = {each.layer.name: each.mask for each in (found if isinstance(found, list) else found.layers)}
        for name in ("0", "3"):
            wrong = layers[name] != view(masks[f"{name}.weight"])
            assert wrong.mean() <= lost and not (layers[name] & ~view(masks[f"{name}.weight"])).any(), (kind, name)


def alone(path):
    from crisp_hw.sources import ModelFile
    from crisp_hw.sources.foreign import read_model_file

    layers = list(read_model_file(ModelFile(path)).model.layers)
    for each in layers:  # Lightning's prefix is only known to be one beside a model
        object.__setattr__(each.layer, "name", each.layer.name.removeprefix("model."))
    return layers


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words], prog_name="crisp-hw")


@pytest.fixture
def factory(tmp_path, monkeypatch):
    (tmp_path / "own_network.py").write_text(
        "from torch import nn\n\n\ndef make():\n"
        "    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 8))\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return ("--model", "own_network:make", "--input", "1,3,4,4")


def test_from_a_checkpoint_to_a_table_and_to_a_file_of_ours(factory, tmp_path):
    path = write("Lightning", tmp_path)
    evaluated = run("evaluate", path, *factory, "-a", "dstc", "-f", "json", "--per-layer")
    assert evaluated.exit_code == 0, evaluated.stderr
    assert [row["layer"] for row in json.loads(evaluated.stdout)["layers"]] == ["0", "3"]
    assert run("import", path, *factory, "-o", "run.pt").exit_code == 0
    again = run("evaluate", "run.pt", "-a", "dstc", "-f", "json", "--per-layer")
    assert json.loads(again.stdout)["layers"] == json.loads(evaluated.stdout)["layers"]
    assert crisp_hw.load_pruned("run.pt").layers[0].layer.input_size == (4, 4)


def test_without_the_model_linear_layers_are_taken_on_one_vector_and_convolutions_left_out(tmp_path):
    path = write("state dict", tmp_path)
    found = json.loads(run("evaluate", path, "-a", "dense", "-f", "json", "--per-layer").stdout)
    assert [row["layer"] for row in found["layers"]] == ["3"]
    assert any("weights alone" in note["text"] for note in found["assumptions"])
    assert any(each["name"] == "0" and "size" in each["reason"] for each in found["skipped"])
    refused = run("import", path, "-o", tmp_path / "run.pt")
    assert refused.exit_code == 2 and "the sizes of 0 are not known" in refused.stderr
    torch.save({"a.weight": torch.ones(4, 4, 3, 3)}, tmp_path / "one.pt")
    refused = run("evaluate", tmp_path / "one.pt")
    assert refused.exit_code == 2 and "--model package.module:factory --input 1,3,224,224" in refused.stderr
    assert run("describe", tmp_path / "one.pt").exit_code == 0


def test_a_model_in_memory():
    model = zeroed()
    example = torch.zeros(1, 3, 4, 4)
    first = crisp_hw.evaluate(model, example, arch="dense", cache=False)
    assert first == crisp_hw.evaluate(model, example=(1, 3, 4, 4), arch=["dense"], cache=False)
    assert [row.layer for row in first] == ["0", "3"]
    workload = crisp_hw.Workload.from_torch(model, example)
    assert [layer.name for layer in workload.layers] == ["0", "3"]
    with pytest.raises(crisp_hw.InputError, match="arch is given twice"):
        crisp_hw.evaluate("resnet50", "stc", arch="dense")
    with pytest.raises(crisp_hw.InputError, match="give an example input, too"):
        crisp_hw.evaluate(model)


BAD = {
    "two networks": (lambda m: {f"{name}.{k}": v for name in "gd" for k, v in m.items()}, "each fits the model"),
    "no mask": (lambda m: {**m, "3.parametrizations.weight.original": m["3.weight"]}, "'3.weight' is parametrized"),
    "codes": (lambda m: {**m, "3.qweight": torch.ones(2, 2, dtype=torch.int32)}, "codes of several weights in one"),
    "bitmask": (lambda m: {**m, "3.bitmask": torch.ones(2, 2, dtype=torch.uint8)}, "parts do not fit each other"),
    "a mask of another size": (
        lambda m: {**m, "3.weight_orig": m["3.weight"], "3.weight_mask": torch.ones(8, 5)},
        r"the mask of '3.weight' is \[8, 5\], and the weight \[8, 128\]",
    ),
    "a mask of ASP": (lambda m: {**m, "3.__weight_mma_mask": torch.ones(5)}, r"the mask of '3.weight' is \[5\]"),
    "a mask that is not there": (
        lambda m: {"0.weight": m["0.weight"], "3.weight_orig": m["3.weight"]},
        "'3.weight_orig' is a weight before pruning, and '3.weight_mask' is not in the file",
    ),
    "scores for a mask": (
        lambda m: {"0.weight": m["0.weight"], "3.weight_orig": m["3.weight"], "3.weight_mask": torch.rand(8, 128)},
        "the mask of '3.weight' holds more than two values, as scores do",
    ),
    "a mask that nothing reads": (
        lambda m: {**m, "3.mask": torch.eye(8, 128)},
        "'3.mask' has zeros where '3.weight' has none, and which of them the network uses is not known",
    ),
    "scores that nothing reads": (
        lambda m: {**m, "mask_scores.3.weight": torch.rand(8, 128)},
        "'mask_scores.3.weight' holds more than two values, as scores do",
    ),
    "another model": (lambda m: {"5.weight": m["0.weight"]}, "no weight '0.weight' for layer '0'"),
}


@pytest.mark.parametrize("name", ["3.mask", "masks.3.weight", "3.weight_mask", "attention_mask", "3.mask.bias"])
def test_a_mask_aside_that_agrees_changes_nothing(name, tmp_path):
    weights = zeroed().state_dict()
    mask = (weights["3.weight"] != 0).float() * 255 if "3" in name and "bias" not in name else torch.eye(4)
    torch.save({**weights, name: mask}, tmp_path / "w.pt")
    found = crisp_hw.import_model(tmp_path / "w.pt", model=net(), example=(1, 3, 4, 4))
    assert found.layers[1].mask.sum() == (weights["3.weight"] != 0).sum()


def test_spectral_norm_keeps_the_zeros(tmp_path):
    from torch.nn.utils import spectral_norm

    model = zeroed()
    spectral_norm(model[3])
    weights = model.state_dict()
    assert "3.weight_orig" in weights and "3.weight_u" in weights
    torch.save(weights, tmp_path / "w.pt")
    found = crisp_hw.import_model(tmp_path / "w.pt", model=net(), example=(1, 3, 4, 4))
    assert found.layers[1].mask.sum() == (weights["3.weight_orig"] != 0).sum()


def test_a_damaged_file_is_not_said_to_hold_sizes(tmp_path):
    (tmp_path / "w.pt").write_bytes(b"garbage")
    refused = run("evaluate", tmp_path / "w.pt", "--model", "m:f", "--input", "1,3")
    assert refused.exit_code == 2 and "is not an intact pruned-model file" in " ".join(refused.stderr.split())


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_read_is_said(kind, tmp_path):
    change, said = BAD[kind]
    torch.save(change(zeroed().state_dict()), tmp_path / "bad.pt")
    with pytest.raises(crisp_hw.InputError, match=said):
        crisp_hw.import_model(tmp_path / "bad.pt", model=net(), example=(1, 3, 4, 4))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "m:f"], "a model does not tell the size of its inputs"),
        (["--input", "1,3"], "an example input needs its model"),
        (["--nm", "2:4"], "--nm: only for a layer table"),
    ],
)
def test_options_without_effect_are_refused(words, said, tmp_path):
    refused = run("evaluate", write("state dict", tmp_path), *words)
    assert refused.exit_code == 2 and said in refused.stderr
    assert "only for weights of another tool" in run("evaluate", "resnet50", "--model", "m:f").stderr


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float8_e4m3fn, torch.float8_e5m2])
@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_narrow_floats_have_their_zeros_and_scales_are_no_layers(kind, name, tmp_path):
    from safetensors.torch import save_file

    weights = {"q.weight": torch.tensor([[1.0, 0, 0, 2]] * 4).to(kind), "q.weight_scale_inv": torch.ones(2, 2)}
    weights["gone.weight"] = torch.empty(0, 4)
    (save_file if name.endswith("safetensors") else torch.save)(weights, tmp_path / name)
    (found,) = crisp_hw.describe(tmp_path / name)
    assert (found.layer.name, found.nnz, str(found.nm)) == ("q", 8, "2:4")


OTHERS = {
    "pointer.safetensors": (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"),
    "pointer.onnx": (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"),
    "packed.bin": (b"GGUF\x03\0\0\0", "is a GGUF file, whose weights are packed in blocks"),
    "keras.ckpt": (b"\x89HDF\r\n\x1a\n" + bytes(64), "is an HDF5 file, as Keras writes it"),
    "packed.gguf": (b"GGUF\x03\0\0\0", "give the folder of Hugging Face that it was converted from"),
    "arrays.npz": (b"PK", "arrays alone do not say what the layers are"),
    "keras.h5": (b"\x89HDF", "files of TensorFlow and Keras are not read"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_files_of_other_kinds_are_refused_by_what_they_are(name, tmp_path):
    content, said = OTHERS[name]
    (tmp_path / name).write_bytes(content)
    refused = run("evaluate", tmp_path / name)
    assert refused.exit_code == 2 and said in " ".join(refused.stderr.split())


def test_folders_that_lack_what_they_name(tmp_path):
    from safetensors.torch import save_file

    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "tf_model.h5").write_bytes(b"\x89HDF")
    assert "but those of another library in tf_model.h5" in run("describe", tmp_path).stderr
    files = {f"{name}.weight": f"model-{name}.safetensors" for name in "ab"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}))
    save_file({"a.weight": torch.eye(4)}, tmp_path / "model-a.safetensors")
    assert "names 2 files of weights, and 1 of them are missing: model-b" in run("describe", tmp_path).stderr
    (tmp_path / "model-b.safetensors").write_bytes(OTHERS["pointer.onnx"][0])
    assert "model-b.safetensors: is a pointer of Git LFS" in run("describe", tmp_path).stderr
    (tmp_path / "graph").mkdir()
    (tmp_path / "graph" / "saved_model.pb").write_bytes(b"x")
    assert "files of TensorFlow and Keras are not read" in run("describe", tmp_path / "graph").stderr
