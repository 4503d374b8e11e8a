"""What save_pruned writes is, bit by bit, what the format says, and a bad model never replaces a good file."""

import hashlib
import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from safetensors import safe_open

from crisp_hw import pruned_file
from crisp_hw.errors import InputError
from crisp_hw.io import load_pruned, schema
from crisp_hw.pruned_file import save_pruned
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer, Skipped
from crisp_hw.spec.patterns import NM

torch.set_num_threads(1)

CONV = Layer("stem.0", "conv2d", 6, 4, (3, 3), (2, 1), (1, 0), (1, 2), 2, (8, 9))
MASK = np.random.default_rng(7).random((5, 7)) < 0.5


def model(**changes):
    layers = (
        PrunedLayer(CONV, "dense"),
        PrunedLayer(Layer("fc", "linear", 5, 7, tokens=3), "hybrid", MASK, NM(2, 4), 4),
        PrunedLayer(Layer("head", "linear", 2, 4), "nm", np.ones((2, 4), bool), NM(4, 4)),
    )
    content = {"name": "tiny", "layers": layers, "classes": (3, 1), "provenance": {"seed": 1, "top1": 0.5, "of": ["a"]}}
    return PrunedModel(**(content | {"skipped": (Skipped("relu", "activation"),)} | changes))


def same(a, b):
    """Equality of models, masks included (arrays have no truth value)."""
    plain = lambda m: [(p.layer, p.role, p.nm, p.block) for p in m.layers]  # noqa: E731
    masks = zip(a.layers, b.layers, strict=True)
    return (
        (a.name, a.classes, a.skipped, a.provenance, plain(a)) == (b.name, b.classes, b.skipped, b.provenance, plain(b))
    ) and all(np.array_equal(x.mask, y.mask) if x.mask is not None else y.mask is None for x, y in masks)


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_round_trip(tmp_path, suffix):
    path = tmp_path / f"run.{suffix}"
    save_pruned(path, model())
    assert same(load_pruned(path), model())
    assert load_pruned(path).layers[1].mask.dtype == np.bool_


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_same_model_same_bytes(tmp_path, suffix):
    paths = [tmp_path / f"{i}.{suffix}" for i in range(6)]
    for path in paths:
        save_pruned(path, model())
    assert len({path.read_bytes() for path in paths}) == 1


def test_pt_holds_what_the_format_says(tmp_path):
    save_pruned(tmp_path / "run.pt", model())
    content = torch.load(tmp_path / "run.pt", weights_only=True)
    assert sorted(content) == ["checksum", "header", "masks", "schema", "version"]
    assert (content["schema"], content["version"]) == ("crisp-hw/pruned-model", "1")
    assert list(content["masks"]) == ["fc.mask", "head.mask"]
    bits = "".join(f"{byte:08b}" for byte in content["masks"]["fc.mask"].tolist())
    assert bits == "".join("01"[int(kept)] for row in MASK for kept in row).ljust(40, "0")
    masks = b"".join(bytes(tensor.tolist()) for tensor in content["masks"].values())
    assert content["checksum"] == hashlib.sha256(content["header"].encode() + masks).hexdigest()
    entry = json.loads(content["header"])["layers"][1]
    assert entry["pattern"] == {"nm": [2, 4], "block": 4, "axis": "S x (kh,kw,C)"}
    assert entry["geometry"]["tokens"] == 3


def test_safetensors_holds_the_same(tmp_path):
    for suffix in ("pt", "safetensors"):
        save_pruned(tmp_path / f"run.{suffix}", model())
    content = torch.load(tmp_path / "run.pt", weights_only=True)
    masks = content.pop("masks")
    with safe_open(tmp_path / "run.safetensors", framework="numpy") as archive:
        assert json.loads(archive.metadata()["crisp-hw"]) == content
        assert {key: archive.get_tensor(key).tolist() for key in archive.keys()} == {  # noqa: SIM118
            key: tensor.tolist() for key, tensor in masks.items()
        }


def test_writer_and_reader_name_the_same_schema():
    assert (pruned_file.SCHEMA, pruned_file.VERSION, pruned_file.AXIS) == (schema.SCHEMA, schema.VERSION, schema.AXIS)
    assert set(asdict(CONV)) == set(schema.Geometry.model_fields)


FC = Layer("fc", "linear", 5, 7)
BAD = {
    "no_suffix": ("run", {}, "cannot write a pruned model as ''"),
    "other_suffix": ("run.onnx", {}, "name it .pt or .safetensors"),
    "transposed": ("run.pt", {"layers": (PrunedLayer(FC, "nm", MASK.T),)}, r"'fc' needs a mask of bool\[5, 7\]"),
    "not_bool": ("run.pt", {"layers": (PrunedLayer(FC, "nm", MASK.astype(int)),)}, "not int64"),
    "twice": ("run.pt", {"layers": (PrunedLayer(FC, "dense"),) * 2}, "two layers are named 'fc'"),
    "nan": ("run.pt", {"provenance": {"loss": float("nan")}}, "cannot be written as JSON"),
    "object": ("run.pt", {"provenance": {"loss": object()}}, "cannot be written as JSON"),
    "dense_with_mask": ("run.pt", {"layers": (PrunedLayer(FC, "dense", MASK),)}, "'fc' has role dense but mask: yes"),
    "hybrid_without": ("run.pt", {"layers": (PrunedLayer(FC, "hybrid"),)}, "'fc' has role hybrid but mask: no"),
    "nm_with_blocks": ("run.pt", {"layers": (PrunedLayer(FC, "nm", MASK, None, 4),)}, "block: yes"),
    "no_folder": ("missing/run.pt", {}, "cannot be written"),
}


@pytest.mark.parametrize("case", BAD)
def test_refusals_leave_nothing_behind(tmp_path, case):
    name, changes, message = BAD[case]
    with pytest.raises(InputError, match=message):
        save_pruned(tmp_path / name, model(**changes))
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    save_pruned(path, model())
    before = path.read_bytes()

    def full(part, content):
        part.open("wb").write(content[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(InputError, match="No space left on device"):
        save_pruned(path, model(name="other"))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.pt"]


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    save_pruned(path, model())
    before = path.read_bytes()

    def look(part, target):
        assert target.read_bytes() == before and part.parent.parent == target.parent
        assert torch.load(part, weights_only=True)["header"].startswith('{"name": "other"')
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("pathlib.Path.replace", look)
    with pytest.raises(InputError, match="Input/output error"):
        save_pruned(path, model(name="other"))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.pt"]
