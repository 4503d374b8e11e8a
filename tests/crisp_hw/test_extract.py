"""Extracted geometry against PyTorch's own FLOP counter and output shapes; nothing vanishes without a reason."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils import parametrizations, prune
from torch.utils.flop_counter import FlopCounterMode

from crisp_hw.descriptors import describe_model
from crisp_hw.errors import InputError
from crisp_hw.extract import describe_checkpoint, extract
from crisp_hw.spec.patterns import NM

torch.set_num_threads(1)


class Residual(nn.Module):
    """Convolutions of every geometry, a shared one, one never called, and arithmetic outside of modules."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, (7, 5), stride=(2, 1), padding=(3, 2), bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.act = nn.ReLU()
        self.shared = nn.Conv2d(8, 8, 3, padding=2, dilation=2)
        self.depthwise = nn.Conv2d(8, 8, 3, padding="same", groups=8)
        self.even = nn.Conv2d(8, 8, (2, 3), padding="same")
        self.valid = nn.Conv2d(8, 4, 3, padding="valid")
        self.unused = nn.Conv2d(8, 8, 1)
        self.drop, self.pool, self.flat = nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.scale = nn.Parameter(torch.ones(1))
        self.fc = nn.Linear(4, 10)

    def forward(self, x):
        x = self.act(self.norm(self.stem(x)))
        x = x + self.shared(self.shared(x))
        x = self.valid(self.even(self.depthwise(x)))
        return self.fc(self.drop(self.flat(self.pool(x)))) * self.scale


class Cross(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.wide = nn.MultiheadAttention(16, 2, kdim=8, vdim=8, batch_first=True)

    def forward(self, x, memory):
        x = self.attention(x, memory, memory)[0]
        return self.wide(query=x, key=memory[..., :8], value=memory[..., :8])[0]


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.fc = nn.Embedding(10, 6), nn.Linear(6, 6)

    def forward(self, tokens):
        return self.fc(self.fc(self.embed(tokens))[:, :2])


def counted_macs(model, *example):
    """Multiply-accumulates as PyTorch counts them, per sample; it counts attention where no fused operation does it."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:  # with gradients, else one is fused
        model.eval()(*example)
    return counter.get_total_flops() // 2 // example[0].shape[0]


def encoder():
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


class Frames(nn.Module):
    """Frames folded into the batch before the convolutions."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(self.conv(x.flatten(0, 1)).mean((2, 3)).unflatten(0, x.shape[:2]).mean(1))


class Circular(nn.Module):
    """Padding that the layer's numbers do not show: by a mode, and by code of a subclass."""

    class Same(nn.Conv2d):
        def forward(self, x):
            return nn.functional.conv2d(nn.functional.pad(x, (0, 1, 0, 1)), self.weight, self.bias, self.stride)

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular")
        self.b = self.Same(4, 4, 2)

    def forward(self, x):
        return self.b(self.a(x))


CASES = {
    "cnn": (Residual, (torch.zeros(2, 3, 20, 17),)),
    "encoder": (encoder, (torch.zeros(2, 5, 16),)),
    "mlp": (lambda: nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 2)), (torch.zeros(1, 7, 6),)),
    "cross": (Cross, (torch.zeros(2, 5, 16), torch.zeros(2, 9, 16))),
    "frames": (Frames, (torch.zeros(2, 6, 3, 9, 9),)),
    "padded by code": (Circular, (torch.zeros(2, 3, 6, 7),)),
    "twice": (Twice, (torch.zeros(3, 4, dtype=torch.long),)),
}


@pytest.mark.parametrize("case", CASES)
def test_macs_are_what_pytorch_counts(case):
    make, example = CASES[case]
    model = make()
    network = extract(model, example)
    assert sum(layer.macs for layer in network.layers) == counted_macs(model, *example)
    assert len({layer.name for layer in network.layers}) == len(network.layers)


