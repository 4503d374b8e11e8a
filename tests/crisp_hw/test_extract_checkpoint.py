"""Masks are taken from the zeros of weights, whatever form these have."""

import numpy as np
import pytest
import torch
from small_networks import Residual, encoder, reasons
from torch import nn
from torch.nn.utils import parametrizations, prune

from crisp_hw.descriptors import describe_model
from crisp_hw.errors import InputError
from crisp_hw.extract import describe_checkpoint, extract
from crisp_hw.spec.patterns import NM


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
