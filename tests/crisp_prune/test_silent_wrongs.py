"""What used to go wrong without a word: each kind is right, or refused with the reason."""

import copy
from collections import namedtuple

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader

from crisp_hw.errors import InputError
from crisp_prune import Crisp, CrispConfig, FitOptions
from crisp_prune.attach import strip

torch.set_num_threads(1)

X = torch.randn(8, 64, generator=torch.Generator().manual_seed(1))
BATCHES = [(X, torch.arange(8))]
CONFIG = CrispConfig(sparsity=0.6, block=16)
BLIND = CrispConfig(sparsity=0.5, block=16, criterion="magnitude")


def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))


def prune(pruner, batches=BATCHES, loss=None):
    while not pruner.done:
        pruner.step(batches, loss) if loss else pruner.step(batches)
    return pruner


# Compiled graphs


@pytest.mark.parametrize("order", ["compiled then attached", "inner attached", "attached then compiled", "in place"])
def test_compiled_graphs_see_the_masks(order):
    model = mlp()
    if order == "in place":
        model.compile(backend="eager")
        compiled = model
    else:
        compiled = torch.compile(model, backend="eager")
    if order != "attached then compiled":
        compiled(X)
    pruner = Crisp(compiled if order == "compiled then attached" else model, CONFIG)
    compiled(X)
    prune(pruner)
    assert list(pruner.masks) == ["0", "2"]
    before = compiled(X).detach()
    plain = pruner.finalize()
    assert torch.equal(before, plain(X)) and torch.equal(compiled(X), plain(X))
    assert (plain[0].weight == 0).float().mean() > 0.4


def test_a_compiled_part_of_a_model_sees_the_masks():
    model = mlp()
    model[0] = torch.compile(model[0], backend="eager")
    model(X)
    pruner = prune(Crisp(model, CONFIG))
    before = model(X).detach()
    assert torch.equal(before, pruner.finalize()(X)) and (model[0]._orig_mod.weight == 0).any()


# Copies


@pytest.mark.parametrize("average", [False, True])
def test_copies_follow_the_masks(average):
    model = mlp()
    pruner = Crisp(model, CONFIG)
    twin = AveragedModel(model) if average else copy.deepcopy(model)
    prune(pruner)
    if average:
        twin.update_parameters(model)
    else:
        twin.load_state_dict(model.state_dict())
    assert torch.equal(twin(X), model(X))
    pruner.finalize()
    assert torch.equal(strip(twin)(X), model(X))
    inner = twin.module if average else twin
    assert torch.equal(inner[0].weight == 0, model[0].weight == 0)


def test_a_copy_of_the_pruner_goes_its_own_way():
    pruner = Crisp(mlp(), CONFIG)
    pruner.step(BATCHES)
    other = copy.deepcopy(pruner)
    before = pruner.model(X)
    prune(other)
    assert torch.equal(pruner.model(X), before) and other.sparsity > pruner.sparsity
    assert (other.finalize()[0].weight == 0).sum() > (pruner.finalize()[0].weight == 0).sum()


# Weights that are changed, or read elsewhere


class Standardised(nn.Conv2d):
    def used(self):
        weight = self.weight
        return (weight - weight.mean((1, 2, 3), keepdim=True)) / (weight.std((1, 2, 3), keepdim=True) + 1e-5)

    def forward(self, x):
        return F.conv2d(x, self.used(), self.bias, self.stride, self.padding)


class Hook(nn.Conv2d):
    """Standardises inside of the function that Conv2d.forward calls."""

    def used(self):
        return self.weight - self.weight.mean()

    def _conv_forward(self, x, weight, bias):
        return super()._conv_forward(x, self.used(), bias)


class Scaled(nn.Conv2d):
    def used(self):
        return self.weight * 0.5 + 0.1

    def forward(self, x):
        return self._conv_forward(x, self.used(), self.bias)


class Padded(nn.Conv2d):
    """A forward of its own that multiplies the weight as it is, in another type."""

    def forward(self, x):
        return F.conv2d(F.pad(x, (0, 1, 0, 1)), self.weight.to(x.dtype), self.bias, self.stride)


def cnn(kind):
    torch.manual_seed(0)
    middle = kind(16, 32, 3)
    tail = [nn.ReLU(), nn.Conv2d(32, 32, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)]
    return nn.Sequential(nn.Conv2d(3, 16, 3), middle, *tail)


IMAGES = [(torch.randn(4, 3, 12, 12, generator=torch.Generator().manual_seed(2)), torch.arange(4))]


