"""Smaller models compute what the larger ones with zeros do, and say which channels had to stay."""

import copy

import pytest
import torch
from torch import nn

import crisp_hw
from crisp_hw.errors import InputError
from crisp_hw.pruned_file import save_pruned
from crisp_prune import Crisp
from crisp_prune.handover import shrunk_model
from crisp_prune.head import slice_head
from crisp_prune.lab.networks import NETWORKS
from crisp_prune.oneshot import one_shot
from crisp_prune.shrink import shrink
from crisp_prune.thinet import thin

torch.set_num_threads(1)


def ready(model):
    """Running statistics and shifts as after training, so that a forgotten channel shows."""
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for value in (module.weight, module.bias, module.running_mean):
                nn.init.uniform_(value, 0.1, 1.0)
    return model.eval()


def silence(norm, *channels):
    with torch.no_grad():
        norm.weight[list(channels)] = 0
        norm.bias[list(channels)] = 0


def test_the_file_of_a_smaller_model_says_what_its_layers_were(tmp_path):
    model = ready(NETWORKS["vgg"](4, 1))
    silence(next(module for module in model.modules() if isinstance(module, nn.BatchNorm2d)), 1, 5, 6)
    sample = torch.rand(1, 1, 14, 14)
    save_pruned(tmp_path / "small.pt", shrunk_model(shrink(model, sample), sample, "vgg"))
    said = {each.layer.name: each.notes for each in crisp_hw.describe(str(tmp_path / "small.pt"))}
    assert said["0.0"] == ("shrunk: 3 of 32 output channels were taken away",)
    assert [name for name, notes in said.items() if notes] == ["0.0"]
    first = crisp_hw.describe(str(tmp_path / "small.pt"))[0].layer
    assert (first.out_channels, first.input_size) == (29, (14, 14))


def test_silent_channels_go_through_the_whole_network():
    model = ready(NETWORKS["vgg"](4, 1))
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    silence(norms[0], 1, 5, 6)
    silence(norms[5], *range(100))
    inputs = torch.rand(2, 1, 14, 14)
    small = shrink(model, inputs)
    assert torch.allclose(small.model(inputs), model(inputs), atol=1e-5)
    assert small.outputs["0.0"] == (32, 29) and small.outputs["12.0"] == (128, 28) and small.outputs["17"] == (4, 4)
    assert small.model[2][0].in_channels == 29 and small.model[17].in_features == 28
    assert model[0][0].out_channels == 32  # a copy


def test_a_pruned_filter_that_its_norm_shifts_stays():
    model = ready(nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1)))
    with torch.no_grad():
        model[0].weight[:2] = 0
    inputs = torch.rand(2, 1, 6, 6)
    assert shrink(model, inputs).outputs["0"] == (4, 4)
    silence(model[1], 0)
    assert shrink(model, inputs).outputs["0"] == (4, 3)


def test_channels_that_nobody_reads_go():
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2)).eval()
    with torch.no_grad():
        model[4].weight[:, [0, 3]] = 0  # the middle layer's outputs 0 and 3 are not read
        model[2].weight[1:3] = 0
        model[2].bias[1:3] = 0
    small = shrink(model, torch.rand(3, 4))
    assert small.outputs == {"0": (6, 6), "2": (5, 1), "4": (2, 2)}
    assert small.held["4"] == "outputs of the model"


class Added(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.out = nn.Conv2d(2, 4, 1), nn.Conv2d(2, 4, 1), nn.Conv2d(4, 3, 1)

    def forward(self, x):
        return self.out(torch.relu(self.a(x) + self.b(x)))


def test_branches_of_an_addition_go_together():
    model = Added().eval()
    with torch.no_grad():
        for layer, rows in ((model.a, [0, 1]), (model.b, [1, 2])):
            layer.weight[rows] = 0
            layer.bias[rows] = 0
    small = shrink(model, torch.rand(1, 2, 3, 3))
    assert small.outputs["a"] == small.outputs["b"] == (4, 3)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_of_the_lab_shrinks_to_the_same_function(name):
    model = ready(NETWORKS[name](4, 1))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            silence(module, *range(0, module.num_features, 3))
    inputs = torch.rand(2, 1, 14, 14)
    small = shrink(model, inputs)
    assert torch.allclose(small.model(inputs), model(inputs), atol=1e-4)
    assert any(after < before for before, after in small.outputs.values())


def test_what_cannot_be_followed_is_refused():
    class Asks(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(InputError, match=r"torch.fx cannot follow Asks; .*without branches"):
        shrink(Asks(), torch.rand(1, 2))


def test_a_head_is_cut_to_the_classes():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 10))
    inputs = torch.rand(3, 4)
    cut = slice_head(model, (7, 2))
    assert torch.equal(cut(inputs), model(inputs)[:, [7, 2]])
    assert model[2].out_features == 10
    for classes, said in (((10,), "class 10 has no output"), ((1, 1), "no different classes")):
        with pytest.raises(InputError, match=said):
            slice_head(model, classes)
    with pytest.raises(InputError, match="no Linear layer"):
        slice_head(nn.Sequential(nn.ReLU()), (0,))