def test_every_convolution_has_its_true_output():
    model, example = Residual(), torch.zeros(1, 3, 20, 17)
    shapes = []
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda m, i, out: shapes.append((m.out_channels, *out.shape[2:])))
    network = extract(model, example)
    found = [(layer.out_channels, *layer.output_size) for layer in network.layers if layer.kind == "conv2d"]
    assert found == shapes
    names = [layer.name for layer in network.layers]
    assert names == ["stem", "shared", "shared@2", "depthwise", "even", "valid", "fc"]
    assert network.layers[3].groups == 8 and network.layers[3].padding == (1, 1)


def reasons(network):
    return {entry.name: entry.reason for entry in network.skipped}


def test_what_is_left_out_has_a_reason():
    skipped = reasons(extract(Residual(), torch.zeros(1, 3, 20, 17)))
    assert set(skipped) == {"even", "model", "norm", "act", "pool", "unused", "functions"}
    assert skipped["norm"] == "BatchNorm2d: normalisation, not modelled"
    assert skipped["unused"] == "Conv2d: never called on the example input"
    assert "not the size that its padding gives" in skipped["even"]
    assert "uses its parameters scale" in skipped["model"]
    assert "without a product of matrices" in skipped["functions"]


class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        return x * self.weight


@pytest.mark.parametrize(
    ("module", "shape", "reason"),
    [
        (nn.LSTM(3, 3), (1, 8, 3), "recurrent layer"),
        (nn.LayerNorm(3), (1, 8, 3), "normalisation"),
        (Odd(), (1, 8, 3), "module of its own kind with 3 parameters"),
        (nn.PReLU(), (1, 8, 3), "elementwise function"),
        (nn.Upsample(scale_factor=2), (1, 3, 8, 8), "interpolation"),
    ],
)
def test_other_modules(module, shape, reason):
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.odd, self.fc = module, nn.Linear(2, 2)

        def forward(self, x):
            self.odd(x)
            return self.fc(torch.zeros(1, 2))

    network = extract(Both(), torch.zeros(*shape))
    assert reasons(network)["odd"] == f"{type(module).__name__}: {reason}, not modelled"
    assert [layer.name for layer in network.layers] == ["fc"]


def test_modules_that_do_nothing_are_not_listed():
    idle = [nn.Identity(), nn.Dropout(), nn.Flatten(), nn.ZeroPad2d(0), nn.Sequential()]
    network = extract(nn.Sequential(*idle[:1], nn.Conv2d(3, 3, 1), *idle[1:]), torch.zeros(1, 3, 4, 4))
    assert list(reasons(network)) == ["functions"]


def test_attention():
    network = extract(Cross(), {"x": torch.zeros(2, 5, 16), "memory": torch.zeros(2, 9, 16)})
    sizes = [(layer.name, layer.out_channels, layer.in_channels, layer.tokens) for layer in network.layers]
    assert sizes == [
        ("attention.in_proj.q_proj", 16, 16, 5),
        ("attention.in_proj.k_proj", 16, 16, 9),
        ("attention.in_proj.v_proj", 16, 16, 9),
        ("attention.out_proj", 16, 16, 5),
        ("attention.scores", 18, 16, 5),
        ("attention.values", 16, 18, 5),
        ("wide.q_proj", 16, 16, 5),
        ("wide.k_proj", 16, 8, 9),
        ("wide.v_proj", 16, 8, 9),
        ("wide.out_proj", 16, 16, 5),
        ("wide.scores", 18, 16, 5),
        ("wide.values", 16, 18, 5),
    ]
    assert list(reasons(network)) == ["functions"]


def test_a_checkpoint_of_cross_attention_has_the_mask_of_each_projection():
    model = Cross()
    with torch.no_grad():
        model.attention.in_proj_weight[16:32] = 0
        model.attention.in_proj_weight[16:32, 0] = 1
    example = {"x": torch.zeros(2, 5, 16), "memory": torch.zeros(2, 9, 16)}
    found = {each.layer.name: each for each in describe_checkpoint(model.state_dict(), model, example).layers}
    assert found["attention.in_proj.k_proj"].mask.sum() == 16
    assert found["attention.in_proj.q_proj"].mask is None and found["attention.in_proj.v_proj"].mask is None


