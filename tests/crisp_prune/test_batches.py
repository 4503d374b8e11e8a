"""Classes pick samples from batches of every form, or say that they cannot."""

from collections import namedtuple

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from crisp_hw.errors import InputError
from crisp_prune import Crisp, CrispConfig, FitOptions

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


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        ({"x": torch.zeros(8, 16), "labels": torch.arange(8) % 4}, "a batch is a map of labels, x, not a pair"),
        ((torch.zeros(8, 16), torch.ones(8), torch.arange(8) % 4), "a batch is a (tuple|list) of 3, not a pair"),
        (torch.zeros(8, 16), "a batch is a Tensor, not a pair"),
    ],
)
def test_batches_of_other_kinds_need_a_loss_of_their_own(batch, said):
    pruner = Crisp(nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4)), sparsity=0.6, block=4, epochs=1)
    for work in (pruner.fit, pruner.step):
        with pytest.raises(InputError, match=f"{said}.*give loss_fn="):
            work([batch])
