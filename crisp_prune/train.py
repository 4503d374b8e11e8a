"""The fine-tuning loop around the iterations: one optimizer, one learning-rate schedule, resumable at every step."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import distributed as dist
from torch import nn

from crisp_hw.errors import InputError, Mark, Where
from crisp_prune import rng
from crisp_prune.batches import LossFn, classification_loss, first_batch, only_classes, to_device
from crisp_prune.checkpoint import load_checkpoint, save_checkpoint
from crisp_prune.config import CrispConfig
from crisp_prune.geometry import evaluation
from crisp_prune.iterate import Iteration
from crisp_prune.schedule import boundary, pruning_steps, rate_factor
from crisp_prune.state import PrunerState

VERSION = 1
"""Version of the checkpoint's layout."""


@dataclass(frozen=True)
class EpochRow:
    """One line of the metrics: state after an epoch; `loss` is the mean over its batches."""

    epoch: int
    step: int
    iteration: int
    sparsity: float
    loss: float
    lr: float


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
    `resume` continues from it when it exists. `score_loader` None scores with the training loader.
    """

    checkpoint: Path | None = None
    resume: bool = False
    every: int = 0
    score_loader: Iterable[Any] | None = None
    loss_fn: LossFn = classification_loss
    on_step: Callable[[Progress], None] | None = None


class Pruner(Protocol):
    """What the loop asks of a pruner: to say where it stands, to prune, and to look at each step's gradients."""

    model: nn.Module
    config: CrispConfig

    @property
    def state(self) -> PrunerState:
        """Masks, history and geometry now."""

    @property
    def device(self) -> torch.device:
        """Where batches go."""

    def record(self, batch: Any, loss_fn: LossFn) -> None:
        """Take the geometry from one batch."""

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
        self.pruner, self.loader, self.options, self.config = pruner, loader, options, config
        self.steps_per_epoch = _length(loader)
        self.total = config.epochs * self.steps_per_epoch
        self.pruning_steps = pruning_steps(self.total, config.prune_until)
        self.parameters = [p for p in pruner.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(
            self.parameters, lr=config.lr, momentum=config.momentum, weight_decay=config.weight_decay
        )
        self.scaler = torch.amp.GradScaler(pruner.device.type, enabled=config.amp == "fp16")
        self.step, self.loss_sum, self.rows = 0, 0.0, list[EpochRow]()
        self.epoch_rng: rng.State | None = None
        self.scores_with = loader if options.score_loader is None else options.score_loader


def run(training: Training) -> None:
    """Prune and fine-tune to the end, from the checkpoint when there is one to resume."""
    pruner, options = training.pruner, training.options
    _check(training)
    with evaluation(pruner.model):
        pruner.model.train()
        resumed = options.resume and options.checkpoint is not None and options.checkpoint.exists()
        if resumed and options.checkpoint is not None:
            skip_to = _load(training, options.checkpoint)
        else:
            skip_to = None
            rng.seed_all(training.config.seed, training.loader)
            if pruner.state.geometry is None:
                pruner.record(first_batch(training.loader, training.config.classes), options.loss_fn)
        _report(training)
        while training.step < training.total:
            _epoch(training, _open(training, skip_to))
            skip_to = None
        _prune_due(training)
        _save(training)
    training.optimizer.zero_grad()


def _epoch(training: Training, batches: Iterator[Any]) -> None:
    """The rest of one epoch."""
    every, per_epoch = training.options.every, training.steps_per_epoch
    while training.epoch_rng is not None:
        _prune_due(training)
        _optimize(training, next(batches))
        training.step += 1
        ended = training.step % per_epoch == 0
        if ended:
            _close_epoch(training)
        if ended or (every and training.step % every == 0):
            _save(training)
        _report(training)


def _prune_due(training: Training) -> None:
    """Every iteration whose step has come."""
    pruner, config = training.pruner, training.config
    while not pruner.state.done and _next_boundary(training) <= training.step:
        online = config.online and training.step > 0
        pruner.step(None if online else training.scores_with, training.options.loss_fn)
        _save(training)
        _report(training)


def _optimize(training: Training, batch: Any) -> None:
    """One optimizer step on the samples of the user's classes (none among them: only the schedule moves on)."""
    pruner, config, optimizer, scaler = training.pruner, training.config, training.optimizer, training.scaler
    mine = only_classes(to_device(batch, pruner.device), config.classes)
    if mine is None:
        return
    rate = _rate(training)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    kind = torch.float16 if config.amp == "fp16" else torch.bfloat16
    with torch.autocast(pruner.device.type, dtype=kind, enabled=config.amp != "off"):
        loss = training.options.loss_fn(pruner.model, mine)
    if not isfinite(loss.item()):
        raise InputError(f"the loss is {loss.item()} at step {training.step}", hint="lower the learning rate")
    torch.autograd.backward(scaler.scale(loss))
    scaler.unscale_(optimizer)
    if _observing(training):
        pruner.observe()
    scaler.step(optimizer)
    scaler.update()
    pruner.decay(rate)
    training.loss_sum += loss.item()


def _rate(training: Training) -> float:
    """Learning rate of the current step."""
    warmup = round(training.config.warmup * training.steps_per_epoch)
    return training.config.lr * rate_factor(
        training.step, training.total, min(warmup, training.total), training.pruning_steps
    )


def _observing(training: Training) -> bool:
    """Is this step in the last epoch before the next iteration, with gradients collected online?"""
    pruner, config = training.pruner, training.config
    if not config.online or pruner.state.done:
        return False
    return _next_boundary(training) - training.step <= training.steps_per_epoch


def _next_boundary(training: Training) -> int:
    """Step before which the next iteration prunes."""
    return boundary(training.pruner.state.iteration, training.config.iterations, training.pruning_steps)


def _open(training: Training, skip_to: rng.State | None) -> Iterator[Any]:
    """The epoch's batches; after a resume, those already used are read again and dropped (`skip_to`: state then)."""
    loader, (epoch, used) = training.loader, divmod(training.step, training.steps_per_epoch)
    inside = skip_to is not None and training.epoch_rng is not None
    if inside and training.epoch_rng is not None:
        rng.restore(training.epoch_rng, loader)
    elif skip_to is not None:
        rng.restore(skip_to, loader)
    training.epoch_rng = rng.capture(loader)
    set_epoch = getattr(getattr(loader, "sampler", None), "set_epoch", None)
    if callable(set_epoch):
        set_epoch(epoch)
    batches = iter(loader)
    for _ in range(used):
        next(batches)
    # Making the iterator draws from the generators, so the state inside an epoch is put back only after that.
    if inside and skip_to is not None:
        rng.restore(skip_to, loader)
    return batches


def _close_epoch(training: Training) -> None:
    """Note the epoch's metrics."""
    training.epoch_rng = None
    epoch = training.step // training.steps_per_epoch
    loss, training.loss_sum = training.loss_sum / training.steps_per_epoch, 0.0
    rate, state = float(training.optimizer.param_groups[0]["lr"]), training.pruner.state
    training.rows.append(EpochRow(epoch, training.step, state.iteration, state.sparsity, loss, rate))


def _report(training: Training) -> None:
    """Tell the caller where the run stands."""
    if training.options.on_step is not None:
        state = training.pruner.state
        training.options.on_step(
            Progress(training.step, training.total, state.iteration, state.sparsity, tuple(training.rows))
        )


def _save(training: Training) -> None:
    """Write the checkpoint: everything that the rest of the run depends on."""
    if training.options.checkpoint is None:
        return
    content = {
        "version": VERSION,
        "pruner": training.pruner.state_dict(),
        "model": training.pruner.model.state_dict(),
        "optimizer": training.optimizer.state_dict(),
        "scaler": training.scaler.state_dict(),
        "step": training.step,
        "steps_per_epoch": training.steps_per_epoch,
        "loss_sum": training.loss_sum,
        "rows": [asdict(row) for row in training.rows],
        "epoch_rng": training.epoch_rng,
        "rng": rng.capture(training.loader),
    }
    save_checkpoint(training.options.checkpoint, content)


def _load(training: Training, path: Path) -> rng.State:
    """Read the checkpoint back; the answer is the state of the random generators at that step."""
    saved: Mapping[str, Any] = load_checkpoint(path)
    if saved.get("version") != VERSION:
        raise InputError(
            f"checkpoint version {saved.get('version')}, this release reads {VERSION}", Where(mark=Mark(str(path)))
        )
    try:
        return _continue(training, saved, path)
    except (LookupError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        said = " ".join(str(error).split())[:200]
        where = Where(mark=Mark(str(path)))
        raise InputError(
            f"is no checkpoint of a run that can go on ({type(error).__name__}: {said})",
            where,
            "remove it to start anew",
        ) from error


def _continue(training: Training, saved: Mapping[str, Any], path: Path) -> rng.State:
    """Put what was saved into pruner, model and optimizer."""
    if saved["steps_per_epoch"] != training.steps_per_epoch:
        raise InputError(
            f"the loader has {training.steps_per_epoch} batches, the saved run's had {saved['steps_per_epoch']}",
            Where(mark=Mark(str(path))),
            "resume with the same data and batch size",
        )
    training.pruner.load_state_dict(saved["pruner"])
    training.pruner.model.load_state_dict(saved["model"])
    training.optimizer.load_state_dict(saved["optimizer"])
    training.scaler.load_state_dict(saved["scaler"])
    training.step, training.loss_sum = saved["step"], saved["loss_sum"]
    training.rows = [EpochRow(**row) for row in saved["rows"]]
    training.epoch_rng = saved["epoch_rng"]
    state: rng.State = saved["rng"]
    return state


def _check(training: Training) -> None:
    """Refuse what the loop cannot do."""
    checkpoint = training.options.checkpoint
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        raise InputError(
            "fit() runs in one process", hint="with torch.distributed, write the loop yourself around step()"
        )
    if getattr(training.loader, "persistent_workers", False):
        raise InputError("fit() cannot resume persistent_workers=True bit for bit", hint="build the loader without it")
    if checkpoint is not None and checkpoint.exists() and not training.options.resume:
        raise InputError(f"{checkpoint} exists", hint="set resume=True to continue it, or remove it to start anew")


def _length(loader: Iterable[Any]) -> int:
    """Batches per epoch."""
    length = getattr(loader, "__len__", None)
    batches = int(length()) if callable(length) else 0
    if batches < 1:
        raise InputError("the loader has no batch or no length", hint="give a DataLoader over a dataset with a length")
    return batches
