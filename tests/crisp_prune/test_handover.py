"""What the pruned-model file is given: geometry, masks, notes and what was left out."""

import pytest
import torch
from torch import nn

from crisp_hw.errors import InputError
from crisp_hw.spec.patterns import NM
from crisp_prune import Crisp, CrispConfig

torch.set_num_threads(1)


class Twice(nn.Module):
    """A shared layer, tokens, a grouped convolution, a layer that is never called."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, (3, 5), stride=(2, 1), padding="valid", dilation=(1, 2))
        self.group = nn.Conv2d(8, 8, 3, padding="same", groups=4)
        self.shared = nn.Linear(8, 8)
        self.never = nn.Linear(8, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.table = nn.Embedding(4, 8)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        tokens = self.group(self.stem(x)).flatten(2).transpose(1, 2)
        tokens = self.shared(self.shared(tokens))
        tokens = tokens + self.attention(tokens, tokens, tokens)[0]
        return self.head(tokens.mean(1))


def test_hand_over_has_geometry_masks_notes_and_skipped(tmp_path):
    config = CrispConfig(sparsity=0.5, block=8, criterion="magnitude", classes=(1, 0))
    pruner = Crisp(Twice(), config, sample=torch.zeros(2, 3, 9, 12))
    pruner.step()
    exported = pruner.export("twice", {"top1_after": 0.5})
    layers = {layer.layer.name: layer for layer in exported.layers}
    assert list(layers) == [
        "stem", "group", "shared", "shared@2", "attention.in_proj", "attention.out_proj", "head",
    ]  # fmt: skip
    stem, group = layers["stem"].layer, layers["group"].layer
    with torch.no_grad():
        output = pruner.model.stem(torch.zeros(2, 3, 9, 12))
    assert stem.output_size == tuple(output.shape[2:]) == group.input_size == group.output_size
    assert (stem.kernel, stem.stride, stem.padding, stem.dilation) == ((3, 5), (2, 1), (0, 0), (1, 2))
    assert (group.groups, group.columns, layers["group"].role, layers["group"].mask) == (4, 18, "dense", None)
    tokens = output.shape[2] * output.shape[3]
    assert layers["attention.in_proj"].layer.tokens == tokens and layers["head"].layer.tokens == 1
    assert layers["attention.in_proj"].layer.rows == 24
    assert layers["shared"].nm == NM(2, 4) and layers["shared"].block == 8
    assert (layers["shared"].mask == layers["shared@2"].mask).all() and layers["shared"].mask.shape == (8, 8)
    assert layers["head"].role == "nm" and layers["head"].block is None
    assert exported.classes == (1, 0)
    assert {skipped.name for skipped in exported.skipped} == {"never", "table.weight", "attention"}
    assert any(note.startswith("shared: called 2 times") for note in exported.provenance["notes"])
    assert exported.provenance["top1_after"] == 0.5
    pruner.save(tmp_path / "run.pt", "twice")
    assert (tmp_path / "run.pt").stat().st_size > 0
    with pytest.raises(InputError, match="give Crisp a sample"):
        Crisp(Twice(), config).export()


def test_images_folded_into_the_batch_and_vectors_without_a_batch_are_counted():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv2d(1, 8, 3)
            self.even = nn.Conv2d(8, 8, 2, padding="same")
            self.table = nn.Linear(8, 8)
            self.head = nn.Linear(8, 4)

        def forward(self, frames):
            features = self.even(self.stem(frames.flatten(0, 1))).mean((2, 3))
            return self.head(features.unflatten(0, frames.shape[:2]).mean(1) + self.table(torch.ones(7, 8)).mean(0))

    config = CrispConfig(sparsity=0.5, block=8, criterion="magnitude", roles={"*": "nm", "stem": "dense"})
    pruner = Crisp(Odd(), config, sample=torch.zeros(2, 3, 1, 6, 6))
    exported = pruner.export()
    notes = exported.provenance["notes"]
    assert exported.name == "Odd" and exported.layers[0].layer.input_size == (6, 6)
    assert [note.partition(":")[0] for note in notes] == ["even", "table"]
    assert "7 vectors for 2 samples" in notes[1]
    assert [layer.layer.tokens for layer in exported.layers] == [3, 3, 7, 1]
    single = Crisp(
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 2, padding="same"), nn.Conv2d(4, 4, 1)),
        CrispConfig(sparsity=0.5, block=8, criterion="magnitude"),
        sample=torch.zeros(2, 1, 6, 6),
    )
    assert single.export().layers[1].layer.output_size == (4, 4)
