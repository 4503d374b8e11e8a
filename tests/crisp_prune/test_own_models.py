"""Networks, weights and data as people bring them: what was quietly wrong, or a traceback, is right or refused."""

import warnings

import pytest
import torch
from small_mlp import BATCHES, BLIND, X, mlp
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

from crisp_hw.errors import InputError
from crisp_prune import Crisp, CrispConfig
from crisp_prune.batches import labels_in
from crisp_prune.evaluate import Accuracy
from crisp_prune.report import Course, report_markdown

pytestmark = pytest.mark.train

torch.set_num_threads(1)

QUICK = CrispConfig(sparsity=0.6, block=16, epochs=2, lr=0.01)


# Frozen weights


def frozen():
    model = mlp()
    model[2].weight.requires_grad_(False)
    return model


@pytest.mark.parametrize("amp", ["off", "fp16"])
def test_frozen_weights_are_ranked_while_training_as_those_that_learn(amp):
    """Without gradients of their own they were ranked last, and lost all that could go."""
    model, kept = frozen(), {}
    before = model[2].weight.clone()
    learns = mlp()
    for name, each in (("frozen", model), ("learns", learns)):
        pruner = Crisp(each, sparsity=0.6, block=16, epochs=2, lr=0.0, online=True, weight_decay=0.0, amp=amp)
        pruner.fit(BATCHES * 4)
        kept[name] = pruner.masks
    assert all(torch.equal(kept["frozen"][name].keep, masks.keep) for name, masks in kept["learns"].items())
    assert torch.equal(model[2].weight, before) and model[2].weight.grad is None and not model[2].weight.requires_grad


def test_frozen_weights_are_not_observed_without_a_word():
    model = frozen()
    pruner = Crisp(model, QUICK, sample=X)
    F.cross_entropy(model(X), BATCHES[0][1]).backward()
    with pytest.raises(InputError, match="2 has no gradient, because requires_grad is off, and would be ranked last"):
        pruner.observe()


# Weights that are no numbers of their own


def test_two_parameters_of_the_same_numbers_are_refused_before_anything_is_trained():
    model = nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 8))
    model[1].weight = nn.Parameter(model[0].weight.detach())
    with pytest.raises(
        InputError, match=r"0 and 1 have parameters of their own .* tie them as one parameter: 1.weight"
    ):
        Crisp(model, BLIND)
    model[1].weight = model[0].weight
    assert list(Crisp(model, BLIND).masks) == ["0", "2"]


def test_parts_of_one_buffer_that_do_not_overlap_are_weights_of_their_own():
    model, flat = mlp(), torch.randn(64 * 128 + 128 * 10)
    model[0].weight = nn.Parameter(flat[: 64 * 128].view(128, 64))
    model[2].weight = nn.Parameter(flat[64 * 128 :].view(10, 128))
    assert list(Crisp(model, BLIND).masks) == ["0", "2"]


def test_complex_and_expanded_weights_stay_dense_with_the_reason():
    model = nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 8))
    model[0].weight = nn.Parameter(torch.randn(1, 64).expand(64, 64))
    model[1].weight = nn.Parameter(torch.randn(64, 64, dtype=torch.complex64))
    plan = Crisp(model, BLIND).plan()
    assert [layer.role for layer in plan.layers] == ["dense", "dense", "nm"]
    assert "one number in memory" in plan.layer("0").reason and "complex64" in plan.layer("1").reason


def test_weights_without_numbers_are_planned_and_not_ranked():
    pruner = Crisp(mlp().to("meta"), BLIND, sample=X)
    assert pruner.geometry.calls[0].shape == (8, 64)
    with pytest.raises(InputError, match="0: its weight is on the device meta, which has sizes and no numbers"):
        pruner.step()


def test_weights_of_inference_mode_are_refused():
    with torch.inference_mode():
        model = mlp()
    with pytest.raises(InputError, match=r"0: its weight was made in torch.inference_mode\(\)"):
        Crisp(model, BLIND)


def test_a_layer_that_is_parametrised_after_the_pruner_came_is_named():
    model = mlp()
    pruner = Crisp(model, BLIND, sample=X)
    parametrizations.weight_norm(model[0])
    with pytest.raises(InputError, match="0 has lost its weight; was the layer changed after the pruner was attached"):
        pruner.step()


# Adapters


class Adapted(nn.Linear):
    """A Linear with a low-rank part beside it, as loralib has it."""

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.weight.requires_grad_(False)
        self.down, self.up = nn.Parameter(torch.randn(4, inputs) / 8), nn.Parameter(torch.zeros(outputs, 4))

    def forward(self, x):
        return F.linear(x, self.weight, self.bias) + x @ self.down.t() @ self.up.t()


def test_a_target_that_only_lack_of_a_sample_puts_out_of_reach_says_so():
    model = nn.Sequential(Adapted(64, 64), nn.ReLU(), nn.Linear(64, 8))
    with pytest.raises(
        InputError, match=r"give a sample, which shows whether 0 must stay dense; or take sparsity=0\.5"
    ):
        Crisp(model, QUICK)
    pruner = Crisp(model, QUICK, sample=X)
    pruner.fit(BATCHES)
    plain = pruner.finalize()
    assert torch.equal(plain[0].weight == 0, ~pruner.masks["0"].keep) and plain[0].up.abs().sum() > 0


# Classes


@pytest.mark.parametrize("criterion", ["cass", "magnitude"])
def test_classes_without_a_sample_are_named(criterion):
    pruner = Crisp(mlp(), CrispConfig(sparsity=0.5, block=16, epochs=1, classes=(0, 9), criterion=criterion))
    with pytest.warns(UserWarning, match="no batch held a sample of the classes 9$"):
        pruner.fit(BATCHES)
    pruner = Crisp(mlp(), CrispConfig(sparsity=0.5, block=16, epochs=1, classes=(0, 7), criterion=criterion))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pruner.fit(BATCHES)
    assert labels_in(None) == labels_in(X) == set()


@pytest.mark.parametrize(("classes", "told"), [((1,), True), ((1, 2), False)])
def test_a_report_of_one_class_says_that_accuracy_among_it_is_none(classes, told):
    pruner = Crisp(mlp(), CrispConfig(sparsity=0.5, block=16, classes=classes), sample=X)
    whole = Accuracy(1.0, 1.0, 8)
    page = report_markdown(pruner, pruner.export(), Course(whole, whole))
    assert ("One class is always the best among itself" in page) == told
