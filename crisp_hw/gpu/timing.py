"""Which layers of a network can be timed, and their times beside the model's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError
from crisp_hw.gpu.kernels import TimeProduct
from crisp_hw.spec.descriptors import Descriptor, PrunedLayer
from crisp_hw.spec.gpu import TimedLayer
from crisp_hw.spec.layer import Skipped

GROUP, KEPT = 4, 2


@dataclass(frozen=True)
class Timed:
    """The layers that were timed, and those that were not with the reason."""

    layers: tuple[TimedLayer, ...]
    skipped: tuple[Skipped, ...]


def timed(
    descriptors: Sequence[Descriptor],
    masks: Mapping[str, PrunedLayer],
    time: TimeProduct,
    predict: Callable[[Sequence[Descriptor]], Mapping[str, float]],
) -> Timed:
    """Time the linear layers whose weights are 2:4.

    Parameters
    ----------
    descriptors
        The layers; one without a mask in `masks` gets weights of its pattern, drawn once and for all.
    masks
        Masks by layer.
    time
        What times a product.
    predict
        The model's speedup over dense, by layer, of those that are timed.
    """
    found, skipped = [], []
    for each in descriptors:
        if why := _unfit(each):
            skipped.append(Skipped(each.layer.name, why))
            continue
        try:
            found.append((each, time(_mask(each, masks.get(each.layer.name)), each.layer.positions)))
        except InputError as error:
            skipped.append(Skipped(each.layer.name, error.reason))
    speedups = predict([each for each, _ in found]) if found else {}
    rows = tuple(
        TimedLayer(
            each.layer.name, each.layer.rows, each.layer.columns, each.layer.positions, times, speedups[each.layer.name]
        )
        for each, times in found
    )
    return Timed(rows, tuple(skipped))


def _unfit(descriptor: Descriptor) -> str:
    """Why a layer is no product of 2:4 weights; empty where it is one."""
    if descriptor.layer.kind != "linear":
        return "PyTorch has 2:4 kernels for linear layers alone"
    nm = descriptor.nm
    if nm is None:
        return "its weights are not 2:4"
    obeys = GROUP % nm.m == 0 and nm.n * (GROUP // nm.m) <= KEPT
    return "" if obeys else f"its weights are {nm}, which is not 2:4"


def _mask(descriptor: Descriptor, pruned: PrunedLayer | None) -> NDArray[np.bool_]:
    """The mask of a layer, or one of its pattern."""
    if pruned is not None and pruned.mask is not None:
        return pruned.mask
    rows, columns = descriptor.layer.rows, descriptor.layer.columns
    return np.broadcast_to(np.arange(columns) % GROUP < KEPT, (rows, columns)).copy()