def small_convolutions():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 16, 3, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(16, 4),
    )  # fmt: skip


@pytest.mark.parametrize("sample", [None, torch.zeros(2, 1, 10, 10)])
def test_pruned_filters_leave_nothing_behind_and_go(sample):
    batches = [(torch.rand(8, 1, 10, 10), torch.arange(8) % 4) for _ in range(3)]
    pruner = Crisp(small_convolutions(), pattern="filter", sparsity=0.6, epochs=2, lr=0.1, sample=sample)
    pruner.fit(batches)
    gone = {name: ~masks.live.any(1) for name, masks in pruner.masks.items()}
    inputs, before = torch.rand(4, 1, 10, 10), pruner.masking.model.eval()
    masked = before(inputs)
    model = pruner.finalize()
    assert torch.allclose(model(inputs), masked, atol=1e-6)
    for layer, norm in (("3", model[4]), ("6", model[7])):
        assert bool(gone[layer].any()) and not norm.bias[gone[layer]].any() and bool(norm.bias[~gone[layer]].any())
        assert not norm.weight[gone[layer]].any()
    assert not model[3].bias[gone["3"]].any()
    small = shrink(model, inputs)
    assert [small.outputs[name][1] for name in ("3", "6")] == [int((~gone[name]).sum()) for name in ("3", "6")]
    assert not model._forward_pre_hooks and not model[4]._forward_pre_hooks


def test_a_state_with_filters_gone_is_taken_up_and_a_copy_has_its_own():
    sample = torch.rand(4, 1, 10, 10)
    fields = {"pattern": "filter", "sparsity": 0.6, "criterion": "magnitude", "increment": 1.0}
    pruner = Crisp(small_convolutions(), sample=sample, **fields)
    while not pruner.done:
        pruner.step()
    again = Crisp(small_convolutions(), **fields)
    again.load_state_dict(pruner.state_dict())
    assert torch.equal(again.model.eval()(sample), pruner.model.eval()(sample))
    revived = Crisp.from_pruned(small_convolutions(), pruner.export(), sample)
    assert torch.equal(revived.model.eval()(sample), pruner.model.eval()(sample))
    twin = copy.deepcopy(pruner)
    assert len(twin.masking.followers) == 5 and twin.masking.followers[0][1] is not pruner.masking.followers[0][1]


def test_a_norm_that_several_layers_share_keeps_its_shifts():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.a, self.b = (nn.Conv2d(size, 8, 3, padding=1) for size in (1, 8, 8))
            self.norm, self.out = nn.BatchNorm2d(8), nn.Linear(8, 4)

        def forward(self, x):
            x = self.norm(self.b(self.norm(self.a(self.stem(x)))))
            return self.out(x.mean((2, 3)))

    pruner = Crisp(Shared(), pattern="filter", sparsity=0.5, criterion="magnitude", sample=torch.zeros(1, 1, 5, 5))
    assert not pruner.geometry.norms and [layer for layer, _ in pruner.masking.followers] == ["a", "b"]


class Several(nn.Module):
    """Gives a map of two outputs."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 8), nn.Linear(8, 2), nn.Linear(8, 2)

    def forward(self, x):
        hidden = self.a(x).relu()
        return {"b": self.b(hidden), "rest": [self.c(hidden)]}


def test_every_output_of_a_smaller_network_is_compared():
    model = Several()
    with torch.no_grad():
        model.b.weight[:, :3], model.c.weight[:, :2] = 0, 0
    assert shrink(model, torch.randn(2, 4)).outputs["a"] == (8, 6)
    with torch.no_grad():
        model.a.bias[7] = torch.nan
    with pytest.raises(InputError, match="the outputs hold NaN, so the smaller model cannot be checked"):
        shrink(model, torch.randn(2, 4))


@pytest.mark.parametrize("work", ["shrink", "slice_head", "one_shot", "thin"])
def test_a_network_with_a_pruner_is_finalized_first(work):
    """Its weights are dense, and hooks of its masks would come with the copy."""
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
    pruner = Crisp(model, sparsity=0.5, block=4, criterion="magnitude")
    ways = {
        "shrink": lambda: shrink(model, torch.zeros(1, 8)),
        "slice_head": lambda: slice_head(model, (0, 1)),
        "one_shot": lambda: one_shot(model, [torch.rand(4, 8)]),
        "thin": lambda: thin(model, [torch.rand(4, 8)], 0.5),
    }
    with pytest.raises(InputError, match=r"a pruner attached already; call its finalize\(\) first"):
        ways[work]()
    pruner.finalize()
    ways[work]()
