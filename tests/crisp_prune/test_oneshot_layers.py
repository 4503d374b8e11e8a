"""Which layers one-shot pruning takes: those whose weight is what is multiplied, each once; the others stay dense."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

from crisp_hw.errors import InputError
from crisp_prune.oneshot import _rows, one_shot
from crisp_prune.shrink import shrink

torch.set_num_threads(1)

X = torch.randn(16, 8, generator=torch.Generator().manual_seed(1))


def three(middle=None):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 8), middle or nn.Linear(8, 8), nn.Linear(8, 4))


def zeros(weight):
    return float((weight == 0).float().mean())


def test_a_shared_weight_is_chosen_once_by_all_that_is_read_with_it():
    """It was chosen again by what was left of it, and the second error was always 0."""
    model = three()
    model[1].weight = model[0].weight
    found = one_shot(model, [X], "2:4", "wanda")
    assert list(found.errors) == ["0", "2"] and found.model[0].weight is found.model[1].weight
    read = torch.cat([X, model[0](X)])
    scores = (model[0].weight.abs() * read.double().norm(dim=0)).reshape(8, 2, 4)
    kept = scores >= scores.sort(dim=2, descending=True).values[:, :, 1:2]
    assert torch.equal(found.model[0].weight != 0, kept.reshape(8, 8))


def test_embeddings_do_not_lose_rows_with_the_head_that_shares_them():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.a, self.head = nn.Embedding(12, 8), nn.Linear(8, 8), nn.Linear(8, 12, bias=False)
            self.head.weight = self.words.weight

        def forward(self, x):
            return self.head(self.a(self.words(x)))

    words = torch.arange(12)[None]
    found = one_shot(Tied(), [words], "2:4", "magnitude")
    assert list(found.errors) == ["a"] and zeros(found.model.words.weight) == 0
    with pytest.raises(InputError, match=r"cannot be pruned: shares its weight with words\.weight; there are a"):
        one_shot(Tied(), [words], "2:4", layers=["head"])


class Centred(nn.Linear):
    def forward(self, x):
        return F.linear(x, self.weight - self.weight.mean(), self.bias)


class Elsewhere(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = three()

    def forward(self, x):
        return self.layers(F.linear(x, self.layers[1].weight.exp()))


@pytest.mark.parametrize(
    ("model", "left"),
    [
        (three(Centred(8, 8)), ["0", "2"]),
        (Elsewhere(), ["layers.0", "layers.2"]),
        (three(parametrizations.weight_norm(nn.Linear(8, 8))), ["0", "2"]),
    ],
)
def test_weights_that_are_not_what_is_multiplied_stay_dense(model, left):
    """Zeros in them are none in the product, so that a mask said what was not so."""
    assert list(one_shot(model, [X], "2:4", "wanda").errors) == left


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [0, 1, "same", "valid"])
@pytest.mark.parametrize("axes", [1, 2])
def test_unfolded_inputs_times_the_weight_are_the_output_whatever_the_padding(mode, padding, axes):
    torch.manual_seed(0)
    conv = (nn.Conv1d, nn.Conv2d)[axes - 1](3, 5, 3, padding=padding, padding_mode=mode, dilation=2, bias=False)
    given = torch.randn(2, 3, *(9, 8)[:axes])
    order = (0, 2, 1) if axes == 1 else (0, 2, 3, 1)
    made = conv(given).permute(order).reshape(-1, 5)
    assert torch.allclose(_rows(conv, given) @ conv.weight.permute(order).reshape(5, -1).t(), made, atol=1e-5)


def test_an_argument_by_name_is_what_a_layer_reads():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = three()

        def forward(self, x):
            for layer in self.layers:
                x = layer(input=x)
            return x

    assert list(one_shot(Named(), [X], "2:4", "sparsegpt").errors) == ["layers.0", "layers.1", "layers.2"]


def test_a_layer_that_is_named_twice_is_pruned_once():
    assert one_shot(three(), [X], layers=["1", "1"]).errors["1"] > 0.1


@pytest.mark.parametrize("rule", ["magnitude", "wanda", "sparsegpt"])
def test_batches_that_say_nothing_are_refused(rule):
    with pytest.raises(InputError, match="there is no batch to calibrate with"):
        one_shot(three(), [], "2:4", rule)
    with pytest.raises(InputError, match="an iterator that can be read once"):
        one_shot(three(), iter([X]), "2:4", rule)
    spoiled = X.clone()
    spoiled[0, 0] = float("nan")
    with pytest.raises(InputError, match="0: what it reads holds NaN or infinity; check weights and batches"):
        one_shot(three(), [spoiled], "2:4", rule)


@pytest.mark.parametrize("act", [lambda model: one_shot(model, [X]), lambda model: shrink(model, X)])
def test_a_network_that_cannot_be_copied_is_refused_in_one_sentence(act):
    with pytest.raises(
        InputError, match=r"Sequential cannot be copied \(a tensor in it is computed from others\); take off"
    ):
        act(three(nn.utils.weight_norm(nn.Linear(8, 8))))
