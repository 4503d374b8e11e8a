"""The fine-tuning loop around the iterations: one optimizer, one learning-rate schedule, resumable at every step."""

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite, nan
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.kinds import wrong_kind
from crisp_hw.spec.wrapped import modules_of
from crisp_prune import rng
from crisp_prune.attach import mask_hooks
from crisp_prune.batches import first_batch, labels_in, only_classes, samples_told, say_missing, to_device
from crisp_prune.choices import WITHOUT_GRADIENTS
from crisp_prune.evaluate import Accuracy
from crisp_prune.geometry import evaluation
from crisp_prune.gradients import thawed
from crisp_prune.losses import checked_loss
from crisp_prune.resume import load, save
from crisp_prune.schedule import boundary, rate_factor, rewound_factor
from crisp_prune.together import (
    average,
    from_first,
    gathered,
    of_first,
    place,
    processes,
    require_same,
    require_shares,
    shares_of,
)
from crisp_prune.training import EpochRow, Progress, Training


def run(training: Training) -> None:
    """Prune and fine-tune to the end, from the checkpoint when there is one to resume."""
    pruner, options = training.pruner, training.options
    _check(training)
    with evaluation(pruner.model):
        pruner.model.train()
        from_first((*pruner.model.parameters(), *pruner.model.buffers()))
        resumed = of_first(lambda: options.resume and options.checkpoint is not None and options.checkpoint.exists())
        if resumed and options.checkpoint is not None:
            skip_to = load(training, options.checkpoint)
        else:
            skip_to = None
            rng.seed_all(training.config.seed, training.loader)
            if pruner.state.geometry is None or processes() > 1:
                batch = first_batch(training.loader, training.config.classes)
                require_shares(batch)
            if pruner.state.geometry is None:
                pruner.record(batch, options.loss_fn)
        _report(training)
        while training.step < training.total:
            _epoch(training, _open(training, skip_to))
            skip_to = None
        _prune_due(training)
        save(training)
    training.optimizer.zero_grad()


def _epoch(training: Training, batches: Iterator[Any]) -> None:
    """The rest of one epoch."""
    every, per_epoch = training.options.every, training.steps_per_epoch
    while training.epoch_rng is not None:
        _prune_due(training)
        _optimize(training, _next(training, batches))
        training.step += 1
        ended = training.step % per_epoch == 0
        if ended:
            _close_epoch(training)
        if ended or (every and training.step % every == 0):
            save(training)
        _report(training)


def _next(training: Training, batches: Iterator[Any]) -> Any:
    """The next batch; InputError where the loader has fewer than it says."""
    for batch in batches:
        return batch
    used = training.step % training.steps_per_epoch
    said = f"the loader says that it has {training.steps_per_epoch} batches, and gave {used}"
    raise InputError(said, hint="let its __len__ say how many it gives")


def _prune_due(training: Training) -> None:
    """Every iteration whose step has come."""
    pruner = training.pruner
    while not pruner.state.done and _next_boundary(training) <= training.step:
        _prune(training)
        save(training)
        _report(training)


def _prune(training: Training) -> None:
    """The next iteration, in all processes alike."""
    pruner, config, loss_fn = training.pruner, training.config, training.options.loss_fn
    scores_with = None if config.online and training.step > 0 else training.scores_with
    if processes() > 1 and scores_with is not None and config.criterion not in WITHOUT_GRADIENTS:
        pruner.measure(scores_with, loss_fn, together=True)
        scores_with = None
    pruner.step(scores_with, loss_fn)
    masks = pruner.state.masks.values()
    require_same("masks", (one.keep for one in masks), "give the pruner the same weights and config in all of them")


def _optimize(training: Training, batch: Any) -> None:
    """One optimizer step on the samples of the user's classes (none among them: only the schedule moves on)."""
    pruner, config, optimizer, scaler = training.pruner, training.config, training.optimizer, training.scaler
    mine = only_classes(to_device(batch, pruner.device), config.classes)
    training.seen |= labels_in(mine)
    shares = shares_of(samples_told(mine))
    if not shares:
        return
    if not all(shares) and any(isinstance(module, nn.SyncBatchNorm) for module in pruner.model.modules()):
        said = f"a process has no sample of the classes at step {training.step}, and SyncBatchNorm would wait for it"
        raise InputError(said, hint="give each data of these classes alone")
    rate = _rate(training)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    observing = _observing(training)
    frozen = [weight for weight in pruner.weights.values() if observing and not weight.requires_grad]
    with thawed(frozen):  # scored like all others, and not trained
        loss = _backward(training, mine, shares[place()])
        average(frozen, shares[place()] / scaler.get_scale())
        scaler.unscale_(optimizer)
        if config.bn_l1:
            _slim(pruner.model, config.bn_l1)
        if observing:
            pruner.observe()
    scaler.step(optimizer)
    scaler.update()
    pruner.decay(rate)
    training.loss_sum += loss
    training.losses += 1


