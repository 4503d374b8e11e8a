"""Masks come back from a file, and zeros of a network that was pruned before do not."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from crisp_hw import import_model, load_pruned
from crisp_hw.errors import InputError
from crisp_hw.spec.descriptors import PrunedModel
from crisp_prune import Crisp, CrispConfig

torch.set_num_threads(1)


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(16, 4),
    )  # fmt: skip


SAMPLE = torch.zeros(1, 1, 6, 6)


def loader():
    torch.manual_seed(1)
    return DataLoader(TensorDataset(torch.rand(16, 1, 6, 6), torch.arange(16) % 4), batch_size=8)


def pruned(path, **fields):
    model = network()
    pruner = Crisp(model, sample=SAMPLE, epochs=1, **fields)
    pruner.fit(loader())
    pruner.finalize()
    pruner.save(path)
    return model, pruner


@pytest.mark.train
@pytest.mark.parametrize(
    "fields",
    [
        {"sparsity": 0.7, "block": 4},
        {"pattern": "nm"},
        {"pattern": "unstructured", "sparsity": 0.6},
        {"pattern": "filter", "sparsity": 0.5},
    ],
    ids=["hybrid", "nm", "unstructured", "filter"],
)
def test_masks_of_a_file_stay_while_it_is_trained_on(tmp_path, fields):
    model, before = pruned(tmp_path / "run.pt", **fields)
    zeros = {name: weight == 0 for name, weight in before.weights.items()}
    again = Crisp.from_pruned(model, load_pruned(tmp_path / "run.pt"), SAMPLE)
    assert again.done and again.sparsity == before.sparsity
    assert all(torch.equal(again.masks[name].keep, masks.keep) for name, masks in before.masks.items())
    weights = {name: weight.clone() for name, weight in again.weights.items()}
    again.fit(loader())
    again.finalize()
    for name, weight in again.weights.items():
        assert bool((weight[zeros[name]] == 0).all()) and not torch.equal(weight, weights[name])
    assert [layer.layer for layer in again.export().layers] == [layer.layer for layer in before.export().layers]


def test_packed_projections_come_back():
    torch.manual_seed(0)

    class Attends(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention, self.head = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 4)

        def forward(self, x):
            return self.head(self.attention(x, x, x)[0])

    model, sample = Attends(), torch.rand(1, 5, 8)
    pruner = Crisp(model, sparsity=0.6, block=4, criterion="magnitude", sample=sample)
    while not pruner.done:
        pruner.step()
    exported = pruner.export()
    again = Crisp.from_pruned(pruner.finalize(), exported, sample)
    assert all(torch.equal(again.masks[name].keep, masks.keep) for name, masks in pruner.masks.items())


def test_a_file_of_another_network_is_refused(tmp_path):
    _, pruner = pruned(tmp_path / "run.pt", sparsity=0.7, block=4)
    other = nn.Sequential(nn.Conv2d(1, 8, 3), nn.Conv2d(8, 12, 3), nn.Flatten(), nn.Linear(48, 4))
    with pytest.raises(InputError, match=r"has no mask of 1, 3|is it a file of this network"):
        Crisp.from_pruned(other, pruner.export(), SAMPLE)
    with pytest.raises(InputError, match="does not say how it was pruned"):
        Crisp.from_pruned(network(), PrunedModel("other", ()), SAMPLE)
    with pytest.raises(InputError, match="load_pruned"):
        Crisp.from_pruned(network(), str(tmp_path / "run.pt"), SAMPLE)


@pytest.mark.train
def test_zeros_stay_or_come_back_as_asked(tmp_path):
    def again(**fields):
        model, first = pruned(tmp_path / "run.pt", pattern="unstructured", sparsity=0.6)
        zeros = {name: weight == 0 for name, weight in first.weights.items()}
        pruner = Crisp(model, pattern="hybrid", sparsity=0.7, block=4, epochs=1, lr=0.1, sample=SAMPLE, **fields)
        pruner.fit(loader())
        pruner.finalize()
        return [int((weight[zeros[name]] != 0).sum()) for name, weight in pruner.weights.items()]

    assert not any(again(keep_zeros=True))
    assert any(again())


def imported(zeros):
    """A network of another tool: masks are where its weights are zero."""
    model, generator = network(), torch.Generator().manual_seed(3)
    with torch.no_grad():
        zeros(model[2].weight, generator)
    return model, import_model(model, example=SAMPLE)


def scattered(weight, generator):
    weight[torch.rand(weight.shape, generator=generator) < 0.5] = 0


def unbalanced(weight, generator):
    weight[:4, :4] = 0


REFUSED = {
    "hybrid": (scattered, r"2: its mask keeps 4 weights in a group of 4, and N:M is 2:4; give the config that"),
    "nm": (scattered, r"2: its mask keeps 4 weights in a group of 4, and N:M is 2:4"),
    "block": (scattered, r"2: its mask keeps parts of units, and the pattern block keeps whole ones"),
    "filter": (unbalanced, r"2: its mask keeps parts of units, and the pattern filter keeps whole ones"),
}


@pytest.mark.parametrize("pattern", REFUSED)
def test_masks_that_a_config_does_not_describe_are_refused(pattern):
    """They were taken, and the file that came of them claimed what their weights are not."""
    zeros, said = REFUSED[pattern]
    model, pruned = imported(zeros)
    sides = {"block": 4} if pattern in ("hybrid", "block") else {}
    config = CrispConfig(sparsity=0.5, pattern=pattern, roles={"6": "dense"}, **sides)
    with pytest.raises(InputError, match=said):
        Crisp.from_pruned(model, pruned, SAMPLE, config)


def test_rows_of_blocks_that_keep_unequal_numbers_are_refused():
    model, pruned = imported(unbalanced)
    config = CrispConfig(sparsity=0.5, pattern="block", block=4, roles={"6": "dense"})
    with pytest.raises(InputError, match="2: rows of blocks keep 9 to 18 blocks in its mask, and the pattern"):
        Crisp.from_pruned(model, pruned, SAMPLE, config)


def test_masks_of_others_come_back_under_the_config_that_describes_them():
    model, pruned = imported(scattered)
    config = CrispConfig(sparsity=0.5, pattern="unstructured", epochs=1)
    with pytest.raises(
        InputError, match=r"no mask of 6; in the file 6 is dense: say so by config=.*roles={'6': 'dense'"
    ):
        Crisp.from_pruned(model, pruned, SAMPLE, config)
    zeros = model[2].weight == 0
    pruner = Crisp.from_pruned(model, pruned, SAMPLE, replace(config, roles={"6": "dense"}))
    pruner.fit(loader())
    assert torch.equal(pruner.finalize()[2].weight == 0, zeros)
    mask = pruner.export().layers[1].mask
    assert mask.tolist() == (~zeros).permute(0, 2, 3, 1).reshape(16, -1).tolist()
