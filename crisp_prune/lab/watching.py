"""What the channels behind a network's batch norms do for images: their maps, how often they fire, their worth."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from crisp_prune.geometry import evaluation

Masks = Mapping[str, Tensor]
"""Which channels stay, bool by the name of a batch norm."""


@dataclass(frozen=True)
class Watched:
    """A network with images of the user's classes, class by class; nothing of it changes while it is watched."""

    network: nn.Module
    images: Tensor
    labels: Tensor
    classes: tuple[int, ...]

    @property
    def norms(self) -> tuple[str, ...]:
        """The batch norms in the order in which they stand in the network."""
        return tuple(name for name, module in self.network.named_modules() if isinstance(module, nn.BatchNorm2d))

    def of(self, label: int) -> Tensor:
        """The images of one class."""
        return self.images[self.labels == label]


@contextmanager
def hooked(network: nn.Module, hooks: Mapping[str, Any]) -> Iterator[None]:
    """Forward hooks on modules by name while the context lasts."""
    modules = dict(network.named_modules())
    handles = [modules[name].register_forward_hook(hook) for name, hook in hooks.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def maps_of(watched: Watched, images: Tensor) -> dict[str, Tensor]:
    """The rectified maps behind every batch norm: [images, channels, height, width]."""
    found: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        return lambda module, given, output: found.__setitem__(name, output.relu())

    hooks = {name: keep(name) for name in watched.norms}
    with evaluation(watched.network), torch.no_grad(), hooked(watched.network, hooks):
        watched.network(images)
    return found


def firing(watched: Watched) -> dict[str, Tensor]:
    """How often each channel fires for each class: the share of positions above 0, [classes, channels].

    >>> network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    >>> watched = Watched(network, torch.rand(4, 1, 2, 2), torch.tensor([0, 0, 1, 1]), (0, 1))
    >>> firing(watched)["1"].shape
    torch.Size([2, 2])
    """
    rates: dict[str, list[Tensor]] = {name: [] for name in watched.norms}
    for label in watched.classes:
        for name, maps in maps_of(watched, watched.of(label)).items():
            rates[name].append((maps > 0).float().mean(dim=(0, 2, 3)))
    return {name: torch.stack(each) for name, each in rates.items()}


def worth(watched: Watched) -> dict[str, Tensor]:
    """What the loss of each class would rise by without a channel, to first order: -activation x gradient, averaged.

    [classes, channels]; below 0 where a channel speaks against the class.
    """
    found: dict[str, list[Tensor]] = {name: [] for name in watched.norms}
    for label in watched.classes:
        for name, each in _worth_of_class(watched, label).items():
            found[name].append(each)
    return {name: torch.stack(each) for name, each in found.items()}


def _worth_of_class(watched: Watched, label: int) -> dict[str, Tensor]:
    kept: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        return lambda module, given, output: kept.__setitem__(name, output)

    images = watched.of(label)
    with evaluation(watched.network), torch.enable_grad():
        with hooked(watched.network, {name: keep(name) for name in watched.norms}):
            outputs = watched.network(images)
        loss = cross_entropy(outputs, torch.full((len(images),), label), reduction="sum")
        gradients = torch.autograd.grad(loss, list(kept.values()))
    pairs = zip(kept.items(), gradients, strict=True)
    return {name: -(maps.detach() * grad).sum(dim=(2, 3)).mean(0) for (name, maps), grad in pairs}


def right(watched: Watched, masks: Masks, classes: Sequence[int]) -> float:
    """Top-1 over all outputs for the images of some classes with channels masked: never below that of none."""

    def gate(mask: Tensor) -> Any:
        return lambda module, given, output: output * mask.reshape(1, -1, 1, 1)

    chosen = torch.isin(watched.labels, torch.tensor(list(classes)))
    hooks = {name: gate(mask) for name, mask in masks.items()}
    with evaluation(watched.network), torch.no_grad(), hooked(watched.network, hooks):
        outputs = watched.network(watched.images[chosen])
    return float((outputs.argmax(1) == watched.labels[chosen]).float().mean())


def without(network: nn.Module, masks: Masks) -> None:
    """Scale and shift the channels that do not stay to nothing, so that `shrink` can take them away."""
    modules = dict(network.named_modules())
    with torch.no_grad():
        for name, mask in masks.items():
            norm = modules[name]
            assert isinstance(norm, nn.BatchNorm2d)
            norm.weight[~mask] = 0
            norm.bias[~mask] = 0