def _backward(training: Training, mine: Any, share: float) -> float:
    """The loss of a step with its gradients: means over the samples of all processes, of which this one has a share."""
    pruner, config = training.pruner, training.config
    from_first(pruner.model.buffers())  # statistics of batch norms, as DistributedDataParallel does
    found: Tensor | None = None
    if mine is not None:
        kind = torch.float16 if config.amp == "fp16" else torch.bfloat16
        with torch.autocast(pruner.device.type, dtype=kind, enabled=config.amp != "off"):
            found = checked_loss(training.options.loss_fn(pruner.model, mine))
    loss = sum(gathered(0.0 if found is None else found.item() * share))
    if not isfinite(loss):
        raise InputError(f"the loss is {loss} at step {training.step}", hint="lower the learning rate")
    if found is not None:
        torch.autograd.backward(training.scaler.scale(found))
    average(training.parameters, share)
    return loss


def _slim(model: nn.Module, strength: float) -> None:
    """Add the gradient of `strength` x |scale| to every scale of a batch norm that has one."""
    for module in model.modules():
        if isinstance(module, _BatchNorm) and module.weight is not None and module.weight.grad is not None:
            module.weight.grad.add_(torch.sign(module.weight.detach()), alpha=strength)


def _rate(training: Training) -> float:
    """Learning rate of the current step."""
    config, pruning = training.config, training.pruning_steps
    warmup = min(round(config.warmup * training.steps_per_epoch), training.total)
    if not config.rewind:
        return config.lr * rate_factor(training.step, training.total, warmup, pruning)
    edges = [boundary(p, config.iterations, pruning) for p in range(config.iterations + 1)]
    return config.lr * rewound_factor(training.step, (*edges, training.total), warmup)


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
    _tell_epoch(loader, epoch)
    batches = iter(loader)
    for _ in range(used):
        next(batches, None)
    # Making the iterator draws from the generators, so the state inside an epoch is put back only after that.
    if inside and skip_to is not None:
        rng.restore(skip_to, loader)
    return batches


def _tell_epoch(loader: object, epoch: int) -> None:
    """Tell samplers that shuffle by the number of the epoch, such as DistributedSampler, wherever a loader has one."""
    inside = [loader, *(getattr(loader, name, None) for name in ("dataset", "sampler", "batch_sampler"))]
    inside.append(getattr(inside[-1], "sampler", None))
    for one in {id(each): each for each in inside}.values():
        if callable(set_epoch := getattr(one, "set_epoch", None)):
            set_epoch(epoch)


def _close_epoch(training: Training) -> None:
    """Note the epoch's metrics."""
    training.epoch_rng = None
    epoch = training.step // training.steps_per_epoch
    if epoch == 1:
        say_missing(training.config.classes, set().union(*gathered(training.seen)))
    loss = training.loss_sum / training.losses if training.losses else nan  # no sample of the classes in an epoch
    training.loss_sum, training.losses = 0.0, 0
    rate, state = float(training.optimizer.param_groups[0]["lr"]), training.pruner.state
    row = EpochRow(epoch, training.step, state.iteration, state.sparsity, loss, rate)
    if training.options.evaluate is not None:
        with rng.preserved(training.loader):
            found = training.options.evaluate(training.pruner.model)
        if not isinstance(found, Accuracy):
            raise wrong_kind("what evaluate returned", found, "a crisp_prune.evaluate.Accuracy, as accuracy() makes it")
        row = replace(row, top1_all=found.top1_all, top1_classes=found.top1_classes)
    training.rows.append(row)
    for callback in training.options.callbacks:
        with rng.preserved(training.loader):
            callback(row)


def _report(training: Training) -> None:
    """Tell the caller where the run stands."""
    if training.options.on_step is not None:
        state = training.pruner.state
        training.options.on_step(
            Progress(training.step, training.total, state.iteration, state.sparsity, tuple(training.rows))
        )


def _check(training: Training) -> None:
    """Refuse what the loop cannot do."""
    checkpoint = training.options.checkpoint
    if not mask_hooks(training.pruner.model):
        said = "the masks do not act any more, and training would bring the zeros back: finalize() was called"
        raise InputError(said, hint="go on with Crisp.from_pruned(model, pruner.export(), sample)")
    _check_together(training)
    if getattr(training.loader, "persistent_workers", False):
        raise InputError("fit() cannot resume persistent_workers=True bit for bit", hint="build the loader without it")
    if of_first(lambda: checkpoint is not None and checkpoint.exists() and not training.options.resume):
        raise InputError(f"{checkpoint} exists", hint="set resume=True to continue it, or remove it to start anew")


def _check_together(training: Training) -> None:
    """Refuse what processes cannot do together; each of them would wait for the others, or fail in PyTorch."""
    if processes() == 1:
        return
    steps = gathered(training.steps_per_epoch)
    if len(set(steps)) > 1:
        said = f"the processes have {', '.join(map(str, steps))} batches an epoch, and a step takes one of each"
        raise InputError(said, hint="give all the same number: DataLoader(data, sampler=DistributedSampler(data))")
    synced = [name for name, each in modules_of(training.pruner.model).items() if isinstance(each, nn.SyncBatchNorm)]
    if synced and training.pruner.device.type == "cpu":
        said = "SyncBatchNorm works on an accelerator alone, and the model is on the CPU"
        raise InputError(said, Where(key=synced[0]), "move the model to a GPU, or take BatchNorm")
