"""The execution of a pruning job, from data to the pruned-model file."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.alone import alone_in
from crisp_hw.machine.objects import call_factory
from crisp_hw.machine.writing import check_writable, write_text
from crisp_hw.pruned_file import save_pruned
from crisp_hw.spec.descriptors import PrunedModel
from crisp_hw.spec.shown import listed
from crisp_hw.spec.wrapped import by_plain_name, own_names
from crisp_prune.budgeted import Budgeted, budgeted, keep
from crisp_prune.checkpoint import load_checkpoint, make_folder, save_checkpoint
from crisp_prune.data import (
    Sampling,
    choose_classes,
    labels_of,
    names_of,
    open_dataset,
    require_labels,
    require_names,
    stratified,
)
from crisp_prune.evaluate import Accuracy, accuracy
from crisp_prune.options import CONFIG_NAME, Job, job_text
from crisp_prune.pictures import draw_run
from crisp_prune.prune import Crisp
from crisp_prune.report import Course, report_markdown
from crisp_prune.rundir import CHECKPOINT, CONFIG, METRICS, REPORT, WEIGHTS, check_run, metrics_csv, open_run
from crisp_prune.training import FitOptions, Progress


@dataclass(frozen=True)
class Outcome:
    """What a job produced."""

    exported: PrunedModel
    sparsity: float
    before: Accuracy
    after: Accuracy
    target: float
    budget: Budgeted | None = None


MODULE = "module."
"""What DistributedDataParallel puts before every name."""


def build_model(spec: str, weights: Path | None, seed: int) -> nn.Module:
    """The model of a factory, initialised under `seed`, with an optional state_dict; InputError when it does not fit.

    >>> build_model("torch.nn:Identity", None, seed=0)
    Identity()
    """
    torch.manual_seed(seed)
    model = call_factory(spec)
    if not isinstance(model, nn.Module):
        raise InputError(f"{spec} gave {type(model).__name__}, not a torch module")
    if weights is not None:
        tensors = unwrapped_names(load_checkpoint(weights), model.state_dict())
        if said := _misfit(model, tensors):
            raise InputError(f"does not fit {spec}: {said}", Where(mark=Mark(str(weights))), "save its state_dict()")
        model.load_state_dict(tensors)
    return model


def unwrapped_names(tensors: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Names as the model has them, where wrappers lie around other modules than when they were saved.

    DistributedDataParallel puts "module." before all of them, torch.compile "_orig_mod." before those of what it wraps.

    >>> unwrapped_names({"module._orig_mod.weight": 1}, {"weight": 1})
    {'weight': 1}
    >>> unwrapped_names({"0.weight": 1}, {"0._orig_mod.weight": 1})
    {'0._orig_mod.weight': 1}
    """
    found, names = by_plain_name(tensors), own_names(own)
    if found and all(name.startswith(MODULE) for name in found) and not found.keys() <= names.keys():
        found = by_plain_name({name.removeprefix(MODULE): value for name, value in found.items()})
    return {names.get(name, name): value for name, value in found.items()}


def _misfit(model: nn.Module, tensors: Mapping[str, Any]) -> str:
    """Where named values are not the tensors of a model; empty where they are."""
    own = model.state_dict()
    other = [name for name, value in own.items() if name in tensors and _shape(tensors[name]) != _shape(value)]
    lacking, foreign = (list(first.keys() - second.keys()) for first, second in ((own, tensors), (tensors, own)))
    codes = [name for name, value in own.items() if name in tensors and _is_code(tensors[name], value)]
    parts = (
        ("it lacks", lacking),
        ("the model has no", foreign),
        ("of another shape is", other),
        ("whole numbers, as of a quantised network, are", codes),
    )
    return "; ".join(f"{words} {listed(sorted(names), 3)}" for words, names in parts if names)


def _is_code(saved: Any, value: Any) -> bool:
    """Is it a whole number, as of a quantised network, where the model has others? Its scale is not read."""
    tensors = isinstance(saved, torch.Tensor) and isinstance(value, torch.Tensor)
    return tensors and value.is_floating_point() and not (saved.is_floating_point() or saved.is_quantized)


def _shape(value: Any) -> tuple[int, ...] | None:
    return tuple(value.shape) if isinstance(value, torch.Tensor) else None


@dataclass(frozen=True)
class Loaded:
    """Training batches (shuffled), validation batches, the user's classes, and the names that the data has for them."""

    train: DataLoader[Any]
    validation: DataLoader[Any]
    classes: tuple[int, ...]
    names: Mapping[int, str]


