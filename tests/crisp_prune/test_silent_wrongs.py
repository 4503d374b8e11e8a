"""What used to go wrong without a word: each kind is right, or refused with the reason."""

import copy
from io import BytesIO

import pytest
import torch
from small_mlp import BATCHES, BLIND, CONFIG, X, mlp, prune
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from torch.optim.swa_utils import AveragedModel

from crisp_hw.errors import InputError
from crisp_prune import Crisp, CrispConfig
from crisp_prune.attach import strip

torch.set_num_threads(1)


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


def test_a_model_of_many_layers_is_compiled_as_one_graph():
    """Each hook on the model was a graph of its own; after eight, torch.compile gave up."""

    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(64, 64) for _ in range(12))

        def forward(self, x):
            for layer in self.layers:
                x = layer(x).relu()
            return x

    model = Deep()
    pruner = Crisp(model, CrispConfig(sparsity=0.5, block=16, criterion="magnitude"))
    pruner.step()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    assert torch.equal(compiled(X), pruner.finalize()(X))


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


# Classes


# Positions


# The check at the end


def test_a_model_that_does_not_repeat_itself_says_so():
    class Restless(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.drawn = nn.Linear(64, 64), nn.Linear(64, 8), torch.Generator().manual_seed(0)

        def forward(self, x):
            return self.b(self.a(x).relu()) + torch.rand(1, generator=self.drawn)

    pruner = prune(Crisp(Restless(), CONFIG))
    with pytest.raises(
        InputError, match=r"two outputs for one batch .* cannot be checked; let it give the same tensors"
    ):
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


@pytest.mark.parametrize("first", ["sharded", "pruned"])
def test_sharded_weights_are_refused_in_one_sentence(first):
    """FSDP2: masks would have to be sharded with the weights, and blocks lie across the shards."""
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        model, mesh = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4)), init_device_mesh("cpu", (1,))
        pruner = None if first == "sharded" else Crisp(model, sparsity=0.5, block=4, criterion="magnitude")
        fully_shard(model, mesh=mesh)
        with pytest.raises(InputError, match=r"0: the weight is sharded over processes .* shard the plain model"):
            Crisp(model, sparsity=0.5, block=4) if pruner is None else pruner.step()
    finally:
        torch.distributed.destroy_process_group()


EXPORTS = {
    "torch.export": lambda model, x: torch.export.export(model, (x,)),
    "torch.jit.trace": lambda model, x: torch.jit.trace(model, (x,)),
    "torch.onnx.export": lambda model, x: torch.onnx.export(model, (x,), BytesIO(), dynamo=False),
}


@pytest.mark.parametrize("way", EXPORTS)
def test_an_export_of_dense_weights_is_told_once(way, recwarn):
    model, x = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4)), torch.zeros(1, 8)
    pruner = Crisp(model, sparsity=0.5, block=4, criterion="magnitude", sample=x)
    pruner.step()
    for _ in range(2):
        EXPORTS[way](model, x)
    told = [str(each.message) for each in recwarn if "dense weights" in str(each.message)]
    assert len(told) == 1 and "finalize() first" in told[0]
    pruner.finalize()
    recwarn.clear()
    EXPORTS[way](model, x)
    assert not model._forward_pre_hooks and not [each for each in recwarn if "dense weights" in str(each.message)]


def test_a_state_dict_of_dense_weights_is_told_once_and_not_by_checkpoints(tmp_path, recwarn):
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
    pruner = Crisp(model, sparsity=0.5, block=4, criterion="magnitude", epochs=1)
    pruner.fit([(torch.randn(4, 8), torch.arange(4))], checkpoint=tmp_path / "run.ckpt")
    assert not [told for told in recwarn if "dense weights" in str(told.message)]
    with pytest.warns(UserWarning, match="state_dict.. holds the dense weights while a pruner is attached"):
        model.state_dict()
    recwarn.clear()
    model.state_dict()
    assert pruner.finalize().state_dict() and not recwarn
    assert not model._state_dict_pre_hooks
