"""Products that no layer module makes: attention of any code, parameters in use by code, convolutions of all kinds."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="runs models")
from torch import nn  # noqa: E402 - behind the check for PyTorch
from torch.nn import functional as F  # noqa: E402
from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

import crisp_hw  # noqa: E402

torch.set_num_threads(1)


def counted_macs(model, example):
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model.eval()(example)
    return counter.get_total_flops() // 2 // len(example)


class Grouped(nn.Module):
    """Four heads of queries on two of keys: by repeating them, by einsum, and by PyTorch's function."""

    def __init__(self, how):
        super().__init__()
        self.q, self.kv, self.how = nn.Linear(16, 16), nn.Linear(16, 8), how

    def forward(self, x):
        b, length, _ = x.shape
        q = self.q(x).view(b, length, 4, 4).transpose(1, 2)
        k = v = self.kv(x).view(b, length, 2, 4).transpose(1, 2)
        if self.how == "function":
            return F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
        k, v = (each[:, :, None].expand(b, 2, 2, length, 4).reshape(b, 4, length, 4) for each in (k, v))
        if self.how == "einsum":
            return torch.einsum("bhij,bhjd->bhid", torch.einsum("bhid,bhjd->bhij", q, k).softmax(-1), v)
        return torch.softmax(q @ k.transpose(-1, -2) / 2, -1) @ v


class Own(nn.Module):
    """Parameters in code of its own: outputs last as in GPT-2, outputs first, a part of one, one that is computed."""

    def __init__(self):
        super().__init__()
        self.last, self.first = nn.Parameter(torch.rand(6, 8) + 1), nn.Parameter(torch.rand(6, 8) + 1)
        self.kernel = nn.Parameter(torch.rand(4, 1, 3) + 1)

    def forward(self, x):
        y = torch.addmm(torch.zeros(8), x.reshape(-1, 6), self.last)
        y = F.linear(y, self.first)
        y = F.linear(y, self.first[:4, :6])
        y = F.linear(y, self.first[:, :4].tanh())
        return F.conv1d(y[..., None].reshape(len(x), 1, -1), self.kernel)


@pytest.mark.parametrize("how", ["repeat", "einsum", "function"])
def test_heads_share_keys_however_attention_is_written(how):
    model = Grouped(how)
    network = crisp_hw.Workload.from_torch(model, torch.zeros(3, 5, 16))
    *_, scores, values = network.layers
    assert (scores.name, scores.groups, scores.rows, scores.columns, scores.tokens) == ("scores", 2, 10, 4, 10)
    assert (values.name, values.groups, values.rows, values.columns, values.tokens) == ("values", 2, 8, 5, 10)
    assert sum(layer.macs for layer in network.layers) == counted_macs(model, torch.zeros(3, 5, 16))


def test_parameters_that_code_uses_have_their_zeros():
    model = Own()
    with torch.no_grad():
        model.last[:, 1] = model.first[2, :] = model.kernel[3] = 0
    example = torch.zeros(2, 7, 6)
    found = crisp_hw.import_model(model, example=example)
    layers = {each.layer.name: each for each in found.layers}
    assert list(layers) == ["last", "first", "first@2", "first@3", "kernel"]
    assert layers["last"].mask.shape == (8, 6) and not layers["last"].mask[1].any()
    assert layers["first"].mask.shape == (6, 8) and not layers["first"].mask[2].any()
    assert not layers["kernel"].mask[3].any()
    assert layers["first@2"].mask is layers["first@3"].mask is None
    assert [layers[f"first@{place}"].layer.weights for place in (2, 3)] == [24, 24]
    reasons = {each.name: each.reason for each in found.skipped}
    assert "its zeros are not read" in reasons["first@2"] and "its zeros are not read" in reasons["first@3"]
    assert not any("Own" in each.reason for each in found.skipped)


CONVOLUTIONS = {
    "1d": (nn.Conv1d(4, 8, 3, stride=2, padding=1, groups=2), (2, 4, 9)),
    "1d same": (nn.Conv1d(4, 8, 3, padding="same", dilation=2), (2, 4, 9)),
    "3d": (nn.Conv3d(3, 4, (2, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)), (2, 3, 4, 8, 8)),
    "depthwise": (nn.Conv2d(6, 12, 3, groups=6), (2, 6, 8, 8)),
    "depthwise 3d": (nn.Conv3d(4, 4, 3, padding=1, groups=4), (2, 4, 3, 5, 5)),
    "transposed 1d": (nn.ConvTranspose1d(4, 6, 4, stride=2, padding=1), (2, 4, 9)),
    "transposed": (nn.ConvTranspose2d(4, 6, 2, stride=2, groups=2), (2, 4, 5, 5)),
    "transposed 3d": (nn.ConvTranspose3d(4, 2, 2, stride=2), (2, 4, 3, 3, 3)),
}


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_every_convolution_counts_as_pytorch_does_and_runs_everywhere(kind):
    module, shape = CONVOLUTIONS[kind]
    generator = np.random.default_rng(0)
    with torch.no_grad():
        module.weight.mul_(torch.from_numpy(generator.random(module.weight.shape) < 0.5))
    model, example = nn.Sequential(module), torch.zeros(shape)
    found = crisp_hw.import_model(model, example=example)
    (only,) = found.layers
    assert only.layer.macs == counted_macs(model, example)
    assert only.mask.sum() == int((module.weight != 0).sum())
    archs = [name for name in crisp_hw.list_arch() if not crisp_hw.load_arch(name).runs.skips]
    evaluated = crisp_hw.evaluate(found, archs, cache=False)
    assert {row.arch for row in evaluated.rows} == set(archs)
    assert all(row.real_macs == only.layer.macs and row.cycles > 0 for row in evaluated.rows)


def attending(causal, fused):
    """Attention over eight queries in one of its usual forms: fused or not, the mask by word or by numbers."""

    class Attends(nn.Module):
        def __init__(self):
            super().__init__()
            self.project = nn.Linear(12, 12)

        def forward(self, x):
            q = k = v = self.project(x).view(*x.shape[:2], 3, 4).transpose(1, 2)
            if fused:
                return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
            scores = q @ k.transpose(-1, -2) / 2
            if causal:
                hidden = torch.full(scores.shape[-2:], torch.finfo(scores.dtype).min).triu(1)
                scores = scores + hidden
            return scores.softmax(-1) @ v

    return Attends()


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(("causal", "dropped"), [(True, 8 * 7 // 2), (False, 0)])
def test_scores_that_a_mask_drops_are_counted(causal, dropped, fused):
    found = crisp_hw.Workload.from_torch(attending(causal, fused), torch.rand(2, 8, 12))
    products = [layer for layer in found.layers if layer.kind == "matmul"]
    assert [(layer.macs, layer.masked_macs) for layer in products] == [(3 * 4 * 64, 3 * 4 * dropped)] * 2


def test_a_mask_of_numbers_beside_the_input_is_no_batch():
    layer = nn.TransformerEncoderLayer(12, 3, 16, batch_first=True)
    mask = nn.Transformer.generate_square_subsequent_mask(8)
    found = crisp_hw.Workload.from_torch(layer, {"src": torch.rand(1, 8, 12), "src_mask": mask})
    products = [layer for layer in found.layers if layer.kind == "matmul"]
    assert [each.masked_macs for each in products] == [3 * 4 * 28] * 2
