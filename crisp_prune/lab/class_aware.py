"""Class-aware channel pruning of others: OCAP as its authors' code does it, the rest as approximations by name."""

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor

from crisp_hw.errors import InputError
from crisp_prune.lab.watching import Masks, Watched, firing, maps_of, right, worth

IMAGES = 30
"""Images of each class that OCAP looks at: its public code."""
UNTOUCHED = 3
"""The first batch norms, which OCAP leaves whole: its public code for VGG on CIFAR."""
DROP = 0.03
"""Accuracy that CAP'NN and MyML may lose before fine-tuning: not public; assumed because CAP'NN speaks of 3 %."""
STEP = 0.05
"""Steps of thresholds and shares: not public; assumed because finer ones change little."""
SHARE = 0.5
"""Channels of a layer that CAPTOR prunes where no ratio is given: not public; assumed."""
ROUNDS = 20
"""Rounds of k-means: not public; assumed because the clusters of a few hundred channels stand still by then."""


def ocap(watched: Watched, ratio: float, often: bool = False) -> Masks:
    """OCAP: channels whose maps are among the largest `ratio` (L2 norm) for any image, or (`often`) for most.

    A channel is chosen by an image when it lies above the (1 - ratio) quantile of the layer. A layer keeps one
    channel at least; the first three batch norms stay whole.
    """
    few = torch.cat([watched.of(label)[:IMAGES] for label in watched.classes])
    masks: dict[str, Tensor] = {}
    for place, (name, maps) in enumerate(maps_of(watched, few).items()):
        chosen = _above(maps.flatten(2).norm(dim=2), ratio)
        mask = _above(chosen.sum(0).float().unsqueeze(0), ratio)[0] if often else chosen.any(0)
        masks[name] = torch.ones_like(mask) if place < UNTOUCHED else _some(mask)
    return masks


def _above(scores: Tensor, ratio: float) -> Tensor:
    """By row, what lies above the score at the place (1 - ratio) of all in ascending order.

    >>> _above(torch.tensor([[4.0, 1.0, 3.0, 2.0]]), 0.5).tolist()
    [[True, False, False, False]]
    """
    place = min(int(scores.shape[1] * (1 - ratio)), scores.shape[1] - 1)
    return scores > scores.sort(dim=1).values[:, place : place + 1]


def _some(mask: Tensor) -> Tensor:
    """The first channel where none is chosen."""
    return mask if bool(mask.any()) else mask.index_fill(0, torch.tensor([0]), True)


def _best(scores: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """By layer, all but the lowest `share` of the channels."""
    return {name: _some(score.argsort().argsort() >= int(len(score) * share)) for name, score in scores.items()}


def _as_far(watched: Watched, classes: tuple[int, ...], masks_at: Callable[[float], dict[str, Tensor]]) -> Masks:
    """The masks of the largest share that loses no more than DROP of the accuracy for `classes`."""
    shares = [step * STEP for step in range(int(1 / STEP))]
    bound = right(watched, {}, classes) - DROP
    found = masks_at(0.0)
    for share in shares[1:]:
        masks = masks_at(share)
        if right(watched, masks, classes) < bound:
            break
        found = masks
    return found


def capnn_b(watched: Watched, ratio: float) -> Masks:
    """CAP'NN-B, approximated: what every single class can do without, by its own firing rates, goes."""
    rates = firing(watched)
    keep = {name: torch.zeros(rate.shape[1], dtype=torch.bool) for name, rate in rates.items()}
    for place, label in enumerate(watched.classes):
        own = {name: rate[place] for name, rate in rates.items()}
        for name, mask in _as_far(watched, (label,), partial(_best, own)).items():
            keep[name] |= mask
    return keep


def capnn_w(watched: Watched, ratio: float) -> Masks:
    """CAP'NN-W, approximated: firing rates weighted by how likely a class is, here all alike."""
    rates = {name: rate.mean(0) for name, rate in firing(watched).items()}
    return _as_far(watched, watched.classes, partial(_best, rates))


def capnn_m(watched: Watched, ratio: float) -> Masks:
    """CAP'NN-M, approximated: as W, where channels that speak against the classes count as if they did not fire."""
    helps = {name: each.mean(0) > 0 for name, each in worth(watched).items()}
    rates = {name: rate.mean(0) * helps[name] for name, rate in firing(watched).items()}
    return _as_far(watched, watched.classes, partial(_best, rates))


def captor(watched: Watched, ratio: float) -> Masks:
    """CAPTOR, approximated: channels are clustered by what they are worth to each class; the least wanted clusters go.

    `ratio` is the share of a layer's channels that stays; k-means starts from channels at equal steps of their worth.
    """
    keep = SHARE if ratio <= 0 else ratio
    masks: dict[str, Tensor] = {}
    for name, each in worth(watched).items():
        points = each.t()  # channels x classes
        clusters = _clusters(points, min(len(points), 2 * len(watched.classes)))
        wanted = points.mean(1)
        order = sorted(set(clusters.tolist()), key=lambda cluster: float(wanted[clusters == cluster].mean()))
        mask = torch.ones(len(points), dtype=torch.bool)
        for cluster in order:
            rest = mask & (clusters != cluster)
            if int(rest.sum()) < keep * len(points):
                break
            mask = rest
        masks[name] = _some(mask)
    return masks


def _clusters(points: Tensor, count: int) -> Tensor:
    """k-means with Euclidean distances: the cluster of every point.

    >>> _clusters(torch.tensor([[0.0], [0.1], [5.0], [5.1]]), 2).tolist()
    [0, 0, 1, 1]
    """
    order = points.mean(1).argsort()
    centres = points[order[torch.linspace(0, len(points) - 1, count).long()]]
    found = torch.zeros(len(points), dtype=torch.long)
    for _ in range(ROUNDS):
        found = torch.cdist(points, centres).argmin(1)
        mine = [points[found == place] for place in range(count)]
        centres = torch.stack([each.mean(0) if len(each) else centres[place] for place, each in enumerate(mine)])
    return found


def myml(watched: Watched, ratio: float) -> Masks:
    """MyML, approximated: from the first layer up, the channels that respond least go while the accuracy holds."""
    masks = {name: torch.ones(rate.shape[1], dtype=torch.bool) for name, rate in firing(watched).items()}
    means = {name: maps.mean(dim=(0, 2, 3)) for name, maps in maps_of(watched, watched.images).items()}
    for name, mean in means.items():
        masks[name] = _as_far(watched, watched.classes, partial(_with, masks, name, mean))[name]
    return masks


def _with(masks: Masks, name: str, mean: Tensor, share: float) -> dict[str, Tensor]:
    """The masks with another one for one layer."""
    return {**masks, **_best({name: mean}, share)}


METHODS: dict[str, Callable[[Watched, float], Masks]] = {
    "ocap": ocap,
    "ocap-fr": lambda watched, ratio: ocap(watched, ratio, often=True),
    "capnn-b": capnn_b,
    "capnn-w": capnn_w,
    "capnn-m": capnn_m,
    "captor": captor,
    "myml": myml,
}
"""The methods by the name that a study gives; all but OCAP are approximations: their thresholds are not public."""


def masks_of(method: str, watched: Watched, ratio: float) -> Masks:
    """The channels that stay by one of the methods; InputError names them all."""
    if method not in METHODS:
        raise InputError(f"unknown method {method!r}", hint=f"there are {', '.join(METHODS)}")
    return METHODS[method](watched, ratio)
