"""Top-1 accuracy over all outputs, and among the user's classes alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from crisp_hw.errors import InputError
from crisp_prune.batches import device_of, only_classes, to_device
from crisp_prune.calling import call
from crisp_prune.geometry import evaluation

IGNORED = -100
"""The label of samples that count for nothing, as `ignore_index` of PyTorch's cross entropy has it."""


@dataclass(frozen=True)
class Accuracy:
    """Top-1 as a fraction of `samples`: arg max over all outputs, and over the outputs of the user's classes."""

    top1_all: float
    top1_classes: float
    samples: int


def accuracy(model: nn.Module, batches: Iterable[Any], classes: Sequence[int]) -> Accuracy:
    """Evaluate on the samples of the user's classes (all samples without classes), in evaluation mode.

    Labels of -100 are left out, as cross entropy leaves them out. InputError when no sample is left, a class or a label
    has no output, outputs hold NaN, or they are no scores of classes for each label.

    >>> batches = [(torch.tensor([[0.1, 0.9, 1.0], [0.8, 0.1, 0.2]]), torch.tensor([1, 0]))]
    >>> accuracy(nn.Identity(), batches, (0, 1))
    Accuracy(top1_all=0.5, top1_classes=1.0, samples=2)
    """
    device = device_of(model)
    everywhere, among, samples = 0, 0, 0
    with evaluation(model), torch.no_grad():
        for batch in batches:
            mine = only_classes(to_device(batch, device), classes)
            if mine is None:
                continue
            inputs, given = _pair(mine)
            outputs, labels = _counted(_scores(call(model, inputs), given), given)
            wanted = torch.tensor(sorted(classes) or range(outputs.shape[1]), device=device)
            if int(wanted.max()) >= outputs.shape[1]:
                raise InputError(
                    f"class {int(wanted.max())} has no output", hint=f"the model has {outputs.shape[1]} outputs"
                )
            everywhere += int((outputs.argmax(1) == labels).sum())
            among += int((wanted[outputs[:, wanted].argmax(1)] == labels).sum())
            samples += len(labels)
    if not samples:
        raise InputError(f"no sample of the classes {tuple(classes)} to evaluate on", hint="check classes and data")
    return Accuracy(everywhere / samples, among / samples, samples)


def _scores(outputs: Any, labels: torch.Tensor) -> torch.Tensor:
    """A row of scores for each label: of other shapes, comparisons would count pixels or every pair of samples."""
    rows = isinstance(outputs, torch.Tensor) and outputs.ndim == 2 and outputs.shape[1] > 1
    whole = labels.ndim == 1 and not labels.is_floating_point() and not labels.is_complex()
    if isinstance(outputs, torch.Tensor) and rows and whole and len(outputs) == len(labels):
        return outputs
    shape = list(outputs.shape) if isinstance(outputs, torch.Tensor) else type(outputs).__name__
    said = f"top-1 is not known for outputs {shape} and labels {list(labels.shape)} of {labels.dtype}"
    raise InputError(said, hint="give a row of scores, of two classes or more, and one whole number a sample")


def _counted(outputs: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores and labels of the samples that count; InputError where the largest score is no answer to a label."""
    told = labels != IGNORED
    outputs, labels = outputs[told], labels[told]
    if bool(outputs.isnan().any()):
        raise InputError("the outputs hold NaN, so that no class has the largest", hint="was training stable?")
    if wrong := sorted({label for label in labels.tolist() if not 0 <= label < outputs.shape[1]}):
        said = f"a sample has the label {wrong[0]}, and the model has {outputs.shape[1]} outputs"
        raise InputError(said, hint=f"give labels from 0 to {outputs.shape[1] - 1}")
    return outputs, labels


def _pair(batch: Any) -> tuple[Any, torch.Tensor]:
    """Inputs and labels."""
    match batch:
        case [inputs, torch.Tensor() as labels]:
            return inputs, labels
    raise InputError(
        f"accuracy reads batches (inputs, labels), not a {type(batch).__name__} like this", hint="give pairs"
    )
