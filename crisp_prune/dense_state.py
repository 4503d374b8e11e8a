"""A word about the state_dict of a model with a pruner attached: it holds dense weights."""

import warnings
from typing import Any

from torch import nn


class DenseState:
    """The hook that says once that a state_dict holds dense weights while a pruner is attached."""

    def __init__(self) -> None:
        self.said = False

    def warn(self, module: nn.Module, prefix: str, keep_vars: bool) -> None:
        """Before the tensors are collected."""
        if not self.said:
            self.said = True
            told = (
                "state_dict() holds the dense weights while a pruner is attached: call finalize() first for the zeros"
            )
            warnings.warn(f"{told}, or keep pruner.state_dict() beside it to go on", stacklevel=3)


def say_dense(model: nn.Module) -> None:
    """Let a model say once that its state_dict holds dense weights; `detach` ends it."""
    model.register_state_dict_pre_hook(DenseState().warn)  # type: ignore[no-untyped-call]  # of PyTorch, without types


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
