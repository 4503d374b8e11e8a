"""The rows that a weight is multiplied with: rows times the weight's matrix is what the layer gives, whatever it is."""

import pytest
import torch
from torch import nn

from crisp_prune.matrix import to_matrix
from crisp_prune.multiplied import multiplied
from crisp_prune.sites import find_sites


def by_name(found):
    """Notes what is told last of every layer."""
    return lambda name, rows, function: found.update({name: rows})


def told(model, given):
    found = []
    with torch.no_grad(), multiplied(model, find_sites(model), lambda name, rows, function: found.extend(rows)):
        made = model(given)
    return found, made


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [0, 1, "same", "valid"])
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("batched", [True, False])
def test_unfolded_inputs_times_the_weight_are_the_output_whatever_the_padding(mode, padding, axes, batched):
    torch.manual_seed(0)
    if mode == "reflect" and not batched and axes == 3:
        pytest.skip("PyTorch does not reflect a volume without a batch")
    kind, kernel = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1], (3, 2, 4)[:axes]
    model = nn.Sequential(kind(3, 5, kernel, padding=padding, padding_mode=mode, dilation=2, bias=False)).double()
    given = torch.randn(*(2, 3, 9, 8, 10)[not batched : axes + 2], dtype=torch.float64)
    [rows], made = told(model, given)
    made = made if batched else made[None]
    assert torch.allclose(rows @ to_matrix(model[0].weight).t(), made.movedim(1, -1).reshape(-1, 5))


@pytest.mark.parametrize("stride", [1, 2, (2, 3)])
def test_strides_and_uneven_padding(stride):
    model = nn.Sequential(nn.Conv2d(3, 5, 3, stride=stride, padding=(2, 1), bias=False)).double()
    [rows], made = told(model, torch.randn(2, 3, 9, 8, dtype=torch.float64))
    assert torch.allclose(rows @ to_matrix(model[0].weight).t(), made.movedim(1, -1).reshape(-1, 5))


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("batched", [True, False])
def test_a_transposed_convolution_reads_its_input_positions(axes, batched):
    """Without overlaps and padding every position times the matrix is a kernel of the output."""
    kind, kernel = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[axes - 1], (3, 2, 4)[:axes]
    model = nn.Sequential(kind(3, 5, kernel, stride=kernel, bias=False)).double()
    given = torch.randn(*(2, 3, 4, 5, 3)[not batched : axes + 2], dtype=torch.float64)
    [rows], made = told(model, given)
    made = made if batched else made[None]
    for axis, size in enumerate(kernel, 2):
        made = made.unfold(axis, size, size)
    made = made.movedim(1, 1 + axes).reshape(len(rows), -1)
    assert torch.allclose(rows @ to_matrix(model[0].weight, "turned").t(), made)


class Attends(nn.Module):
    def __init__(self, **given):
        super().__init__()
        self.attention, self.given = nn.MultiheadAttention(8, 2, **given), given

    def forward(self, x):
        if "kdim" in self.given:
            return self.attention(x, x[..., :6], x[..., :4])[0]
        return self.attention(x, x, x, need_weights=False)[0]


@pytest.mark.parametrize("given", [{}, {"batch_first": True}, {"kdim": 6, "vdim": 4}, {"add_bias_kv": True}])
def test_projections_of_attention_times_what_they_read_are_what_attention_gives(given):
    torch.manual_seed(0)
    model = Attends(**given).double().eval()
    x, found = torch.randn(2, 5, 8, dtype=torch.float64), {}
    with torch.no_grad(), multiplied(model, find_sites(model), by_name(found)):
        made = model(x)
    read = x.transpose(0, 1) if given.get("batch_first") else x
    out = model.attention.out_proj
    last = made.transpose(0, 1) if given.get("batch_first") else made
    assert torch.allclose(found.pop("attention.out_proj")[0] @ out.weight.t() + out.bias, last.reshape(-1, 8))
    widths = {"q_proj": 8, "k_proj": 6, "v_proj": 4} if "kdim" in given else {"in_proj": 8}
    assert {name: rows[0].tolist() for name, rows in found.items()} == {
        f"attention.{name}": read[..., :width].reshape(-1, width).tolist() for name, width in widths.items()
    }


def test_a_packed_projection_of_other_keys_than_queries_has_three_parts():
    class Crosses(Attends):
        def forward(self, x):
            return self.attention(x[:1], x * 2, x * 3)[0]

    model, found = Crosses().eval(), {}
    with torch.no_grad(), multiplied(model, find_sites(model), by_name(found)):
        model(x := torch.randn(2, 5, 8))
    parts = [rows.reshape(-1, 5, 8) for rows in found["attention.in_proj"]]
    assert all(torch.equal(*pair) for pair in zip(parts, (x[:1], x * 2, x * 3), strict=True))
    assert found["attention.out_proj"][0].shape == (5, 8)
