"""How often a layer is called for one sample: attention, folded batches, lists of images."""

import pytest
import torch
from small_mlp import BLIND, CONFIG
from torch import nn
from torch.nn import functional as F

from crisp_hw.errors import InputError
from crisp_prune import Crisp, CrispConfig


class Pool(nn.Module):
    """Attention of some queries to keys, the arguments by place or by name."""

    def __init__(self, named=False, **how):
        super().__init__()
        self.attention = nn.MultiheadAttention(64, 4, batch_first=True, **how)
        self.hidden, self.head, self.named = nn.Linear(64, 64), nn.Linear(64, 10), named

    def forward(self, x, memory):
        if self.named:
            found = self.attention(value=memory, key=memory, query=x)[0]
        else:
            found = self.attention(x, memory, memory)[0]
        return self.head(self.hidden(found[:, 0]).relu())


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("block", [16, 48])
def test_cross_attention_counts_each_projection_with_its_own_tokens(named, block):
    sample = torch.randn(2, 3, 64), torch.randn(2, 50, 64)
    pruner = Crisp(Pool(named), CrispConfig(sparsity=0.5, block=block, criterion="magnitude"), sample=sample)
    pruner.step()
    parts = [each for each in pruner.export().layers if "in_proj" in each.layer.name]
    assert [each.layer.tokens for each in parts] == [3, 50, 50]
    whole = pruner.masks["attention.in_proj"].keep
    assert torch.equal(torch.cat([torch.from_numpy(each.mask) for each in parts]), whole)
    assert {each.block for each in parts} == {16}
    same = Crisp(Pool(), CrispConfig(sparsity=0.5, block=16, criterion="magnitude"), sample=(sample[1], sample[1]))
    assert [each.layer.name for each in same.export().layers][:2] == ["attention.in_proj", "attention.out_proj"]


def test_attention_with_keys_of_another_width_is_pruned_and_counted():
    config = CrispConfig(sparsity=0.5, block=16, criterion="magnitude")
    pruner = Crisp(Pool(kdim=32, vdim=32), config, sample=(torch.randn(2, 3, 64), torch.randn(2, 50, 32)))
    pruner.step()
    sizes = {each.layer.name: (each.layer.columns, each.layer.tokens) for each in pruner.export().layers}
    assert sizes["attention.q_proj"] == (64, 3) and sizes["attention.v_proj"] == (32, 50)
    x, memory = torch.randn(2, 3, 64), torch.randn(2, 50, 32)
    before = pruner.model.train(False)(x, memory)
    assert torch.allclose(pruner.finalize()(x, memory), before, atol=1e-6)


def test_sequence_first_attention_asks_for_the_batch():
    class First(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.head = nn.TransformerEncoderLayer(32, 4, 64), nn.Linear(32, 8)

        def forward(self, x):
            return self.head(self.layer(x).mean(0))

    sample = torch.randn(12, 3, 32)
    with pytest.raises(InputError, match="say how many samples with batch_size="):
        Crisp(First(), BLIND, sample=sample)
    pruner = Crisp(First(), BLIND, sample=sample, batch_size=3)
    tokens = {each.layer.name: each.layer.tokens for each in pruner.export().layers}
    assert tokens["layer.self_attn.in_proj"] == tokens["layer.linear1"] == 12 and tokens["head"] == 1


class Folded(nn.Module):
    """Frames, crops or windows folded into the batch before convolutions."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.head = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 32, 3), nn.Linear(32, 10)

    def forward(self, x):
        if isinstance(x, list):
            x = torch.stack(x)
        frames = self.b(self.a(x.flatten(0, -4)).relu()).relu()
        return self.head(frames.mean((2, 3)).reshape(len(x), -1, 32).mean(1))


@pytest.mark.parametrize(("shape", "images"), [((2, 8, 3, 8, 8), 8), ((4, 3, 8, 8), 1), ((2, 5, 2, 3, 8, 8), 10)])
def test_images_folded_into_the_batch_are_counted(shape, images):
    pruner = Crisp(Folded(), BLIND, sample=torch.randn(*shape))
    macs = sum(each.layer.macs for each in pruner.export().layers)
    assert macs == images * (64 * 16 * 27 + 36 * 32 * 144) + 320


def test_a_file_with_folded_images_is_read_back(tmp_path):
    from crisp_hw import load_pruned

    pruner = Crisp(Folded(), BLIND, sample=torch.randn(2, 8, 3, 8, 8))
    pruner.step()
    pruner.save(tmp_path / "run.pt")
    assert load_pruned(tmp_path / "run.pt").layers[0].layer.positions == 8 * 64


class Boxes(nn.Module):
    """Thirty boxes an image, the images as a list."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
        self.box, self.kind = nn.Linear(32, 64), nn.Linear(64, 5)

    def forward(self, images):
        features = self.b(self.a(torch.stack(list(images))).relu()).mean((2, 3))
        return self.kind(self.box(features.repeat_interleave(30, 0)).relu())


LISTED = [torch.randn(3, 16, 16) for _ in range(8)]


MANY = torch.randint(0, 5, (8,), generator=torch.Generator().manual_seed(0))


def boxes_loss(model, batch):
    images = batch["images"] if isinstance(batch, dict) else batch[0] if len(batch) == 2 else batch
    return F.cross_entropy(model(images), MANY.repeat_interleave(30))


DESCRIBED = [{"boxes": torch.zeros(2, 4)}] * 8


@pytest.mark.parametrize("batch", [(LISTED, MANY), {"images": LISTED, "labels": MANY}, (LISTED, DESCRIBED)])
def test_a_list_of_images_counts_its_samples_by_what_comes_with_it(batch):
    pruner = Crisp(Boxes(), CONFIG)
    pruner.step([batch], boxes_loss)
    positions = {each.layer.name: each.layer.positions for each in pruner.export().layers}
    assert positions == {"a": 256, "b": 256, "box": 30, "kind": 30}


@pytest.mark.parametrize("batch", [(LISTED, ["a name"] * 8), LISTED])
def test_a_list_that_could_mean_two_things_asks_for_the_batch_size(batch):
    with pytest.raises(InputError, match=r"the batch could hold .*; say how many with batch_size="):
        Crisp(Boxes(), CONFIG).step([batch], boxes_loss)
    pruner = Crisp(Boxes(), CONFIG, batch_size=8)
    pruner.step([batch], boxes_loss)
    assert {each.layer.name: each.layer.positions for each in pruner.export().layers}["box"] == 30
    with pytest.raises(InputError, match="the batch could hold 3 samples or 8"):
        Crisp(Boxes(), CONFIG, sample=LISTED)


def test_labels_of_every_token_are_not_taken_for_samples():
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    batch = torch.randn(4, 5, 16), torch.zeros(20, dtype=torch.long)

    def loss(model, batch):
        return F.cross_entropy(model(batch[0]).flatten(0, 1), batch[1])

    with pytest.raises(InputError, match="could hold 4 samples or 20"):
        Crisp(model, CrispConfig(sparsity=0.6, block=4)).step([batch], loss)


def test_attention_without_a_batch_asks_for_it():
    class Bare(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention, self.head = nn.MultiheadAttention(32, 4), nn.Linear(32, 8)

        def forward(self, x):
            return self.head(self.attention(x, x, x)[0])

    with pytest.raises(InputError, match=r"called on 1 sequences .* for a batch of 12 samples"):
        Crisp(Bare(), BLIND, sample=torch.randn(12, 32))
    assert Crisp(Bare(), BLIND, sample=torch.randn(12, 32), batch_size=1).export().layers[0].layer.tokens == 12