@pytest.mark.parametrize("kind", [Standardised, Hook, Scaled])
@pytest.mark.parametrize("blind", [False, True])
def test_a_layer_that_changes_its_weight_stays_dense(kind, blind):
    model = cnn(kind)
    pruner = Crisp(model, BLIND if blind else CrispConfig(sparsity=0.5, block=16))
    prune(pruner, None if blind else IMAGES)
    assert "1" not in pruner.masks and pruner.masks["3"].keep.float().mean() < 0.6
    reason = pruner.plan().layer("1").reason
    assert ("a forward of its own" if blind else "changes the weight before the product") in reason
    assert not (pruner.finalize()[1].used() == 0).any()
    with pytest.raises(InputError, match="1 cannot be hybrid"):
        Crisp(cnn(kind), CrispConfig(sparsity=0.5, block=16, roles={"1": "hybrid"}), sample=IMAGES[0][0])


def test_a_forward_of_its_own_that_keeps_the_weight_is_pruned_and_counted_by_its_output():
    pruner = Crisp(cnn(Padded), CrispConfig(sparsity=0.5, block=16), sample=IMAGES[0][0])
    assert pruner.plan().layer("1").role == "hybrid"
    assert next(each.layer for each in pruner.export().layers if each.layer.name == "1").output_size == (9, 9)


def test_a_forward_put_on_the_object_counts_as_one_of_its_own():
    model = cnn(nn.Conv2d)
    model[1].forward = lambda x: F.conv2d(x, model[1].weight.tanh(), model[1].bias)
    assert "a forward of its own" in Crisp(model, BLIND).plan().layer("1").reason
    assert "(tanh)" in Crisp(cnn_with(model), BLIND, sample=IMAGES[0][0]).plan().layer("1").reason


def cnn_with(model):
    """The same without hooks."""
    return strip(model)


def test_parametrised_weights_are_no_weights_of_a_layer():
    class Symmetric(nn.Module):
        def forward(self, weight):
            return weight.triu() + weight.triu(1).transpose(-1, -2)

    model = nn.Sequential(nn.Linear(32, 32), nn.Linear(32, 32), nn.Linear(32, 8))
    parametrize.register_parametrization(model[0], "weight", Symmetric())
    assert "0" not in [layer.name for layer in Crisp(model, BLIND).plan().layers]


class Reader(nn.Module):
    """Reads the weight of a layer that it never calls, in one of several ways."""

    def __init__(self, way):
        super().__init__()
        self.a, self.b, self.c, self.way = nn.Linear(32, 64), nn.Linear(64, 64), nn.Linear(64, 10), way

    def first(self, x):
        match self.way:
            case "linear":
                return F.linear(x, self.a.weight, self.a.bias)
            case "matmul":
                return x @ self.a.weight.T + self.a.bias
            case "parameters":
                return F.linear(x, dict(self.named_parameters())["a.weight"], self.a.bias)
            case "getattr":
                return torch.addmm(self.a.bias, x, self.a._parameters["weight"].t())

    def forward(self, x):
        return self.c(self.b(self.first(x).relu()).relu())


@pytest.mark.parametrize("way", ["linear", "matmul", "parameters", "getattr"])
def test_weights_read_by_functions_are_masked_all_along_or_refused(way):
    torch.manual_seed(0)
    model, x = Reader(way), torch.randn(4, 32)
    pruner = prune(Crisp(model, BLIND), None)
    before = model(x).detach()
    if way in ("linear", "matmul"):
        assert torch.equal(before, pruner.finalize()(x)) and (model.a.weight == 0).float().mean() == 0.5
        return
    dense = model.a.weight.detach().clone()
    with pytest.raises(InputError, match="with zeros in its weights the model gives another output"):
        pruner.finalize()
    assert torch.equal(model.a.weight, dense) and torch.equal(model(x), before)
    seen = Crisp(strip(copy.deepcopy(model)), BLIND, sample=x)
    assert "a" not in seen.masks  # with a sample it is found that the layer is never called


def test_a_batch_that_comes_too_late_says_so():
    pruner = prune(Crisp(Reader("linear"), BLIND), None)
    with pytest.raises(
        InputError, match=r"a: was pruned before a forward pass showed .*read outside of.*give Crisp a s"
    ):
        pruner.record((torch.randn(4, 32), torch.arange(4)))


@pytest.mark.parametrize("whole", [True, False])
def test_scripted_layers_are_listed_and_left_alone(whole):
    model = mlp()
    if whole:
        with pytest.raises(InputError, match="no convolution or Linear layer that can be pruned"):
            Crisp(torch.jit.trace(model, X), BLIND)
        return
    model.insert(0, torch.jit.script(nn.Linear(64, 64)))
    pruner = prune(Crisp(model, CONFIG))
    before = model(X).detach()
    assert list(pruner.masks) == ["1", "3"] and torch.equal(pruner.finalize()(X), before)
    assert [entry.name for entry in pruner.export().skipped] == ["0.weight"]


