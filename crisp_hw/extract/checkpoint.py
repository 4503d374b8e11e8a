"""Any other sparse checkpoint: its zeros are the masks, a model gives the geometry."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError, Where
from crisp_hw.extract.called import Found
from crisp_hw.extract.names import matched
from crisp_hw.extract.workload import find_layers
from crisp_hw.io.state_dict import numbers, plain_weights
from crisp_hw.spec.convolutions import kept_view
from crisp_hw.spec.descriptors import PrunedLayer, PrunedModel, Role
from crisp_hw.spec.patterns import NM

if TYPE_CHECKING:
    import torch
    from torch import nn


def describe_checkpoint(
    weights: Mapping[str, Any],
    model: "nn.Module",
    example_input: Any,
    nm: NM | None = None,
    block: int | None = None,
) -> PrunedModel:
    """Make a pruned model of a checkpoint whose weights hold zeros, whichever tool pruned them.

    Parameters
    ----------
    weights
        The state dict of `model`, tensors or arrays by name, also with a prefix such as Lightning's "model."; masks
        and packed weights that other tools keep beside them are read, too (`crisp_hw.io.state_dict.plain_weights`).
    model, example_input
        Where the geometry of the layers comes from, as in `extract`.
    nm, block
        The N:M pattern and the side of the blocks, in weights, that the checkpoint claims to have; `describe` measures
        whether it has.

    Returns
    -------
    PrunedModel
        A mask, bool[rows, columns], is true where the weight is not zero; columns run over kernel height, kernel width
        and input channels, the channels fastest. A layer without zeros is dense, one with empty blocks is hybrid, and
        any other is nm.

    Raises
    ------
    InputError
        When a weight is missing, has another shape or is not finite, and when a claim is impossible.

    Examples
    --------
    >>> import torch
    >>> fc = torch.nn.Linear(4, 1)
    >>> weights = {"weight": torch.tensor([[0, 1.5, 0, 2]])}
    >>> layer = describe_checkpoint(weights, fc, torch.zeros(1, 4), NM(2, 4)).layers[0]
    >>> layer.role, layer.mask.tolist()
    ('nm', [[False, True, False, True]])
    """
    if (nm is not None and not 1 <= nm.n <= nm.m) or (block is not None and block < 1):
        raise InputError(
            f"claims n:m {nm} and block {block} make no sense", hint="n must be 1 to m and the block at least 1"
        )
    found, skipped = find_layers(model, example_input)
    plain = plain_weights({name: _tensor(name, value) for name, value in weights.items()})
    keys = matched(plain, model, [entry.parameter for entry in found if entry.parameter])
    layers = tuple(
        _pruned(entry, _mask(plain[keys[entry.parameter]], entry), nm, block)
        if entry.parameter
        else PrunedLayer(entry.layer, "dense")
        for entry in found
    )
    claims = {"nm": None if nm is None else [nm.n, nm.m], "block": block}
    provenance = {"masks": "nonzeros of a checkpoint", "claims": claims}
    return PrunedModel(type(model).__name__, layers, (), skipped, provenance)


def _pruned(entry: Found, mask: NDArray[np.bool_], nm: NM | None, block: int | None) -> PrunedLayer:
    """Dense, hybrid or n:m, by what the zeros show."""
    if mask.all():
        return PrunedLayer(entry.layer, "dense")
    role: Role = "hybrid" if block is not None and _has_empty_block(mask, block) else "nm"
    return PrunedLayer(entry.layer, role, mask, nm, block if role == "hybrid" else None)


def _has_empty_block(mask: NDArray[np.bool_], block: int) -> bool:
    rows, columns = (np.arange(0, extent, block) for extent in mask.shape)
    return not np.logical_or.reduceat(np.logical_or.reduceat(mask, rows, axis=0), columns, axis=1).all()


def _mask(given: "torch.Tensor", entry: Found) -> NDArray[np.bool_]:
    """Where the weight is not zero: bool[rows, columns]."""
    layer = entry.layer
    place, parts = entry.part
    weight = numbers(entry.parameter, given)
    if parts > 1 and weight.ndim and weight.shape[0] == parts * layer.out_channels:
        weight = weight.chunk(parts)[place]
    if entry.turned and weight.ndim == 2:
        weight = weight.t()
    taps = layer.kernel if layer.kind == "conv2d" else ()
    expected = (layer.out_channels, layer.in_channels // layer.groups, *taps)
    if entry.convolution is not None:
        expected = entry.convolution.weight_shape
    if tuple(weight.shape) != expected:
        raise InputError(
            (
                f"'{entry.parameter}' is {list(weight.shape)} but layer '{layer.name}' of the model needs "
                f"{list(expected)}"
            ),
            Where("checkpoint"),
            "give the model that these weights belong to",
        )
    if entry.convolution is not None:
        return kept_view(entry.convolution, (weight != 0).numpy())
    return matrix_view(weight != 0)


def mask_of(name: str, weight: "torch.Tensor") -> NDArray[np.bool_]:
    """Where a weight is not zero: bool[rows, columns]; InputError when it holds what is no number.

    >>> import torch
    >>> mask_of("fc.weight", torch.tensor([[0.0, 2.0]])).tolist()
    [[False, True]]
    """
    return matrix_view(numbers(name, weight) != 0)


def matrix_view(kept: "torch.Tensor") -> NDArray[np.bool_]:
    """A tensor of output channels, input channels and taps as bool[rows, columns], the input channels fastest.

    >>> import torch
    >>> matrix_view(torch.tensor([[[True, False]], [[True, True]]])).tolist()
    [[True, False], [True, True]]
    """
    last = kept.movedim(1, -1) if kept.ndim > 2 else kept
    mask: NDArray[np.bool_] = np.ascontiguousarray(last.reshape(kept.shape[0], -1).numpy())
    return mask


def _tensor(name: str, value: Any) -> Any:
    """A tensor of an array; packed pairs as they are."""
    import torch

    if isinstance(value, torch.Tensor | tuple):
        return value
    try:
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        if "weight" not in name:  # settings beside the weights, as torch.ao keeps them
            return value
        raise InputError(
            f"'{name}' is no tensor ({type(value).__name__})", Where("checkpoint"), "give a state dict"
        ) from error
