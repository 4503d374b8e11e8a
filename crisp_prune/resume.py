"""The checkpoint of a training run: everything that the rest of the run depends on, and back."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.foreign import in_our_words
from crisp_hw.spec.wrapped import by_plain_name, own_names
from crisp_prune import rng
from crisp_prune.checkpoint import load_checkpoint, save_checkpoint
from crisp_prune.dense_state import dense_state
from crisp_prune.together import gathered, of_first, place, processes
from crisp_prune.training import EpochRow, Training

OWN = ("epoch_rng", "rng")
"""What each of several processes has of its own."""
VERSION = 1
"""Version of the checkpoint's layout."""


def save(training: Training) -> None:
    """Write the checkpoint: everything that the rest of the run depends on."""
    if training.options.checkpoint is None:
        return
    content = {
        "version": VERSION,
        "pruner": training.pruner.state_dict(),
        "model": by_plain_name(dense_state(training.pruner.model)),
        "optimizer": training.optimizer.state_dict(),
        "scaler": training.scaler.state_dict(),
        "step": training.step,
        "steps_per_epoch": training.steps_per_epoch,
        "loss_sum": training.loss_sum,
        "losses": training.losses,
        "rows": [asdict(row) for row in training.rows],
        "epoch_rng": training.epoch_rng,
        "rng": rng.capture(training.loader),
    }
    content["places"] = gathered({name: content[name] for name in OWN})
    path = training.options.checkpoint
    of_first(lambda: save_checkpoint(path, content))


def load(training: Training, path: Path) -> rng.State:
    """Read the checkpoint back; the answer is the state of the random generators at that step."""
    saved: dict[str, Any] = of_first(lambda: load_checkpoint(path))
    if saved.get("version") != VERSION:
        raise InputError(
            f"checkpoint version {saved.get('version')}, this release reads {VERSION}", Where(mark=Mark(str(path)))
        )
    many = len(saved.get("places", [OWN]))  # checkpoints of before are of one process
    if many != processes():
        said = f"the saved run was one of {many} processes, this one is one of {processes()}"
        raise InputError(said, Where(mark=Mark(str(path))), "start as many")
    try:
        return _continue(training, {**saved, **(saved["places"][place()] if "places" in saved else {})}, path)
    except (LookupError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        where = Where(mark=Mark(str(path)))
        raise InputError(
            f"is no checkpoint of a run that can go on ({in_our_words(error)})",
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
    own = own_names(dense_state(training.pruner.model))  # compiled or not, then or now
    training.pruner.model.load_state_dict({own.get(name, name): v for name, v in by_plain_name(saved["model"]).items()})
    training.optimizer.load_state_dict(saved["optimizer"])
    training.scaler.load_state_dict(saved["scaler"])
    training.step, training.loss_sum = saved["step"], saved["loss_sum"]
    # Checkpoints of before have none: then every batch gave a loss.
    training.losses = saved.get("losses", training.step % training.steps_per_epoch)
    training.rows = [EpochRow(**row) for row in saved["rows"]]
    training.epoch_rng = saved["epoch_rng"]
    state: rng.State = saved["rng"]
    return state
