"""Models in PyTorch that a user names: a module, a function that makes one, or a model of timm; and example inputs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from crisp_hw.errors import InputError
from crisp_hw.machine.objects import call_factory
from crisp_hw.sources.kinds import ZOO
from crisp_hw.spec.layer import Workload
from crisp_hw.spec.shown import listed


def model_of(model: Any) -> Any:
    """The module that is meant: itself, what a function makes, or "timm:NAME"."""
    if not isinstance(model, str):
        return model
    return from_timm(model) if model.startswith(ZOO) else call_factory(model)


def from_timm(name: str) -> Any:
    """A model of timm by "timm:NAME", with random weights; nothing is downloaded."""
    try:
        import timm
    except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision that does not fit its PyTorch
        missing = error.name if isinstance(error, ImportError) and error.name else None
        why = f"{missing} is not installed" if missing else "the torchvision here does not fit the PyTorch here"
        hint = "pip install timm, with the torchvision that belongs to your PyTorch"
        raise InputError(f"{name} needs timm and torchvision ({why})", hint=hint) from error
    bare = name.removeprefix(ZOO)
    if not timm.is_model(bare):
        near = listed(timm.list_models(f"*{bare}*")[:5])
        raise InputError(f"timm has no model {bare}", hint=f"it has {near}" if near else "timm.list_models() lists all")
    return timm.create_model(bare, pretrained=False)


def zoo_table(name: str) -> Workload:
    """The layers of a model of timm, of the size of input that timm states for it."""
    model = from_timm(name)
    sizes = model.pretrained_cfg.get("input_size", (3, 224, 224))
    workload = Workload.from_torch(model, example_of((1, *sizes)))
    return replace(workload, name=name.removeprefix(ZOO))


def example_of(example: Any) -> Any:
    """An example input; zeros where its sizes are given.

    >>> import torch
    >>> example_of((1, 4)).shape
    torch.Size([1, 4])
    """
    import torch

    sizes = isinstance(example, Sequence) and not isinstance(example, str) and len(example) > 0
    if sizes and all(isinstance(extent, int) for extent in example):
        return torch.zeros(tuple(example))
    return example
