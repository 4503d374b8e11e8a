"""A word about the state_dict and exports of a model with a pruner attached: they hold dense weights."""

import warnings
from typing import Any

import torch
from torch import nn

HELD = "state_dict() holds the dense weights"
GO_ON = ", or keep pruner.state_dict() beside it to go on"


def is_exporting() -> bool:
    """Is a forward pass being traced for a file: ONNX, TorchScript or torch.export?

    >>> is_exporting()
    False
    """
    tracing = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]  # of PyTorch, without types
    return torch.compiler.is_exporting() or tracing or torch.onnx.is_in_onnx_export()


class DenseState:
    """The hooks that say once that a state_dict or an export holds dense weights while a pruner is attached."""

    def __init__(self) -> None:
        self.said = False

    def warn(self, module: nn.Module, prefix: str, keep_vars: bool) -> None:
        """Before the tensors are collected."""
        writing = is_exporting()
        what = "an export holds the dense weights, and masks beside them," if writing else HELD
        self._say(f"{what} while a pruner is attached: call finalize() first for the zeros{'' if writing else GO_ON}")

    def traced(self, module: nn.Module, args: object) -> None:
        """Before the forward pass of a model that is traced for a file."""
        if is_exporting():
            self.warn(module, "", keep_vars=False)

    def _say(self, told: str) -> None:
        if not self.said:
            self.said = True
            warnings.warn(told, stacklevel=4)


def say_dense(model: nn.Module) -> None:
    """Let a model say once that its state_dict or an export holds dense weights; `detach` ends it."""
    word = DenseState()
    model.register_state_dict_pre_hook(word.warn)  # type: ignore[no-untyped-call]  # of PyTorch, without types
    model.register_forward_pre_hook(word.traced)


def dense_state(model: nn.Module) -> dict[str, Any]:
    """The state_dict of a model for who keeps the masks beside it, without a word.

    >>> list(dense_state(nn.Linear(1, 1)))
    ['weight', 'bias']
    """
    hooks = [
        owner
        for hook in model._state_dict_pre_hooks.values()
        if isinstance(owner := getattr(hook, "__self__", None), DenseState)
    ]
    said = [hook.said for hook in hooks]
    for hook in hooks:
        hook.said = True
    found = dict(model.state_dict())
    for hook, before in zip(hooks, said, strict=True):
        hook.said = before
    return found
