"""What the pruned-model file is given: geometry, masks, notes and what was left out."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import crisp_hw
from crisp_hw.errors import InputError
from crisp_hw.io import load_pruned
from crisp_hw.spec.descriptors import PRODUCTS
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
        "stem", "group", "shared", "shared@2", "attention.in_proj", "attention.out_proj", "attention.scores",
        "attention.values", "head",
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
    products = [layers[f"attention.{role}"] for role in ("scores", "values")]
    assert [(each.role, each.layer.macs) for each in products] == [("dense", 8 * tokens**2)] * 2
    assert {skipped.name for skipped in exported.skipped} == {"never", "table.weight"}
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


class Decoder(nn.Module):
    """Causal attention by hand, twice, with two heads on one of keys."""

    def __init__(self):
        super().__init__()
        self.q, self.kv, self.head = nn.Linear(16, 16), nn.Linear(16, 8), nn.Linear(16, 4)

    def attend(self, x):
        q = self.q(x).view(*x.shape[:2], 2, 8).transpose(1, 2)
        k = self.kv(x)[:, None].expand(-1, 2, -1, -1)
        scores = q @ k.transpose(-1, -2) + torch.full((x.shape[1], x.shape[1]), float("-inf")).triu(1)
        return (scores.softmax(-1) @ k).transpose(1, 2).flatten(2)

    def forward(self, x):
        return self.head(self.attend(self.attend(x)).mean(1))


def test_products_of_attention_are_handed_over_and_evaluated(tmp_path):
    pruner = Crisp(Decoder(), CrispConfig(sparsity=0.5, block=8, criterion="magnitude"))
    loss = lambda model, batch: (model(batch[0]) @ model(batch[0]).T).sum()  # noqa: E731 - its product is no layer's
    pruner.record((torch.zeros(3, 5, 16), torch.zeros(3)), loss)
    pruner.step()
    pruner.save(tmp_path / "run.safetensors")
    model = load_pruned(tmp_path / "run.safetensors")
    names = [each.layer.name for each in model.layers if each.layer.kind == "matmul"]
    assert names[:4] == ["scores", "values", "scores@2", "values@2"]
    first = model.layers[2].layer
    assert (first.name, first.macs, first.masked_macs, first.groups) == ("scores", 2 * 8 * 25, 2 * 8 * 10, 1)
    assert model.provenance[PRODUCTS] == "exported" and not model.may_lack_attention
    again = Crisp(Decoder(), CrispConfig(sparsity=0.5, block=8, criterion="magnitude"))
    again.load_state_dict(pruner.state_dict())
    assert [each.layer for each in again.export().layers] == [each.layer for each in pruner.export().layers]
    found = crisp_hw.evaluate(model, "crisp-stc", layers="*s*", cache=False)
    assert any(row.descriptor.layer == first and row.cycles == row.dense_cycles for row in found.rows)


def test_an_older_run_says_that_it_lacks_attention(tmp_path):
    pruner = Crisp(Twice(), CrispConfig(sparsity=0.5, block=8, criterion="magnitude"), sample=torch.zeros(2, 3, 9, 12))
    pruner.step()
    saved = pruner.state_dict()
    del saved["geometry"]["products"]
    older = Crisp(Twice(), pruner.config)
    older.load_state_dict(saved)
    exported = older.export()
    assert {each.name for each in exported.skipped} == {"never", "table.weight", "attention"}
    assert exported.may_lack_attention and not pruner.export().may_lack_attention
    older.save(tmp_path / "run.safetensors")
    found = crisp_hw.evaluate(tmp_path / "run.safetensors", layers="head", cache=False).network
    assert any("QK^T and PV are missing" in said for said in found.assumptions)


def test_products_with_a_weight_that_are_no_call_of_a_layer_are_named():
    """A decoder with its encoder's weight, a fixed matrix and a computed kernel were named nowhere."""

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("fixed", torch.randn(64, 32))
            self.encoder, self.middle = nn.Linear(32, 16), nn.Linear(16, 16)
            self.taps, self.own = nn.Parameter(torch.randn(3)), nn.Parameter(torch.randn(32, 4))

        def forward(self, x):
            x = F.conv2d(x, (self.taps.outer(self.taps))[None, None], padding=1).flatten(1) @ self.fixed
            return F.linear(self.middle(self.encoder(x)), self.encoder.weight.t()) @ self.own

    sample = torch.randn(2, 1, 8, 8)
    pruner = Crisp(Own(), sparsity=0.5, block=4, criterion="magnitude", sample=sample)
    again = Crisp(Own(), sparsity=0.5, block=4, criterion="magnitude")
    again.load_state_dict(pruner.state_dict())
    said = {
        "taps in the model itself": "it is multiplied outside of any layer: that product is not exported",
        "fixed in the model itself": "it is multiplied outside of any layer: that product is not exported",
        "encoder in the model itself": "its weight is multiplied outside of the layer: that product is not exported",
        "own": "Own.own is not the weight of a plain convolution or Linear: not pruned, not exported",
    }
    for each in (pruner, again):
        each.step()
        assert {entry.name: entry.reason for entry in each.export().skipped} == said


def test_a_file_claims_nothing_before_anything_is_pruned():
    """It claimed 2:4 in blocks for masks that keep everything."""
    pruner = Crisp(
        nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 4)),
        CrispConfig(sparsity=0.5, block=4, criterion="magnitude"),
        sample=torch.zeros(1, 8),
    )
    assert [(each.nm, each.block, each.mask.all()) for each in pruner.export().layers] == [(None, None, True)] * 2
    pruner.step()
    assert [(each.nm, each.block) for each in pruner.export().layers] == [(NM(2, 4), 4), (NM(2, 4), None)]
