"""Weights whose axes lie otherwise: convolutions of one and three axes, GPT-2's Conv1D, stacked experts."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from crisp_hw import import_model, load_pruned
from crisp_hw.spec.layer import Layer
from crisp_prune import Crisp, CrispConfig
from crisp_prune.choices import Layout
from crisp_prune.matrix import from_matrix, to_matrix
from crisp_prune.oneshot import RULES, one_shot
from crisp_prune.outputs import of_outputs
from crisp_prune.plan import make_plan
from crisp_prune.sites import find_sites

torch.set_num_threads(1)


class Conv1D(nn.Module):
    """A Linear with its inputs first, as in GPT-2: its class is told by this name."""

    def __init__(self, outputs: int, inputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        flat = torch.addmm(self.bias, x.view(-1, x.shape[-1]), self.weight)
        return flat.view(*x.shape[:-1], -1)


class Experts(nn.Module):
    """Three experts with their weights stacked; each token goes to one of them, or `how` says how to all at once."""

    def __init__(self, how: str = "") -> None:
        super().__init__()
        self.up = nn.Parameter(torch.randn(3, 8, 8) if how == "inputs first" else torch.randn(3, 16, 8))
        self.how = how

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        each = x.unsqueeze(1)
        match self.how:
            case "einsum":
                return torch.einsum("btc,eoc->bto", x, self.up)
            case "turned":
                return torch.matmul(each, self.up.transpose(-2, -1)).sum(1)
            case "first":
                return torch.matmul(self.up, each.mT).sum(1).mT
            case "inputs first":
                return torch.matmul(each, self.up).sum(1).repeat(1, 1, 2)
        routed = torch.arange(x.shape[1]) % 3
        return torch.stack([nn.functional.linear(x[:, at], self.up[expert]) for at, expert in enumerate(routed)], 1)


NETWORKS = {
    "conv1d": (lambda: nn.Sequential(nn.Conv2d(1, 4, 1), nn.Flatten(2), nn.Conv1d(4, 8, 5, 2, 2, 2)), (2, 1, 4, 8)),
    "conv3d": (lambda: nn.Sequential(nn.Conv3d(4, 8, 3, padding=1), nn.Conv3d(8, 8, (2, 3, 3))), (2, 4, 5, 8, 8)),
    "turned": (lambda: nn.Sequential(Conv1D(16, 8), nn.GELU(), Conv1D(12, 16)), (2, 5, 8)),
    "transposed 1d": (lambda: nn.Sequential(nn.Conv1d(4, 4, 1), nn.ConvTranspose1d(4, 8, 3, 2, 1, 1)), (2, 4, 6)),
    "transposed 2d": (
        lambda: nn.Sequential(
            nn.Conv2d(4, 8, 1), nn.ConvTranspose2d(8, 4, 2, 2), nn.ConvTranspose2d(4, 6, (3, 4), 1, 1)
        ),
        (2, 4, 5, 4),
    ),
    "transposed 3d": (
        lambda: nn.Sequential(nn.Conv3d(4, 4, 1), nn.ConvTranspose3d(4, 8, (1, 2, 3), 2)),
        (2, 4, 3, 4, 5),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_masks_act_along_the_inputs_and_the_file_counts_as_torch_does(name):
    torch.manual_seed(0)
    build, shape = NETWORKS[name]
    model, sample = build(), torch.randn(shape)
    with FlopCounterMode(display=False) as counter:
        model(sample)
    pruner = Crisp(model, sparsity=0.5, block=4, criterion="magnitude", sample=sample)
    pruner.step()
    masked = model(sample)
    exported = pruner.export()
    plain = pruner.finalize()
    assert torch.allclose(plain(sample), masked)
    assert sum(layer.layer.macs for layer in exported.layers) * 2 * len(sample) == counter.get_total_flops()
    sites = {site.name: site for site in find_sites(plain)}
    pruned = [layer for layer in exported.layers if layer.mask is not None]
    assert pruned
    for layer in pruned:
        weight = plain.get_parameter(f"{layer.layer.name}.weight").detach()
        matrix = to_matrix(weight, sites[layer.layer.name].layout)
        assert (matrix.reshape(len(matrix), -1, 4) != 0).sum(2).unique().tolist() == [2]
        assert (matrix != 0).numpy().tolist() == layer.mask.tolist()
    if name == "turned":  # the groups of 2:4 lie along the inputs, which are this weight's rows
        assert (plain[2].weight.reshape(4, 4, 12) != 0).sum(1).unique().tolist() == [2]


@pytest.mark.parametrize("how", ["", "turned", "first"])
def test_stacked_experts_are_pruned_in_place_and_named_as_not_exported(how):
    torch.manual_seed(0)
    model, sample = nn.Sequential(nn.Linear(8, 8), Experts(how), nn.Linear(16, 4)), torch.randn(2, 6, 8)
    pruner = Crisp(model, sparsity=0.7, block=4, criterion="magnitude", sample=sample)
    while not pruner.done:
        pruner.step()
    exported = pruner.export()
    plain = pruner.finalize()
    assert ((plain[1].up.reshape(48, 2, 4) != 0).sum(2) <= 2).all() and (plain[1].up == 0).float().mean() > 0.5
    said = {entry.name: entry.reason for entry in exported.skipped}
    assert said["1.up"].startswith("pruned, not exported: a router decides")
    assert "1.up" not in [layer.layer.name for layer in exported.layers]


@pytest.mark.parametrize(("how", "function"), [("einsum", "einsum"), ("inputs first", "matmul")])
def test_stacked_weights_that_are_multiplied_otherwise_stay_dense(how, function):
    model = nn.Sequential(nn.Linear(8, 8), Experts(how), nn.Linear(16, 4))
    pruner = Crisp(model, sparsity=0.5, block=4, criterion="magnitude", sample=torch.randn(2, 6, 8))
    assert (
        pruner.plan().layer("1.up").reason
        == f"its stacked weights are not each multiplied along their last axis ({function})"
    )
    unseen = make_plan(model, pruner.config).layer("1.up")
    assert unseen.role == "dense" and "a sample or a batch shows it" in unseen.reason


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((4, 6, 3), "plain"),
        ((4, 6, 2, 3, 5), "plain"),
        ((4, 6), "turned"),
        ((2, 4, 6), "stacked"),
        ((4, 6, 2, 3), "turned"),
    ],
)
def test_a_matrix_goes_back_to_its_weight(shape: tuple[int, ...], layout: Layout):
    weight = torch.rand(shape)
    again = from_matrix(to_matrix(weight, layout), shape, layout)
    assert torch.equal(again, weight) and again.is_contiguous()
    assert isinstance(Layer("a", "linear", *to_matrix(weight, layout).shape), Layer)


def up(outputs=6, inputs=8, kernel=(2, 3), **given):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(4, inputs, 1),
        nn.ConvTranspose2d(inputs, outputs, kernel, 2, **given),
        nn.BatchNorm2d(outputs),
        nn.Conv2d(outputs, 2, 1),
    )


UNITS = {  # what stands and falls together: the axes over which a weight (in, out, height, width) is summed
    "filter": (0, 2, 3),
    "channel": (1, 2, 3),
    "kernel": (2, 3),
}


@pytest.mark.parametrize("pattern", UNITS)
def test_units_of_a_transposed_convolution_are_those_of_its_channels(pattern):
    model, sample = up(), torch.randn(2, 4, 5, 4)
    pruner = Crisp(model, sparsity=0.5, pattern=pattern, criterion="magnitude", sample=sample, n=1, m=1, block=1)
    while not pruner.done:
        pruner.step()
    masked = model.eval()(sample)
    plain = pruner.finalize()
    assert torch.equal(plain(sample), masked)
    alive = (plain[1].weight != 0).sum(UNITS[pattern])
    whole = plain[1].weight.numel() // alive.numel()
    assert {*alive.flatten().tolist()} == {0, whole}
    if pattern == "filter":
        gone = alive == 0
        assert not plain[1].bias[gone].any() and not plain[2].weight[gone].any() and plain[1].bias[~gone].all()


@pytest.mark.parametrize("criterion", ["apoz", "bn-scale"])
def test_outputs_of_a_transposed_convolution_are_its_channels(criterion):
    model = up()
    with torch.no_grad():
        model[2].weight.copy_(torch.arange(6) + 1.0)
        model[2].bias.copy_(torch.tensor([9.0, -9, 9, -9, 9, -9]))
    found = of_outputs(model.eval(), {"1": model[1].weight}, {"1": "turned"}, lambda: model(torch.randn(2, 4, 5, 4)))[
        criterion
    ]["1"]
    expected = torch.arange(6) + 1.0 if criterion == "bn-scale" else torch.tensor([1.0, 0, 1, 0, 1, 0])
    assert torch.equal(found, expected.reshape(1, 6, 1, 1).expand(8, 6, 2, 3))


@pytest.mark.parametrize("rule", RULES)
def test_a_transposed_convolution_in_one_shot_is_the_linear_of_its_input_positions(rule):
    model, sample = up(), torch.randn(2, 4, 5, 4)
    found = one_shot(model, [sample], "2:4", rule)
    positions = model[0](sample).movedim(1, -1)
    linear = nn.Linear(8, 36, bias=False)
    with torch.no_grad():
        linear.weight.copy_(model[1].weight.reshape(8, 36).t())
    same = one_shot(nn.Sequential(linear), [positions], "2:4", rule)
    assert torch.allclose(found.model[1].weight.reshape(8, 36).t(), same.model[0].weight, atol=1e-6)
    assert found.errors["1"] == pytest.approx(same.errors["0"])
    assert (found.model[1].weight.reshape(2, 4, 36) != 0).sum(1).unique().tolist() == [2]


def test_transposed_convolutions_keep_what_others_have(tmp_path):
    """Groups and weights that a forward changes stay dense, and the masks of a file come back."""

    class Scaled(nn.ConvTranspose2d):
        def forward(self, x):
            return nn.functional.conv_transpose2d(x, self.weight * 2, self.bias, self.stride)

    model, sample = up(4, groups=2), torch.randn(2, 4, 5, 4)
    plan = Crisp(model, sparsity=0.5, block=4, criterion="magnitude", sample=sample).plan()
    assert plan.layer("1").reason == "grouped convolution (2 groups)"
    model = up()
    model[1] = Scaled(8, 6, (2, 3), 2)
    plan = make_plan(model, CrispConfig(sparsity=0.5, block=4))
    assert plan.layer("1").reason.startswith("Scaled has a forward of its own")
    plan = Crisp(model, sparsity=0.5, block=4, criterion="magnitude", sample=sample).plan()
    assert plan.layer("1").reason == "its forward changes the weight before the product (mul)"
    model = up()
    pruner = Crisp(model, sparsity=0.7, block=4, criterion="magnitude", sample=sample)
    while not pruner.done:
        pruner.step()
    pruner.save(tmp_path / "run.pt")
    masks = pruner.masks["1"].keep
    again = Crisp.from_pruned(pruner.finalize(), load_pruned(tmp_path / "run.pt"), sample)
    assert torch.equal(again.masks["1"].keep, masks)
    assert torch.equal(masks, (again.model[1].weight != 0).reshape(8, 36).t())
    file = load_pruned(tmp_path / "run.pt")
    read = {each.layer.name: each for each in import_model(again.finalize(), example=sample).layers}
    for each in file.layers:
        assert each.mask is None or each.mask.tolist() == read[each.layer.name].mask.tolist()
    notes = file.provenance["notes"]
    assert any(note.startswith("1: a transposed convolution is counted as the product") for note in notes)
