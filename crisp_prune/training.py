"""What a training run is: its options, its rows and its state between two optimizer steps."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypedDict

import torch
from torch import nn

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.kinds import check_callable, check_path, settled, wrong_kind
from crisp_hw.spec.wrapped import plain_name
from crisp_prune import rng
from crisp_prune.config import CrispConfig
from crisp_prune.evaluate import Accuracy
from crisp_prune.iterate import Iteration
from crisp_prune.losses import LossFn, classification_loss
from crisp_prune.schedule import pruning_steps
from crisp_prune.sites import OWN_COPY, expanded
from crisp_prune.state import PrunerState


@dataclass(frozen=True)
class EpochRow:
    """One line of the metrics: state after an epoch; `loss` is the mean over its batches that hold the user's classes.

    The accuracies are those of `FitOptions.evaluate`, None without it.
    """

    epoch: int
    step: int
    iteration: int
    sparsity: float
    loss: float
    lr: float
    top1_all: float | None = None
    top1_classes: float | None = None


@dataclass(frozen=True)
class Progress:
    """What `on_step` is told after every optimizer step (and once at the start): counts, masks, rows so far."""

    step: int
    total: int
    iteration: int
    sparsity: float
    rows: tuple[EpochRow, ...]


@dataclass(frozen=True)
class FitOptions:
    """How `Crisp.fit` runs: nothing here changes the numbers, except the data to score with and the loss.

    `checkpoint` is written after every iteration, every epoch and, when `every` is not 0, every so many steps;
    `resume` continues from it when it exists. `score_loader` None scores with the training loader. `evaluate` is asked
    for the accuracy of the masked model after every epoch; it draws no random numbers from the run's generators.
    `callbacks` are told the row of every epoch as it ends, for logs: loss, rate, sparsity, accuracy.

    Examples
    --------
    >>> FitOptions(callbacks=[lambda row: print(row.epoch, row.loss, row.sparsity)]).every
    0
    """

    checkpoint: Path | None = None
    resume: bool = False
    every: int = 0
    score_loader: Iterable[Any] | None = None
    loss_fn: LossFn = classification_loss
    on_step: Callable[[Progress], None] | None = None
    evaluate: Callable[[nn.Module], Accuracy] | None = None
    callbacks: Sequence[Callable[[EpochRow], object]] = ()

    def __post_init__(self) -> None:
        """Refuse values of other kinds; the checkpoint may be text."""
        settled(self)
        if self.every < 0:
            raise InputError(f"every is {self.every} and cannot be negative")
        if self.checkpoint is not None:
            check_path("checkpoint", self.checkpoint)
            object.__setattr__(self, "checkpoint", Path(self.checkpoint))
        if self.score_loader is not None and not isinstance(self.score_loader, Iterable):
            raise wrong_kind("score_loader", self.score_loader, "a DataLoader or another list of batches")
        check_callable("on_step", self.on_step)
        check_callable("evaluate", self.evaluate)
        if not isinstance(self.callbacks, list | tuple) or not all(map(callable, self.callbacks)):
            raise wrong_kind("callbacks", self.callbacks, "a list of functions, each told the row of every epoch")
        if not callable(self.loss_fn):
            raise wrong_kind("loss_fn", self.loss_fn, "a function of model and batch that returns the loss")


class FitFields(TypedDict, total=False):
    """The fields of `FitOptions` as keywords of a function; a test holds it to them."""

    checkpoint: Path | None
    resume: bool
    every: int
    score_loader: Iterable[Any] | None
    loss_fn: LossFn
    on_step: Callable[[Progress], None] | None
    evaluate: Callable[[nn.Module], Accuracy] | None
    callbacks: Sequence[Callable[[EpochRow], object]]


class Pruner(Protocol):
    """What the loop asks of a pruner: to say where it stands, to prune, and to look at each step's gradients."""

    model: nn.Module
    config: CrispConfig

    @property
    def state(self) -> PrunerState:
        """Masks, history and geometry now."""

    @property
    def weights(self) -> dict[str, nn.Parameter]:
        """The dense weights of the prunable layers."""

    @property
    def device(self) -> torch.device:
        """Where batches go."""

    def record(self, batch: Any, loss_fn: LossFn) -> None:
        """Take the geometry from one batch."""

    def measure(self, batches: Iterable[Any], loss_fn: LossFn, *, together: bool) -> None:
        """Collect the gradients of a pass, in all processes together."""

    def step(self, batches: Iterable[Any] | None, loss_fn: LossFn) -> Iteration:
        """Make the next iteration."""

    def observe(self) -> None:
        """Collect the gradients that stand in `.grad`."""

    def decay(self, lr: float) -> None:
        """The SR-STE pull."""

    def state_dict(self) -> dict[str, Any]:
        """All of it for a checkpoint."""

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Continue from a checkpoint."""


class Training:
    """The mutable state of one `fit`."""

    def __init__(self, pruner: Pruner, loader: Iterable[Any], options: FitOptions) -> None:
        """Check the loader and build the optimizer."""
        config = pruner.config
        self.pruner, self.loader, self.options = pruner, loader, options
        self.steps_per_epoch = _length(loader)
        self.total = config.epochs * self.steps_per_epoch
        self.pruning_steps = pruning_steps(self.total, config.prune_until)
        self.parameters = _trained(pruner.model)
        if self.total and not self.parameters:
            said = "no weight of the model is trained: requires_grad is off everywhere"
            raise InputError(said, hint="turn it on where the network may learn, or take epochs=0 to prune alone")
        self.parameters = self.parameters or list(pruner.model.parameters())
        self.optimizer = torch.optim.SGD(
            self.parameters, lr=config.lr, momentum=config.momentum, weight_decay=config.weight_decay
        )
        self.scaler = torch.amp.GradScaler(pruner.device.type, enabled=config.amp == "fp16")
        self.step, self.loss_sum, self.losses, self.rows = 0, 0.0, 0, list[EpochRow]()
        self.epoch_rng: rng.State | None = None
        self.seen: set[int] = set()
        self.scores_with = loader if options.score_loader is None else options.score_loader

    @property
    def config(self) -> CrispConfig:
        """That of the pruner, whose target can become a number with the first batch."""
        return self.pruner.config


def _trained(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that an optimizer changes; InputError where it could not."""
    found = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    together = next((name for name, weight in found.items() if expanded(weight)), None)
    if together is not None:
        said = "several of its numbers are one in memory (expanded), so that no optimizer can change them"
        raise InputError(said, Where(key=plain_name(together)), OWN_COPY)
    return list(found.values())


def _length(loader: Iterable[Any]) -> int:
    """Batches per epoch."""
    length = getattr(loader, "__len__", None)
    batches = int(length()) if callable(length) else 0
    if batches < 1:
        raise InputError("the loader has no batch or no length", hint="give a DataLoader over a dataset with a length")
    return batches
