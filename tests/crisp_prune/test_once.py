"""N:M in one shot from the command line: files, masks, what the inputs say, and refusals."""

import json
import sys

import pytest
import torch

from crisp_hw import load_pruned
from crisp_hw.schemas import pruning
from crisp_prune.cli.start import run

pytestmark = pytest.mark.train

torch.set_num_threads(1)

NETS = """
import torch
from torch import nn


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(16, 12), nn.Linear(12, 8)

    def forward(self, x):
        return self.second(torch.sigmoid(self.first(x)))


def net():
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.Flatten(), nn.Linear(32, 5))


def signals():
    return nn.Sequential(nn.Conv1d(1, 4, 3), nn.Conv1d(4, 8, 3, stride=2, padding=1), nn.Flatten(), nn.Linear(24, 5))


def pairs():
    return [(torch.rand(1, 6, 6), 0) for _ in range(20)]


def waves():
    return [torch.rand(1, 8) for _ in range(20)]


class Dead(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(16, 12), nn.Linear(12, 8)
        nn.init.constant_(self.first.bias[:6].data, -100)

    def forward(self, x):
        return self.second(torch.relu(self.first(x)))


def named():
    return [{"x": torch.rand(16)} for _ in range(20)]


def threes():
    return [(torch.rand(3), 0, 1) for _ in range(20)]
"""


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run the command in a folder with models and data; its exit code and what it printed."""
    (tmp_path / "nets_for_once.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def called(*words):
        monkeypatch.setattr(sys, "argv", ["crisp-prune", "one-shot", *words])
        with pytest.raises(SystemExit) as ended:
            run()
        return ended.value.code or 0, capsys.readouterr()

    yield called
    sys.modules.pop("nets_for_once", None)


@pytest.mark.parametrize("rule", ["magnitude", "wanda", "sparsegpt"])
@pytest.mark.parametrize(
    ("net", "data", "layers"),
    [("net", "pairs", ["2", "4"]), ("signals", "waves", ["1", "3"]), ("Named", "named", ["first", "second"])],
)
def test_files_hold_the_masks_of_the_weights(call, net, data, layers, rule):
    asked = ("--model", f"nets_for_once:{net}", "--data", f"nets_for_once:{data}", "--out", "made.pt")
    code, told = call(*asked, "--rule", rule, "--samples", "8", "-f", "json")
    assert (code, told.err) == (0, "wrote made.pt and made-weights.pt\n")
    printed = pruning.OneShot.model_validate(json.loads(told.out))
    assert [layer.layer for layer in printed.layers] == layers
    assert all(layer.sparsity == 0.5 and 0 < layer.error < 1 for layer in printed.layers)
    assert [(each.name, each.reason) for each in printed.dense] == [("0", "first convolution")][: net != "Named"]
    weights = torch.load("made-weights.pt", weights_only=True)
    masks = {layer.layer.name: layer.mask for layer in load_pruned("made.pt").layers if layer.mask is not None}
    assert list(masks) == layers
    for name, mask in masks.items():
        weight = weights[f"{name}.weight"]
        matrix = weight.movedim(1, -1).reshape(len(weight), -1)
        assert (matrix != 0).tolist() == mask.tolist() and mask.mean() == 0.5


def test_weights_that_are_zero_for_want_of_inputs_are_not_in_the_mask(call):
    """SparseGPT gives weights whose inputs are always 0 up; the mask kept them, as many as N:M lets."""
    asked = ("--model", "nets_for_once:Dead", "--data", "nets_for_once:named", "--out", "made.pt")
    assert call(*asked, "--rule", "sparsegpt")[0] == 0
    weight = torch.load("made-weights.pt", weights_only=True)["second.weight"]
    [mask] = [layer.mask for layer in load_pruned("made.pt").layers if layer.layer.name == "second"]
    assert (weight[:, :6] == 0).all() and mask.tolist() == (weight != 0).tolist()


def test_the_samples_that_are_named_are_those_that_calibrated(call):
    """More were asked for than the data has."""
    code, told = call("--model", "nets_for_once:net", "--data", "nets_for_once:pairs", "--out", "made.pt")
    assert code == 0 and "2 layers to 2:4 by wanda; 20 samples calibrate" in told.out
    assert "stays dense:\n  - 0: first convolution" in told.out
    assert load_pruned("made.pt").provenance["one_shot"]["samples"] == 20


def test_rules_and_data_that_do_not_fit_are_refused(call):
    asked = ("--model", "nets_for_once:net", "--out", "made.pt")
    code, told = call(*asked, "--data", "nets_for_once:pairs", "--rule", "best")
    assert code == 2 and "magnitude, wanda" in told.err
    code, told = call(*asked, "--data", "nets_for_once:threes")
    assert code == 2 and "give inputs, or pairs with labels" in told.err
