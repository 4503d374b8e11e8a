"""A network without the channels that carry nothing: smaller dense layers that compute the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import Any

import torch
from torch import Tensor, fx, nn

from crisp_hw.errors import InputError
from crisp_prune.attach import copied
from crisp_prune.calling import in_places
from crisp_prune.geometry import evaluation
from crisp_prune.nesting import tensors_of
from crisp_prune.sites import require_weights
from crisp_prune.spaces import Member, Space, spaces_of

CLOSE = 1e-4
"""Largest difference of outputs, relative to the largest output: sums in fp32 are taken in another order."""


@dataclass(frozen=True)
class Shrunk:
    """The smaller model, and by layer how many outputs it had and has, and why channels could not go."""

    model: nn.Module
    outputs: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)


def shrink(model: nn.Module, sample: Any) -> Shrunk:
    """A copy of a model without the channels that are zero wherever they are read, or whose readers have zeros there.

    A pruned filter goes together with the scale and shift of its batch norm, if these are zero too; what a batch norm
    shifts away from zero stays. Channels of additions go where all branches allow it. `sample` is a model input (a
    tensor, a tuple of arguments, or a map of those by name) on which both must agree. InputError where they do not, or
    where `torch.fx` cannot follow the model.

    >>> model = nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.ReLU(), nn.Conv2d(4, 2, 1))
    >>> with torch.no_grad(): _ = model[0].weight[:2].zero_()
    >>> small = shrink(model, torch.zeros(1, 1, 4, 4))
    >>> small.outputs["0"], small.model[2].in_channels
    ((4, 2), 2)
    """
    inputs = in_places(model, sample)
    twin = copied(model)
    sizes = _sizes(twin)
    spaces = _spaces(twin, inputs)
    while any(_cut(space) for space in spaces):
        spaces = _spaces(twin, inputs)
    _agree(model, twin, inputs)
    modules = dict(twin.named_modules())
    outputs = {name: (size, _outputs(modules[name])) for name, size in sizes.items()}
    held = {made.name: space.held for space in spaces for made in space.makers if space.held}
    return Shrunk(twin, outputs, held)


def _sizes(model: nn.Module) -> dict[str, int]:
    """The outputs of every layer that can lose some; InputError where one has none to begin with."""
    layers = {name: each for name, each in model.named_modules() if isinstance(each, nn.Conv2d | nn.Linear)}
    for name, layer in layers.items():
        require_weights(name, layer.weight)
    return {name: _outputs(layer) for name, layer in layers.items()}


def _outputs(module: nn.Module) -> int:
    match module:
        case nn.Conv2d():
            return module.out_channels
        case nn.Linear():
            return module.out_features
    return 0


def _spaces(model: nn.Module, inputs: tuple[Any, ...]) -> list[Space]:
    """What torch.fx finds; InputError in its own words."""
    try:
        graph = fx.symbolic_trace(model).graph
    except Exception as error:  # a user's forward may raise anything while it is followed
        raise InputError(
            f"torch.fx cannot follow {type(model).__name__}", hint="shrink needs a forward without branches on values"
        ) from error
    with evaluation(model), torch.no_grad():
        return spaces_of(model, graph, inputs)


def _cut(space: Space) -> bool:
    """Remove the channels of a space that nobody needs; whether there were any."""
    if space.held or not space.readers:
        return False
    keep = ~torch.stack([reader.idle for reader in space.readers]).all(0)
    if not bool(keep.any()):
        keep[0] = True
    if bool(keep.all()):
        return False
    for made in space.makers:
        _rows(made.module, keep)
    for norm in space.members:
        _channels(norm, keep)
    for reader in space.readers:
        _columns(reader.module, keep.repeat_interleave(reader.times))
    return True


def _set(module: nn.Module, name: str, value: Tensor) -> None:
    """Another value for a parameter or a buffer."""
    before = getattr(module, name)
    if isinstance(before, nn.Parameter):
        setattr(module, name, nn.Parameter(value.clone(), before.requires_grad))
    elif before is not None:
        setattr(module, name, value.clone())


def _rows(module: nn.Module, keep: Tensor) -> None:
    for name in ("weight", "bias"):
        if getattr(module, name) is not None:
            _set(module, name, getattr(module, name).detach()[keep])
    setattr(module, "out_channels" if isinstance(module, nn.Conv2d) else "out_features", int(keep.sum()))


def _columns(module: nn.Module, keep: Tensor) -> None:
    _set(module, "weight", module.weight.detach()[:, keep])  # type: ignore[operator]  # a tensor
    setattr(module, "in_channels" if isinstance(module, nn.Conv2d) else "in_features", int(keep.sum()))


def _channels(member: Member, keep: Tensor) -> None:
    """A batch norm or a depthwise convolution of fewer channels."""
    module, count = member.module, int(keep.sum())
    for name in ("weight", "bias", "running_mean", "running_var"):
        if getattr(module, name, None) is not None:
            _set(module, name, getattr(module, name).detach()[keep])
    if isinstance(module, nn.Conv2d):
        module.in_channels = module.out_channels = module.groups = count
    else:
        setattr(module, "num_features", count)  # noqa: B010  # a batch norm


def _agree(model: nn.Module, twin: nn.Module, inputs: tuple[Any, ...]) -> None:
    """InputError where the smaller model computes something else."""
    with evaluation(model), evaluation(twin), torch.no_grad():
        outputs = tensors_of(model(*inputs))
        pairs = zip(outputs, tensors_of(twin(*inputs)), strict=True)
    if not outputs:
        said = f"no tensor is found in what {type(model).__name__} gives, so the smaller model cannot be checked"
        raise InputError(said, hint="let it give tensors, in lists, tuples, maps or dataclasses")
    for before, after in pairs:
        largest = float((before - after).abs().max())
        if isnan(largest):
            raise InputError("the outputs hold NaN, so the smaller model cannot be checked", hint="give another sample")
        if largest > CLOSE * max(1.0, float(before.abs().max())):
            raise InputError(f"the smaller model's outputs differ by up to {largest:.3g}", hint="report this model")
