"""Weights of a checkpoint as matrices of integers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.io.checkpoint import read_state_dict
from crisp_hw.io.state_dict import numbers
from crisp_hw.spec.layer import Layer

LARGEST = 127  # of int8, symmetric


def integer_weights(path: Path, layers: Sequence[Layer]) -> dict[str, NDArray[np.int64]]:
    """Every layer's weight as int64[rows, columns], scaled so that the largest of a layer is 127, and rounded.

    Raises InputError where a layer has no weight of its shape in the file.
    """
    tensors = read_state_dict(path).tensors
    found = {}
    for layer in layers:
        key = f"{layer.name}.weight"
        if key not in tensors:
            named = ", ".join(sorted(tensors)[:4])
            raise InputError(
                f"has no '{key}'", Where(mark=Mark(str(path))), f"give the weights of this network; it has {named}, ..."
            )
        given = tensors[key]
        last = given.movedim(1, -1) if given.ndim > 2 else given
        if last.numel() != layer.rows * layer.columns or last.shape[0] != layer.rows:
            said = f"'{key}' is {list(given.shape)} and the layer is a matrix of {layer.rows} x {layer.columns}"
            raise InputError(said, Where(mark=Mark(str(path))), "give the weights of this network")
        try:
            values = numbers(key, last).double().numpy().reshape(layer.rows, layer.columns)
        except InputError as error:
            raise error.within(str(path)) from error
        scale = LARGEST / max(float(np.abs(values).max()), np.finfo(float).tiny)
        found[layer.name] = np.rint(values * scale).astype(np.int64)
    return found
