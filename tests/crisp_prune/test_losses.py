"""A loss is that of a classifier, one number, and of the weights; anything else is refused where it would be false."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from crisp_hw.errors import InputError
from crisp_prune import Crisp
from crisp_prune.losses import classification_loss

torch.set_num_threads(1)

X, Y = torch.randn(8, 16, generator=torch.Generator().manual_seed(1)), torch.arange(8) % 4
FIELDS = {"sparsity": 0.6, "nm": "2:4", "block": 4, "epochs": 1}


def mlp(outputs=4):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, outputs))


class Wrapped(nn.Module):
    """Gives a map, as models for language do."""

    def __init__(self):
        super().__init__()
        self.inner = mlp()

    def forward(self, x):
        return {"logits": self.inner(x)}


@pytest.mark.parametrize(
    ("model", "labels", "said"),
    [
        (mlp(1), (Y % 2).float()[:, None], r"outputs are \[8, 1\]: no scores of two classes"),
        (mlp(1), Y * 0, r"outputs are \[8, 1\]: no scores of two classes"),
        (nn.Sequential(mlp(1), nn.Flatten(0)), Y.float(), r"outputs are \[8\]: no scores of two classes"),
        (mlp(3), torch.randn(8, 3), r"labels of \[8, 3\] are no whole numbers and no probabilities"),
        (mlp(), Y.float(), r"labels of \[8\] are no whole numbers"),
        (mlp(), Y + 1, r"labels \[8\] from 1 to 4; give labels from 0 to 3"),
        (Wrapped(), Y, "the model gives a dict"),
    ],
)
def test_what_is_no_classification_needs_a_loss_of_its_own(model, labels, said):
    """Cross entropy of one output is 0, and regression targets pass for probabilities, without a word of torch's."""
    pruner = Crisp(model, **FIELDS)
    for work in (pruner.fit, pruner.step):
        with pytest.raises(InputError, match=said):
            work([(X, labels)])


@pytest.mark.parametrize("labels", [Y, F.one_hot(Y, 4).float(), torch.full((8, 4), 0.25), Y.where(Y > 0, -100)])
def test_labels_of_a_classifier_are_taken(labels):
    model = mlp()
    assert torch.equal(classification_loss(model, (X, labels)), F.cross_entropy(model(X), labels))


def test_maps_of_pixels_are_classified_each():
    outputs, labels = torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 4, 4))
    found = classification_loss(nn.Identity(), (outputs, labels))
    assert torch.equal(found, F.cross_entropy(outputs, labels))


LOSSES = {
    "of each sample": (lambda m, b: F.cross_entropy(m(b[0]), b[1], reduction="none"), r"the loss is a tensor of \[8\]"),
    "no tensor": (lambda m, b: float(m(b[0]).sum()), "the loss is a float"),
    "of no weight": (lambda m, b: m(b[0]).detach().sum(), "the loss does not depend on any weight"),
    "cut off": (lambda m, b: m(b[0]).detach().requires_grad_().sum(), "every gradient is 0"),
    "always 0": (lambda m, b: m(b[0]).sum() * 0, "every gradient is 0"),
}


@pytest.mark.parametrize("kind", LOSSES)
def test_a_loss_that_says_nothing_about_weights_ranks_none(kind):
    loss, said = LOSSES[kind]
    pruner = Crisp(mlp(), **FIELDS)
    with pytest.raises(InputError, match=said):
        pruner.step([(X, Y)], loss)
    with pytest.raises(InputError, match=said):
        pruner.fit([(X, Y)], loss_fn=loss)


def test_gradients_that_are_not_there_are_not_observed_as_zeros():
    model = mlp()
    pruner, optimizer = Crisp(model, **FIELDS), torch.optim.SGD(model.parameters(), 0.1)
    F.cross_entropy(model(X), Y).backward()
    pruner.observe()
    optimizer.zero_grad()
    with pytest.raises(InputError, match=r"no prunable weight has a gradient .* before zero_grad"):
        pruner.observe()
    assert pruner.state.batches == 1
