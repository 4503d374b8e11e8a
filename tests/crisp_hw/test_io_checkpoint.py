"""Checkpoints of other tools: plain weights come in, wrapped or not; code and damage do not."""

import pickle

import pytest
import safetensors.torch
import torch

from crisp_hw.errors import InputError
from crisp_hw.io import load_checkpoint

torch.set_num_threads(1)

WEIGHTS = {"fc.weight": torch.tensor([[0.0, 1.5], [2.0, 0.0]]), "fc.bias": torch.zeros(2, dtype=torch.bfloat16)}


def check(loaded):
    assert sorted(loaded) == sorted(WEIGHTS)
    assert all(torch.equal(loaded[key], WEIGHTS[key]) for key in WEIGHTS)


@pytest.mark.parametrize("key", [None, "state_dict", "model_state_dict", "model", "module", "weights"])
def test_wrappers(tmp_path, key):
    torch.save(WEIGHTS if key is None else {key: WEIGHTS, "epoch": 3}, tmp_path / "a.pth")
    check(load_checkpoint(tmp_path / "a.pth"))


def test_data_parallel_prefix_and_legacy_format(tmp_path):
    prefixed = {f"module.{key}": value for key, value in WEIGHTS.items()}
    torch.save(prefixed, tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    check(load_checkpoint(tmp_path / "a.pt"))


def test_prefix_stays_when_only_some_names_carry_it(tmp_path):
    torch.save({"module.a": torch.ones(1), "b": torch.ones(1)}, tmp_path / "a.pt")
    assert sorted(load_checkpoint(tmp_path / "a.pt")) == ["b", "module.a"]


def test_safetensors(tmp_path):
    safetensors.torch.save_file(WEIGHTS, tmp_path / "a.safetensors")
    check(load_checkpoint(tmp_path / "a.safetensors"))


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_code_never_runs(tmp_path):
    proof = tmp_path / "proof"
    torch.save({"a": Bomb(proof)}, tmp_path / "a.pt")
    (tmp_path / "b.pt").write_bytes(pickle.dumps(Bomb(proof)))
    torch.save(torch.nn.Linear(2, 2), tmp_path / "c.pt")
    for name in "abc":
        with pytest.raises(InputError, match="cannot be read as plain weights"):
            load_checkpoint(tmp_path / f"{name}.pt")
    assert not proof.exists()


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, [torch.ones(2)], {1: torch.ones(2)}, {"state_dict": {"a": 1}}])
def test_no_weights_in_it(tmp_path, content):
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(InputError, match="holds no map from names to tensors"):
        load_checkpoint(tmp_path / "a.pt")


def test_missing_folder_text(tmp_path):
    (tmp_path / "text.pt").write_text("hello")
    (tmp_path / "text.safetensors").write_text("hello")
    cases = {"none.pt": "no such file", ".": "not a regular file", "text.pt": "plain", "text.safetensors": "plain"}
    for name, message in cases.items():
        with pytest.raises(InputError, match=message):
            load_checkpoint(tmp_path / name)


def test_truncated(tmp_path):
    torch.save(WEIGHTS, tmp_path / "a.pt")
    safetensors.torch.save_file(WEIGHTS, tmp_path / "a.safetensors")
    for name in ("a.pt", "a.safetensors"):
        whole = (tmp_path / name).read_bytes()
        for cut in range(0, len(whole) - 1, max(1, len(whole) // 40)):
            (tmp_path / name).write_bytes(whole[:cut])
            with pytest.raises(InputError):
                load_checkpoint(tmp_path / name)