def test_a_weight_read_beside_its_layer_stays_dense():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode, self.middle = nn.Linear(32, 64), nn.Linear(64, 64)

        def forward(self, x):
            return F.linear(self.middle(self.encode(x).relu()), self.encode.weight.t())

    pruner = Crisp(Tied(), CrispConfig(sparsity=0.5, block=16, criterion="magnitude"), sample=torch.randn(2, 32))
    assert "read outside of the layer's forward" in pruner.plan().layer("encode").reason
    assert list(pruner.masks) == ["middle"]


def test_functional_call_uses_the_masks():
    model = mlp()
    pruner = prune(Crisp(model, CONFIG))
    given = {name: value.detach() for name, value in model.named_parameters()}
    assert torch.equal(torch.func.functional_call(model, given, (X,)), model(X))
    pruner.finalize()


# Classes

Pair = namedtuple("Pair", "x labels")


def labelled(form, index):
    x, mask, y = torch.randn(16), torch.ones(16), torch.tensor(index % 4)
    return {
        "pair": (x, y),
        "map": {"x": x, "labels": y},
        "triple": (x, mask, y),
        "nested": ({"x": x, "mask": mask}, y),
        "named": Pair(x, y),
    }[form]


@pytest.mark.parametrize("form", ["pair", "map", "triple", "nested", "named"])
def test_classes_pick_samples_from_batches_of_every_form(form):
    torch.manual_seed(0)
    seen = []

    def loss(model, batch):
        labels = batch["labels"] if form == "map" else batch[-1]
        x = batch["x"] if form == "map" else batch[0]["x"] if form == "nested" else batch[0]
        seen.extend(labels.tolist())
        assert len(x) == len(labels)
        return F.cross_entropy(model(x), labels)

    model = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))
    data = [labelled(form, index) for index in range(16)]
    config = CrispConfig(sparsity=0.6, block=4, epochs=1, classes=(1, 3))
    Crisp(model, config).fit(DataLoader(data, 8), FitOptions(loss_fn=loss))
    assert set(seen) == {1, 3}


@pytest.mark.parametrize(
    "batch",
    [
        {"x": torch.zeros(4, 16), "words": torch.arange(4)},
        {"x": torch.zeros(4, 16), "labels": torch.zeros(4, 7, dtype=torch.long)},
        {"x": torch.zeros(4, 16), "labels": torch.arange(4), "mask": torch.zeros(16, 16)},
        (torch.zeros(4, 16), torch.zeros(4, 10)),
        (torch.arange(4), torch.arange(4), torch.zeros(4), torch.arange(4)),
        torch.zeros(4, 16),
    ],
)
def test_batches_that_classes_cannot_pick_from_are_refused(batch):
    model = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))
    pruner = Crisp(model, CrispConfig(sparsity=0.6, block=4, classes=(1,)))
    with pytest.raises(InputError, match="class"):
        pruner.step([batch], lambda model, batch: model(torch.zeros(1, 16)).sum())


# Positions


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


# The check at the end


def test_a_model_that_does_not_repeat_itself_says_so():
    class Restless(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.drawn = nn.Linear(64, 64), nn.Linear(64, 8), torch.Generator().manual_seed(0)

        def forward(self, x):
            return self.b(self.a(x).relu()) + torch.rand(1, generator=self.drawn)

    pruner = prune(Crisp(Restless(), CONFIG))
    with pytest.raises(InputError, match=r"two outputs for one batch .*; make it repeatable"):
        pruner.finalize()
    assert (pruner.finalize(check=False).a.weight == 0).any()


def test_the_check_leaves_the_input_the_modes_and_the_generators_alone():
    class InPlace(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.drop = nn.Linear(64, 64), nn.Linear(64, 8), nn.Dropout(0.5)

        def forward(self, x, scale=None):
            return {"logits": self.b(self.drop(self.a(x.mul_(1.0)).relu_()))}

    model, x = InPlace(), X.clone()
    pruner = prune(Crisp(model, CONFIG), loss=lambda model, batch: F.cross_entropy(model(batch[0])["logits"], batch[1]))
    model(x, scale=torch.ones(1))
    state = torch.get_rng_state()
    plain = pruner.finalize()
    assert torch.equal(x, X) and plain.training and torch.equal(torch.get_rng_state(), state)
