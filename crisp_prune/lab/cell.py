"""One cell of a study: the dense network that it starts from, its pruning and fine-tuning, and what comes out."""

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from crisp_hw.errors import InputError
from crisp_hw.machine.objects import call_factory
from crisp_hw.spec.descriptors import PrunedModel
from crisp_prune.checkpoint import load_checkpoint, save_checkpoint
from crisp_prune.evaluate import accuracy
from crisp_prune.geometry import layers_of, record
from crisp_prune.hardware import Budget, find_budget, target_from
from crisp_prune.head import slice_head
from crisp_prune.lab.class_aware import METHODS, masks_of
from crisp_prune.lab.images import Images, first_of_each, open_images
from crisp_prune.lab.networks import NETWORKS
from crisp_prune.lab.study import Cell
from crisp_prune.lab.tuning import chosen, tune
from crisp_prune.lab.watching import Watched, without
from crisp_prune.prune import Crisp
from crisp_prune.ratios.problem import Problem
from crisp_prune.ratios.settle import problem_of, settle
from crisp_prune.shrink import shrink
from crisp_prune.sites import find_sites

PRETRAIN_PEAK = 5e-3
"""Peak learning rate of AdamW with a one-cycle schedule: not given; assumed because it trains these networks well."""


@dataclass(frozen=True)
class Measured:
    """What came out of a cell, as shares; `macs` is that of the dense multiply-accumulates that is left.

    With a budget `target` and `cost` are shares of what the dense network costs, and `trail` holds the accuracy of
    every choice that its driver asked for.
    """

    method: str
    target: float | None
    classes: tuple[int, ...]
    seed: int
    data: str
    sparsity: float
    top1_all: float
    top1_classes: float
    macs: float
    seconds: float
    by_layer: dict[str, float]
    cost: float | None = None
    trail: tuple[float, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"classes": list(self.classes), "trail": list(self.trail)}


def measured_from(plain: dict[str, Any]) -> Measured:
    """The inverse of `Measured.as_dict`."""
    return Measured(**(plain | {"classes": tuple(plain["classes"]), "trail": tuple(plain.get("trail", ()))}))


def network_of(cell: Cell, images: Images) -> nn.Module:
    """The untrained network of a cell."""
    torch.manual_seed(cell.seed)
    if ":" in cell.model:
        found = call_factory(cell.model)
        if not isinstance(found, nn.Module):
            raise InputError(f"{cell.model} gave {type(found).__name__}, not a torch module")
        return found
    if cell.model not in NETWORKS:
        hint = f"there are {', '.join(NETWORKS)}, or package.module:factory"
        raise InputError(f"unknown model {cell.model!r}", hint=hint)
    return NETWORKS[cell.model](images.classes, images.channels)


def start(cell: Cell, folder: Path) -> None:
    """Train the dense network that a cell starts from on all classes, unless its file is there."""
    path = folder / f"{cell.start}.pt"
    if path.exists():
        return
    images = open_images(cell.data, cell.side)
    network, (inputs, labels) = network_of(cell, images), images.train
    chosen = first_of_each(labels, tuple(range(images.classes)), cell.per_class)
    torch.manual_seed(cell.seed)
    batches = DataLoader(TensorDataset(inputs[chosen], labels[chosen]), batch_size=64, shuffle=True, drop_last=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=PRETRAIN_PEAK)
    steps = max(1, cell.pretrain_epochs * len(batches))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PRETRAIN_PEAK, total_steps=steps)
    network.train()
    for _ in range(cell.pretrain_epochs):
        for batch, targets in batches:
            optimizer.zero_grad()
            torch.autograd.backward(cross_entropy(network(batch), targets))
            optimizer.step()
            schedule.step()
    save_checkpoint(path, network.state_dict())


def measure(cell: Cell, folder: Path) -> Measured:
    """Prune the network of `start` as the cell says, fine-tune it, and test it on all test images of its classes."""
    began = time.perf_counter()
    images = open_images(cell.data, cell.side)
    network = network_of(cell, images)
    network.load_state_dict(load_checkpoint(folder / f"{cell.start}.pt"))
    if cell.method.kind in METHODS:
        return measured_channels(cell, images, network, began)
    loader, test = loaders(cell, images)
    problem = None if cell.budget is None else _problem(cell, network, list(loader))
    config = cell.config() if problem is None else settle(problem, cell.method.driver or "").config
    pruner = Crisp(network, config, sample=images.test[0][:1])
    pruner.fit(loader)
    pruner.finalize()
    reached = accuracy(network, test, cell.classes)
    exported = pruner.export()
    found = Measured(
        cell.method.name, cell.sparsity, cell.classes, cell.seed, images.source, pruner.sparsity, reached.top1_all,
        reached.top1_classes, macs_left(exported), time.perf_counter() - began, sparsities(exported),
    )  # fmt: skip
    if problem is None:
        return found
    cost = sum(_budget(cell).costs(exported.layers)) / problem.dense
    return replace(found, target=problem.limit / problem.dense, cost=cost, trail=tuple(problem.trail))


