"""Which layers one-shot pruning takes: those whose weight is what is multiplied, each once; the others stay dense."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations
from torch.utils.data import DataLoader

from crisp_hw.errors import InputError
from crisp_prune import Crisp
from crisp_prune.oneshot import RULES, one_shot
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


class Same(nn.Conv2d):
    """Pads so that outputs are as many as positions over the stride, as TensorFlow does: more behind than before."""

    def forward(self, x):
        over = [
            max((-(-size // step) - 1) * step + (side - 1) * holes + 1 - size, 0)
            for size, side, step, holes in zip(x.shape[-2:], self.kernel_size, self.stride, self.dilation, strict=True)
        ]
        x = F.pad(x, (over[1] // 2, over[1] - over[1] // 2, over[0] // 2, over[0] - over[0] // 2))
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class Scaled(nn.Linear):
    def forward(self, x):
        return F.linear(x * torch.arange(self.in_features), self.weight, self.bias)


class Between(nn.Module):
    def __init__(self, act):
        super().__init__()
        self.act = act

    def forward(self, x):
        return self.act(x)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("own", "before", "plain"),
    [
        (
            lambda: Same(4, 4, 3, stride=2),
            nn.ZeroPad2d((0, 1, 0, 1)),
            lambda: nn.Conv2d(4, 4, 3, stride=2),
        ),
        (lambda: Scaled(8, 4), Between(lambda x: x * torch.arange(8)), lambda: nn.Linear(8, 4)),
    ],
)
def test_what_a_forward_multiplies_is_what_calibrates(own, before, plain, rule):
    """A convolution that pads in its own forward was calibrated on inputs without what it pads."""
    torch.manual_seed(3)
    mine, reference = own(), nn.Sequential(before, plain())
    reference[1].load_state_dict(mine.state_dict())
    batch = torch.randn(2, 4, 8, 8) if isinstance(mine, nn.Conv2d) else torch.randn(6, 8)
    pair = nn.Sequential(mine), reference
    first, second = (
        one_shot(model, [batch], "2:4", rule, layers=[name]) for model, name in zip(pair, "01", strict=True)
    )
    assert torch.equal(first.model[0].weight, second.model[1].weight)
    assert first.errors["0"] == second.errors["1"] > 0


class Flat(nn.Conv2d):
    """A convolution of one tap as a Linear, whose weight is seen in another shape."""

    def forward(self, x):
        return F.linear(x.movedim(1, -1), self.weight.flatten(1), self.bias).movedim(-1, 1)


class Summed(nn.Linear):
    def forward(self, x):
        return torch.einsum("...i,oi->...o", x, self.weight)


class Turned(nn.Linear):
    def forward(self, x):
        return torch.addmm(self.bias, x, self.weight.t())


class Left(nn.Linear):
    def forward(self, x):
        return (self.weight @ x.T).T


@pytest.mark.parametrize(
    ("layer", "function"), [(Summed(8, 8), "einsum"), (Left(8, 8), "matmul"), (Flat(8, 8, 1), "linear")]
)
def test_products_that_are_not_read_leave_a_layer_dense_with_the_reason(layer, function):
    batch = torch.randn(2, 8, 4, 4) if isinstance(layer, Flat) else X
    last = nn.Conv2d(8, 4, 1) if isinstance(layer, Flat) else nn.Linear(8, 4)
    found = one_shot(nn.Sequential(layer, last), [batch], layers=["1"])
    assert found.dense == {"0": f"the inputs that it multiplies its weight with are not read ({function})"}
    with pytest.raises(InputError, match=r"'0' cannot be pruned: the inputs that it multiplies .*; there are 1"):
        one_shot(nn.Sequential(layer, last), [batch], layers=["0"])


def test_a_weight_that_is_turned_before_the_product_is_the_same_weight():
    torch.manual_seed(0)
    mine, plain = three(Turned(8, 8)), three()
    plain.load_state_dict(mine.state_dict())
    found, expected = (one_shot(model, [X], "2:4", "sparsegpt") for model in (mine, plain))
    assert all(map(torch.allclose, found.model.state_dict().values(), expected.model.state_dict().values()))


def test_a_branch_that_multiplies_otherwise_is_refused():
    class Sometimes(nn.Linear):
        def forward(self, x):
            return super().forward(x) if len(x) > 1 else torch.einsum("bi,oi->bo", x, self.weight)

    with pytest.raises(InputError, match=r"1: the inputs .* are not read \(einsum\) in a later batch"):
        one_shot(three(Sometimes(8, 8)), [X, X[:1]])


@pytest.mark.parametrize("rule", RULES)
def test_projections_of_attention_are_pruned_by_what_they_read(rule):
    torch.manual_seed(0)
    block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    found = one_shot(block, [X.reshape(2, 8, 8)], "2:4", rule, layers=["self_attn.in_proj", "self_attn.out_proj"])
    linear = nn.Linear(8, 24)
    linear.weight = nn.Parameter(block.self_attn.in_proj_weight.detach().clone())
    same = one_shot(nn.Sequential(linear), [X], "2:4", rule)
    assert torch.allclose(found.model.self_attn.in_proj_weight, same.model[0].weight, atol=1e-6)
    out = found.model.self_attn.out_proj.weight
    assert (out.reshape(8, 2, 4) != 0).sum(2).eq(2).all() and 0 < found.errors["self_attn.out_proj"] < 1
    as_model = Crisp(found.model, pattern="nm", criterion="magnitude", sample=X.reshape(2, 8, 8))
    as_model.step()
    assert torch.equal(as_model.masks["self_attn.out_proj"].keep, out != 0)


def test_every_layer_that_stays_dense_is_named():
    class Many(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.lost, self.lstm = nn.Embedding(5, 8), nn.Linear(8, 8), nn.LSTM(8, 8, batch_first=True)
            self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
            self.first, self.wide = nn.Conv1d(8, 8, 3, padding=1), nn.Conv1d(8, 8, 3, padding=1, groups=2)
            self.volume = nn.Conv3d(1, 4, (2, 3, 3))

        def forward(self, x):
            x = self.block(self.lstm(self.words(x))[0])
            x = self.wide(self.first(x.mT))
            return self.volume(x.reshape(len(x), 1, 2, 4, -1))

    torch.manual_seed(0)
    found = one_shot(Many().eval(), [torch.arange(10).reshape(2, 5) % 5])
    block = [f"block.{name}" for name in ("self_attn.in_proj", "self_attn.out_proj", "linear1", "linear2")]
    assert list(found.errors) == [*block, "volume"]
    assert found.dense["first"] == "first convolution" and found.dense["lost"] == "never called"
    assert found.dense["wide"] == "grouped convolution (2 groups)"
    assert found.dense["words.weight"].startswith("Embedding.weight is not the weight of a plain")
    weights = {name.removesuffix(".weight") for name, value in found.model.named_parameters() if value.ndim > 1}
    told = {name.removesuffix(".weight").replace("in_proj", "in_proj_weight") for name in (*found.dense, *found.errors)}
    assert weights == told
    kept = found.model.volume.weight.permute(0, 3, 4, 2, 1).reshape(4, -1)
    assert [float((each != 0).sum()) for each in kept[:, :16].split(4, 1)] == [8.0] * 4


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


@pytest.mark.parametrize(
    ("batches", "layers", "said"),
    [
        (X, None, r"the batches are one Tensor; give a list of model inputs: \[batch\]"),
        (DataLoader(X, 4), None, r"the batches are a DataLoader; give a list of model inputs, as in \[inputs for"),
        (
            [(X, torch.arange(16))],
            None,
            r"the model fails on the first batch, a tuple \(.*without labels: as in",
        ),
        ([X], "0", r"layers is the text '0'; give a list of names: \['0'\]"),
    ],
)
def test_what_is_no_list_of_inputs_or_names_is_refused(batches, layers, said):
    with pytest.raises(InputError, match=said):
        one_shot(three(), batches, layers=layers)


@pytest.mark.parametrize(
    ("model", "given", "said"),
    [
        (nn.Sequential(nn.Conv1d(1, 4, 3)), X[:, None], r"pruned \(0: first convolution, unless layers names it\)"),
        (three().to("meta"), X.to("meta"), r"pruned \(0: its weight is on the device meta, .*; 1: its weight is on"),
        (nn.ReLU(), X, "there is no layer that can be pruned$"),
    ],
)
def test_where_no_layer_is_left_the_reasons_are_told(model, given, said):
    with pytest.raises(InputError, match=said):
        one_shot(model, [given])


@pytest.mark.parametrize("act", [lambda model: one_shot(model, [X]), lambda model: shrink(model, X)])
def test_a_network_that_cannot_be_copied_is_refused_in_one_sentence(act):
    with pytest.raises(
        InputError, match=r"Sequential cannot be copied \(a tensor in it is computed from others\); take off"
    ):
        act(three(nn.utils.weight_norm(nn.Linear(8, 8))))
