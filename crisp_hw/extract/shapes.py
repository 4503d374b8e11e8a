"""A state dict without its model: layers as far as names and shapes of weights tell them."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from crisp_hw.errors import InputError, Where
from crisp_hw.extract.checkpoint import mask_of
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel
from crisp_hw.spec.layer import Layer, Skipped

if TYPE_CHECKING:
    import torch

TABLES = ("embed", "wte", "wpe", "token_type", "relative_attention_bias", "lookup")
"""What names of tables of vectors have in them, which are looked up and not multiplied."""
SHARED = "shared.weight"
"""How the name of T5's table ends that encoder and decoder share."""
RECURRENT = ("weight_ih", "weight_hh")
SCALES = ("_scale", "_scale_inv", "_scale_2", "_zero_point", "_g_idx", "_mask")
"""How names of numbers end that belong to a quantised or pruned weight and are none themselves."""
MOST_AXES = 4
OTHER = "no weight by its name; only its model tells what is done with it"


def describe_weights(weights: "Mapping[str, torch.Tensor]", name: str) -> PrunedModel:
    """Make a pruned model of weights alone: masks and shapes are true, sizes of inputs are not known.

    A weight of two axes is a linear layer applied to one vector, one of three or four axes a convolution that is
    applied at one position. Layers stand in the order of the file, and groups of convolutions are not known.

    Raises
    ------
    InputError
        When no weight has two axes or more.

    Examples
    --------
    >>> import torch
    >>> found = describe_weights({"fc.weight": torch.tensor([[1.0, 0.0]])}, "net")
    >>> found.layers[0].layer.name, found.layers[0].mask.tolist()
    ('fc', [[True, False]])
    """
    layers, skipped = [], []
    for key, tensor in weights.items():
        if not is_weight(key, tensor):
            skipped += [Skipped(key, OTHER)] if _is_other(key, tensor) else []
            continue
        reason = reason_against(key, tensor)
        if reason:
            skipped.append(Skipped(key, reason))
        else:
            layers.append(_layer(key, tensor))
    if not layers:
        raise InputError("holds no weight of a layer", Where("checkpoint"), "give the state dict of a network")
    return PrunedModel(name, tuple(layers), (), tuple(skipped), {"masks": "nonzeros of a checkpoint"})


def is_weight(key: str, tensor: "torch.Tensor") -> bool:
    """Is it, by its name and its axes, what a layer multiplies with, or a table?

    >>> import torch
    >>> is_weight("fc.weight", torch.zeros(2, 2)), is_weight("fc.bias", torch.zeros(2))
    (True, False)
    """
    last = key.rpartition(".")[2]
    scales = last.endswith(SCALES)
    return tensor.ndim > 1 and min(tensor.shape) > 0 and "weight" in last and not scales


def _is_other(key: str, tensor: "torch.Tensor") -> bool:
    """Is it a matrix of numbers under a name of its own?"""
    sized = tensor.ndim > 1 and sum(extent > 1 for extent in tensor.shape) > 1
    return sized and not key.endswith((*SCALES, ".bias"))


def reason_against(key: str, tensor: "torch.Tensor") -> str:
    """Why a weight is no layer; empty where it is one.

    >>> import torch
    >>> reason_against("wte.weight", torch.zeros(9, 2)), reason_against("fc.weight", torch.zeros(2, 2))
    ('a table of vectors by its name, not modelled', '')
    """
    if tensor.ndim == 2 and (any(word in key.lower() for word in TABLES) or f".{key}".endswith(f".{SHARED}")):
        return "a table of vectors by its name, not modelled"
    if any(word in key for word in RECURRENT):
        return "recurrent layer, not modelled"
    if tensor.ndim > MOST_AXES:
        return f"a weight of {tensor.ndim} axes; only its model tells what is done with it"
    return ""


def _layer(key: str, tensor: "torch.Tensor") -> PrunedLayer:
    rows, columns = tensor.shape[:2]
    name = key.removesuffix(".weight").removesuffix("_weight")
    layer = Layer(name, "linear", rows, columns)
    if tensor.ndim > 2:
        height, width = (1, *tensor.shape[2:])[-2:]
        kernel = (int(height), int(width))
        layer = Layer(name, "conv2d", rows, columns, kernel=kernel, input_size=kernel)
    mask = mask_of(key, tensor)
    return PrunedLayer(layer, "dense") if mask.all() else PrunedLayer(layer, "nm", mask)


def unknown_sizes(model: PrunedModel) -> Iterator[str]:
    """The names of layers whose number of positions nothing tells: the convolutions.

    >>> list(unknown_sizes(PrunedModel("net", (PrunedLayer(Layer("fc", "linear", 2, 2), "dense"),))))
    []
    """
    return (each.layer.name for each in model.layers if each.layer.kind == "conv2d")