def _budget(cell: Cell) -> Budget:
    return find_budget(cell.arch or "", target_from(cell.budget or "").metric)


def _problem(cell: Cell, network: nn.Module, batches: list[Any]) -> Problem:
    """What the driver of a cell decides."""
    found = problem_of(network, cell.config(), batches, _budget(cell), target_from(cell.budget or ""))
    found.judge = replace(found.judge, evaluations=cell.evaluations or found.judge.evaluations)
    return found


def loaders(cell: Cell, images: Images) -> tuple[DataLoader[tuple[Tensor, ...]], DataLoader[tuple[Tensor, ...]]]:
    """Training batches of the cell's classes, shuffled, and its test images."""
    (inputs, labels), (held, held_labels) = images.train, images.test
    train = first_of_each(labels, cell.classes, cell.per_class)
    test = first_of_each(held_labels, cell.classes, len(held_labels))
    if not len(train) or not len(test):
        raise InputError(f"no image of the classes {cell.classes}", hint=f"the data has {images.classes} classes")
    shuffled = DataLoader(TensorDataset(inputs[train], labels[train]), cell.batch_size, shuffle=True, drop_last=True)
    return shuffled, DataLoader(TensorDataset(held[test], held_labels[test]), 1000)


def macs_left(exported: PrunedModel) -> float:
    """Kept weights x output positions, over the same of the dense network: multiply-accumulates that are left.

    >>> macs_left(PrunedModel("none", ()))
    1.0
    """
    kept = sum(layer.layer.macs * _density(layer.mask) for layer in exported.layers)
    dense = sum(layer.layer.macs for layer in exported.layers)
    return kept / dense if dense else 1.0


def sparsities(exported: PrunedModel) -> dict[str, float]:
    """Share of zeros by layer, in order of execution."""
    return {each.layer.name: 1 - _density(each.mask) for each in exported.layers if each.layer.kind != "matmul"}


def _density(mask: Any) -> float:
    return 1.0 if mask is None else float(mask.mean())


def measured_channels(cell: Cell, images: Images, network: nn.Module, began: float) -> Measured:
    """A cell of a class-aware channel method: channels and outputs are gone for real before it is fine-tuned.

    OCAP is fine-tuned as its code does it, the others with the steps and the rate of all methods.
    """
    inputs, labels = images.train
    mine = first_of_each(labels, cell.classes, cell.per_class)
    watched = Watched(network, inputs[mine], labels[mine], cell.classes)
    sample, dense = images.test[0][:1], _weights(network)
    macs = _macs(network, sample)
    without(network, masks_of(cell.method.kind, watched, cell.method.ratio))
    cut = shrink(slice_head(network, cell.classes), sample).model
    places = tuple(range(len(cell.classes)))
    torch.manual_seed(cell.seed)
    if cell.method.kind.startswith("ocap"):
        chosen_ones = [chosen(network, watched.of(label), cell.seed) for label in cell.classes]
        some = torch.cat([watched.of(label)[place] for label, place in zip(cell.classes, chosen_ones, strict=True)])
        tune(
            cut, some, torch.cat([torch.full((len(each),), at) for at, each in enumerate(chosen_ones)]), cell.batch_size
        )
    else:
        loader = DataLoader(
            TensorDataset(watched.images, _places(cell, watched.labels)), cell.batch_size, True, drop_last=True
        )
        pruner = Crisp(cut, replace(cell.config(), classes=places), sample=sample)
        pruner.fit(loader)
        pruner.finalize()
    held, held_labels = images.test
    test = first_of_each(held_labels, cell.classes, len(held_labels))
    reached = accuracy(cut, DataLoader(TensorDataset(held[test], _places(cell, held_labels[test])), 1000), places)
    left = _weights(cut)
    return Measured(
        cell.method.name, None, cell.classes, cell.seed, images.source, 1 - sum(left.values()) / sum(dense.values()),
        reached.top1_all, reached.top1_classes, _macs(cut, sample) / macs, time.perf_counter() - began,
        {name: 1 - left[name] / count for name, count in dense.items()},
    )  # fmt: skip


def _places(cell: Cell, labels: Tensor) -> Tensor:
    """Labels as places among the classes of a cell, which are the outputs of a head that was cut."""
    return torch.tensor([cell.classes.index(label) for label in labels.tolist()])


def _weights(network: nn.Module) -> dict[str, int]:
    """Weights of the convolutions and Linear layers."""
    layers = ((name, module) for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear))
    return {name: module.weight.numel() for name, module in layers}


def _macs(network: nn.Module, sample: Tensor) -> int:
    """Multiply-accumulates of a dense network for one image."""
    geometry = record(network, find_sites(network), lambda: network(sample), 1)
    sites = {use.name: site for site in find_sites(network) for use in site.uses}
    counted = (layers_of(network, sites[call.use], call, 1) for call in geometry.calls)
    return sum(each.layer.macs for parts in counted for each in parts)
