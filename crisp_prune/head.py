"""A classifier cut down to the classes of a user."""

from collections.abc import Sequence

import torch
from torch import nn

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.wrapped import modules_of
from crisp_prune.attach import copied


def classifier_of(model: nn.Module) -> str:
    """The name of the last Linear layer, which is taken for the classifier; InputError where there is none.

    >>> classifier_of(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)))
    '2'
    """
    names: list[str] = [name for name, module in modules_of(model).items() if isinstance(module, nn.Linear)]
    if not names:
        raise InputError(
            "the model has no Linear layer that could be its classifier", hint="name it: slice_head(layer=...)"
        )
    return names[-1]


def slice_head(model: nn.Module, classes: Sequence[int], layer: str | None = None) -> nn.Module:
    """A copy of a model whose classifier has an output for each of `classes` alone, in their order.

    The classifier is the last Linear layer, or `layer`. Labels are positions in `classes` then.

    >>> cut = slice_head(nn.Sequential(nn.Linear(4, 10)), (3, 7))
    >>> cut(torch.zeros(1, 4)).shape
    torch.Size([1, 2])
    """
    name = classifier_of(model) if layer is None else layer
    twin = copied(model)
    head = modules_of(twin).get(name)
    if not isinstance(head, nn.Linear):
        raise InputError(f"{name!r} is no Linear layer of the model", hint="name its classifier")
    wrong = [label for label in classes if not 0 <= label < head.out_features]
    if wrong or not classes or len(set(classes)) != len(classes):
        said = f"class {wrong[0]} has no output" if wrong else f"{tuple(classes)} are no different classes"
        raise InputError(said, Where(key=name), f"the classifier has {head.out_features} outputs")
    rows = torch.tensor(list(classes), device=head.weight.device)
    head.weight = nn.Parameter(head.weight.detach()[rows].clone(), head.weight.requires_grad)
    if head.bias is not None:
        head.bias = nn.Parameter(head.bias.detach()[rows].clone(), head.bias.requires_grad)
    head.out_features = len(classes)
    return twin
