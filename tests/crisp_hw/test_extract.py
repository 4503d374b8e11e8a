"""Extracted geometry against PyTorch's own FLOP counter and output shapes; nothing vanishes without a reason."""

import os
import subprocess
import sys

import pytest
import torch
from small_networks import Residual, encoder, reasons
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from crisp_hw.errors import InputError
from crisp_hw.extract import describe_checkpoint, extract

torch.set_num_threads(1)


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


@pytest.mark.slow
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


def test_importing_does_not_import_torch():
    code = "import crisp_hw.extract, crisp_hw.descriptors, sys; sys.exit('torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
