"""Weights of a transformer beside its configuration: geometry from the numbers, masks from the zeros, no model run."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from crisp_hw.errors import InputError, Where
from crisp_hw.extract.checkpoint import mask_of
from crisp_hw.extract.shapes import is_weight, reason_against
from crisp_hw.io.state_dict import plain_weights
from crisp_hw.spec.configurations import Config, shares_embeddings
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer, Skipped
from crisp_hw.spec.transformers import Step, transformer

if TYPE_CHECKING:
    import torch

TIED = "its weight is that of the embeddings, whose zeros are not read"
HEAD = "lm_head"
HEADS = ("LMHead", "ForCausalLM", "ForConditionalGeneration")
"""What the names of those classes of transformers have in them that end in a head for words."""
BEYOND = "the configuration does not tell the use of, left out"


def describe_configured(weights: "Mapping[str, torch.Tensor]", config: Config, step: Step, name: str) -> PrunedModel:
    """Make a pruned model of weights and the configuration that was saved beside them.

    Raises
    ------
    InputError
        When the configuration lacks a number, and when a weight is not of the size that it says.

    Examples
    --------
    >>> import torch
    >>> config = {"model_type": "llama", "hidden_size": 4, "intermediate_size": 8, "num_hidden_layers": 1}
    >>> config |= {"num_attention_heads": 2, "vocab_size": 9}
    >>> weights = {"model.layers.0.mlp.up_proj.weight": torch.eye(8, 4)}
    >>> found = describe_configured(weights, config, Step("prefill", 3, 0, 3), "tiny")
    >>> [(each.layer.name, each.layer.tokens) for each in found.layers if each.mask is not None]
    [('model.layers.0.mlp.up_proj', 3)]
    """
    made = transformer(config, step)
    plain = plain_weights(weights)
    keys = {layer.name: _key(plain, layer.name) for layer in made.layers}
    projected = {_attention(layer) for layer in made.layers if keys[layer.name]}
    layers, skipped = [], []
    for layer in made.layers:
        key = keys[layer.name]
        if layer.kind == "matmul" and _attention(layer) in projected:
            layers.append(PrunedLayer(layer, "dense"))
        elif key:
            layers.append(_pruned(layer, key, plain[key]))
        elif layer.name == HEAD and _is_tied(config):
            layers.append(PrunedLayer(layer, "dense"))
            skipped.append(Skipped(HEAD, TIED))
        else:
            skipped.append(Skipped(layer.name, "not among the weights of the folder, left out"))
    gone = {each.name for each in skipped} - {each.layer.name for each in layers}
    shared = sum(each.weights for each in made.layers if each.name in gone & {HEAD} and shares_embeddings(config))
    tables = replace(made.tables, embeddings=made.tables.embeddings + shared)
    skipped += tables.skipped(tuple(each.layer for each in layers))
    skipped += _others(plain, set(keys.values()))
    provenance = {"masks": "nonzeros of a checkpoint, sizes of its configuration"}
    return PrunedModel(name, tuple(layers), (), tuple(skipped), provenance)


def _attention(layer: Layer) -> str:
    """What the projections of one attention and its products have in front of their names."""
    return layer.name.rpartition(".")[0]


def _is_tied(config: Config) -> bool:
    """Has the network a head that words come out of, whose weight is that of the embeddings?"""
    kinds = config.get("architectures") or [HEADS[0]]
    return shares_embeddings(config) and any(word in str(kind) for kind in kinds for word in HEADS)


def _others(plain: "Mapping[str, torch.Tensor]", used: Container[str]) -> Iterator[Skipped]:
    """Weights beyond those that the configuration tells of, such as a head for classes."""
    for key, weight in plain.items():
        if key not in used and is_weight(key, weight) and not reason_against(key, weight):
            yield Skipped(key.removesuffix(".weight"), f"a weight of {list(weight.shape)} that {BEYOND}")


def _key(plain: "Mapping[str, torch.Tensor]", name: str) -> str:
    """The weight of a layer, whatever stands before its name; empty where there is none."""
    ending = f"{name}.weight"
    found = [key for key in plain if key == ending or key.endswith(f".{ending}")]
    return min(found, key=len, default="")


def _pruned(layer: Layer, key: str, weight: "torch.Tensor") -> PrunedLayer:
    taps = layer.kernel if layer.kind == "conv2d" else ()
    expected = (layer.out_channels, layer.in_channels, *taps)
    turned = key.rpartition(".")[0].rpartition(".")[2].startswith("c_") and weight.ndim == 2  # GPT-2's, outputs last
    found = weight.t() if turned else weight
    if tuple(found.shape) != expected:
        said = f"'{key}' is {list(weight.shape)}, and the configuration makes layer '{layer.name}' {list(expected)}"
        raise InputError(said, Where("checkpoint"), "give the config.json that was saved with the weights")
    mask = mask_of(key, found)
    return PrunedLayer(layer, "dense") if mask.all() else PrunedLayer(layer, "nm", mask)