def test_names_of_a_bare_layer_and_lazy_layers():
    assert [layer.name for layer in extract(nn.Linear(4, 2), torch.zeros(1, 4)).layers] == ["model"]
    lazy = nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(2))
    assert [layer.columns for layer in extract(lazy, torch.zeros(1, 3, 5, 5)).layers] == [27, 36]
    bare = extract(nn.MultiheadAttention(8, 2), [torch.zeros(3, 1, 8)] * 3)
    assert [(layer.name, layer.tokens) for layer in bare.layers] == [
        ("in_proj", 3),
        ("out_proj", 3),
        ("scores", 3),
        ("values", 3),
    ]
    with pytest.raises(InputError, match="the batch could hold 2 samples or 3; say how many"):
        extract(nn.Linear(4, 2), [[torch.zeros(3, 4)] * 2])


def test_the_model_is_left_as_it_was():
    model = Residual()
    model.norm.eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    extract(model, torch.randn(1, 3, 20, 17))
    assert model.training and not model.norm.training and model.drop.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    with pytest.raises(InputError):
        extract(model, torch.zeros(1, 4, 20, 17))
    assert model.training and not model.norm.training
    assert all(not module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize(
    ("model", "example", "message"),
    [
        (Residual(), torch.zeros(1, 4, 20, 17), r"Residual fails on the example input \(1, 4, 20, 17\)"),
        (Residual(), "image", "holds no tensor"),
        (Residual(), torch.tensor(1.0), "with a batch axis"),
        (Residual(), torch.zeros(0, 3, 20, 17), "with a batch axis"),
        (nn.Sequential(nn.ReLU()), torch.zeros(1, 3), "multiplies no matrices"),
        ({"a": 1}, torch.zeros(1, 3), "dict is no torch.nn.Module"),
    ],
)
def test_what_cannot_be_extracted(model, example, message):
    with pytest.raises(InputError, match=message) as caught:
        extract(model, example)
    assert "\n" not in str(caught.value)


def test_a_batch_that_does_not_divide_is_noted():
    class Table(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.conv = nn.Linear(2, 2), nn.Conv2d(3, 3, 1)

        def forward(self, x):
            self.conv(torch.cat([x, x]))
            return self.fc(torch.zeros(7, 2))

    network = extract(Table(), torch.zeros(2, 3, 4, 4))
    skipped = reasons(network)
    assert [(layer.name, layer.tokens) for layer in network.layers] == [("conv", 2), ("fc", 7)]
    assert skipped["fc"] == "called on 7 vectors for 2 samples, no whole number each; all are counted"
    assert "conv" not in skipped


# ---- checkpoints


def prune_all(model, seed=0):
    """Zero 2 of every 4 input channels of each tap, and one block of 4 of every block row: CRISP by hand, in loops."""
    rng = np.random.default_rng(seed)
    weights = {key: value.clone() for key, value in model.state_dict().items()}
    kept = {}
    for key, value in weights.items():
        if value.ndim != 4 or key.startswith("stem") or value.shape[1] % 4:
            continue
        out, channels, high, wide = value.shape
        mask = np.zeros((out, high * wide * channels), bool)
        for row in range(out):
            for column in range(0, mask.shape[1], 4):
                mask[row, column + rng.permutation(4)[:2]] = True
        for top in range(0, out, 4):
            dead = rng.integers(mask.shape[1] // 4) * 4
            mask[top : top + 4, dead : dead + 4] = False
        for row in range(out):
            for c in range(channels):
                for y in range(high):
                    for x in range(wide):
                        alive = mask[row, (y * wide + x) * channels + c]
                        value[row, c, y, x] = 1.0 if alive else 0.0
        kept[key.removesuffix(".weight")] = mask
    return weights, kept


def test_masks_are_the_nonzeros_in_the_matrix_view():
    model = Residual()
    weights, kept = prune_all(model)
    pruned = describe_checkpoint(weights, model, torch.zeros(1, 3, 20, 17), NM(2, 4), 4)
    layers = {entry.layer.name: entry for entry in pruned.layers}
    assert sorted(kept) == ["even", "shared", "unused", "valid"]
    for name in ("even", "shared", "shared@2", "valid"):
        assert np.array_equal(layers[name].mask, kept[name.removesuffix("@2")])
        assert (layers[name].role, layers[name].nm, layers[name].block) == ("hybrid", NM(2, 4), 4)
    for name in ("stem", "depthwise", "fc"):
        assert (layers[name].role, layers[name].mask, layers[name].nm, layers[name].block) == (
            "dense",
            None,
            None,
            None,
        )
    described = {found.layer.name: found for found in describe_model(pruned)}
    assert all(found.notes == () for found in described.values())
    assert described["shared"].kept_blocks == 17 and described["shared"].nm == NM(2, 4)
    assert reasons(pruned)["unused"].startswith("Conv2d: never called")


def test_nm_only_when_no_block_is_empty():
    weights = {"weight": torch.tensor([[1.0, 0, 2, 0, 3, 0, 0, 4]])}
    layer = describe_checkpoint(weights, nn.Linear(8, 1), torch.zeros(1, 8), NM(2, 4), 4).layers[0]
    assert (layer.role, layer.nm, layer.block) == ("nm", NM(2, 4), None)


def test_attention_and_pruning_masks_are_found():
    model = encoder()
    weights = model.state_dict()
    weights["layers.0.self_attn.in_proj_weight"][:, ::2] = 0
    layers = {e.layer.name: e for e in describe_checkpoint(weights, model, torch.zeros(1, 5, 16)).layers}
    mask = layers["layers.0.self_attn.in_proj"].mask
    assert mask.shape == (48, 16) and not mask[:, ::2].any() and mask[:, 1::2].all()
    fc = nn.Linear(8, 4)
    prune.l1_unstructured(fc, "weight", 0.25)
    layer = describe_checkpoint(fc.state_dict(), nn.Linear(8, 4), torch.zeros(1, 8)).layers[0]
    assert np.array_equal(layer.mask, fc.weight_mask.numpy().astype(bool))


@pytest.mark.parametrize("form", [np.asarray, torch.Tensor.to_sparse, torch.Tensor.bfloat16, nn.Parameter])
def test_forms_of_weights(form):
    weight = torch.tensor([[0.0, 1, 0, 2], [3, 0, 0, 0]])
    layer = describe_checkpoint({"weight": form(weight)}, nn.Linear(4, 2), torch.zeros(1, 4)).layers[0]
    assert layer.mask.tolist() == [[False, True, False, True], [True, False, False, False]]


def test_a_parametrized_layer_is_one_layer():
    model = nn.Sequential(parametrizations.weight_norm(nn.Linear(4, 2)))
    network = extract(model, torch.zeros(1, 4))
    assert [layer.name for layer in network.layers] == ["0"] and list(reasons(network)) == ["functions"]


@pytest.mark.parametrize(
    ("weights", "options", "message"),
    [
        ({"fc.weight": torch.ones(2, 4)}, {}, "no weight 'weight' for layer 'model'; the nearest name is 'fc.weight'"),
        ({}, {}, "no weight 'weight' for layer 'model'; give a state dict"),
        ({"weight": torch.ones(4, 2)}, {}, r"'weight' is \[4, 2\] but layer 'model' of the model needs \[2, 4\]"),
        ({"weight": torch.full((2, 4), float("nan"))}, {}, "'weight' holds values that are not finite"),
        ({"weight": "text"}, {}, "'weight' is no tensor"),
        ({"weight": torch.ones(2, 4)}, {"nm": NM(5, 4)}, "make no sense"),
        ({"weight": torch.ones(2, 4)}, {"block": 0}, "make no sense"),
    ],
)
def test_checkpoints_that_do_not_fit(weights, options, message):
    with pytest.raises(InputError, match=message):
        describe_checkpoint(weights, nn.Linear(4, 2), torch.zeros(1, 4), **options)


def test_importing_does_not_import_torch():
    code = "import crisp_hw.extract, crisp_hw.descriptors, sys; sys.exit('torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