def loaded(job: Job) -> Loaded:
    """The data of a job."""
    if job.batch_size < 1 or job.per_class < 1 or not 0 <= job.holdout < 1:
        raise InputError(
            f"batch size {job.batch_size}, samples per class {job.per_class} and holdout {job.holdout} cannot be",
            hint="take at least 1 of the first two, and a holdout in [0, 1)",
        )
    dataset = open_dataset(job.data, job.image)
    labels, names = labels_of(dataset), names_of(dataset)
    classes = choose_classes(job.classes, labels, job.config.seed, names)
    holdout = job.holdout if job.validate is None else 0.0
    train, held = stratified(labels, classes, Sampling(job.per_class, holdout, job.config.seed))
    require_labels(dataset, labels, train)
    validation = Subset(dataset, held) if job.validate is None else open_dataset(job.validate, job.image, like=dataset)
    if job.validate is not None:
        require_names(names, names_of(validation), classes)
    # A last batch of one sample cannot be normalised over the batch, so it is left out.
    lonely = len(train) > job.batch_size and len(train) % job.batch_size == 1
    shuffled = DataLoader(Subset(dataset, train), job.batch_size, shuffle=True, drop_last=lonely)
    mine = {label: names[label] for label in classes if label in names}
    return Loaded(shuffled, DataLoader(validation, job.batch_size), classes, mine)


def execute(job: Job, resume: bool, on_step: Callable[[Progress], None]) -> Outcome:
    """Evaluate, prune, evaluate again, and write the pruned-model file and the run directory.

    A killed job continues with `resume`. Raises InputError for anything that the user can put right.
    """
    if job.out.suffix not in (".pt", ".safetensors"):
        raise InputError("the pruned-model file must end in .pt or .safetensors", Where(mark=Mark(str(job.out))))
    if not job.holdout and job.validate is None:
        raise InputError("nothing to validate on", hint="give --validate, or a --holdout above 0")
    _check_places(job)
    check_run(job.run_dir, job.as_dict(), resume)  # before a budget is searched for, which takes minutes
    with alone_in(job.run_dir):
        return _execute(job, resume, on_step)


def _execute(job: Job, resume: bool, on_step: Callable[[Progress], None]) -> Outcome:
    """The job in a run directory of its own."""
    model = build_model(job.model, job.weights, job.config.seed).to(_device(job.device))
    data = loaded(job)
    batches, validation, classes = data.train, data.validation, data.classes
    config = replace(job.config, classes=classes)
    found = budgeted(job, model, config, batches, resume)
    pruner = Crisp(model, config if found is None else found.config(config))
    open_run(job.run_dir, job.as_dict(), resume)
    keep(job, found)
    write_text(job.run_dir / CONFIG_NAME, job_text(job))
    make_folder(job.out.parent)
    before = accuracy(model, validation, classes)

    seen: list[Progress] = []

    def note(progress: Progress) -> None:
        seen[:] = [progress]
        if progress.step % len(batches) == 0:
            write_text(job.run_dir / METRICS, metrics_csv(progress.rows, before, None))
        on_step(progress)

    def judge(network: nn.Module) -> Accuracy:
        return accuracy(network, validation, classes)

    pruner.fit(batches, FitOptions(job.run_dir / CHECKPOINT, resume, on_step=note, evaluate=judge))
    pruner.finalize()
    course = Course(before, accuracy(model, validation, classes), seen[-1].rows, data.names)
    return replace(_write(job, pruner, course), budget=found)


def _check_places(job: Job) -> None:
    """Refuse places that cannot be written to before anything is computed."""
    for path in (job.out, job.run_dir / WEIGHTS):
        check_writable(path.parent)
    names = (CONFIG, CONFIG_NAME, METRICS, REPORT, CHECKPOINT, WEIGHTS)
    if job.out.resolve() in [(job.run_dir / name).resolve() for name in names]:
        raise InputError("is a file of the run directory", Where(mark=Mark(str(job.out))), "choose another --out")
    if job.out.exists() and not job.out.is_file():
        raise InputError("is no regular file", Where(mark=Mark(str(job.out))), "choose another --out")


def _write(job: Job, pruner: Crisp, course: Course) -> Outcome:
    """All files of a finished run; the pruned-model file comes last."""
    before, after, rows = course.before, course.after, course.rows
    provenance = {"job": job.as_dict(), "top1_before": asdict(before), "top1_after": asdict(after)}
    if course.names:
        provenance["class_names"] = {str(label): name for label, name in course.names.items()}
    exported = pruner.export(job.model.partition(":")[2], provenance)
    save_checkpoint(job.run_dir / WEIGHTS, pruner.model.state_dict())
    write_text(job.run_dir / METRICS, metrics_csv(rows, before, after))
    course = replace(course, pictures=draw_run(job.run_dir, rows, before, pruner.masks))
    write_text(job.run_dir / REPORT, report_markdown(pruner, exported, course))
    save_pruned(job.out, exported)
    return Outcome(exported, pruner.sparsity, before, after, pruner.config.target)


def _device(name: str) -> torch.device:
    """The device of that name; InputError when torch knows none."""
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"{name!r} is no device that torch knows", hint="try cpu or cuda") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError("torch sees no CUDA device here", Where(key=name), "use --device cpu")
    return device
