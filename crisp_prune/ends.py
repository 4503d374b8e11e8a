"""Does a network end with a classifier, or is what it gives out a feature of its last layer?"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from crisp_hw.spec.calls import Shape
from crisp_hw.spec.wrapped import modules_of
from crisp_prune.nesting import tensors_of


class LayerCall(Protocol):
    """A call of a layer: the place, and the shape of its output, empty where it was not one tensor."""

    @property
    def use(self) -> str:
        """The name of the place."""

    @property
    def output(self) -> Shape:
        """With the batch in front."""


def is_norm(module: nn.Module) -> bool:
    """Does the module normalise what a layer gives? Those of others are known by their name.

    >>> is_norm(nn.LayerNorm(4)), is_norm(nn.Linear(4, 4))
    (True, False)
    """
    kinds = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
    return isinstance(module, kinds) or ("Norm" in type(module).__name__ and not list(module.children()))


def ends_in_norm(model: nn.Module, owners: Collection[str]) -> bool:
    """Is a norm registered behind the last module that holds weights of layers? Then that layer gives a feature.

    >>> ends_in_norm(nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4)), ["0"])
    True
    """
    found = [is_norm(module) for name, module in modules_of(model).items() if is_norm(module) or name in owners]
    return bool(found) and found[-1]


class End:
    """What was seen at the end of a forward pass."""

    def __init__(self, calls: Sequence[LayerCall]) -> None:
        self.calls = calls
        self.normed_after = -1
        self.given: list[Shape] = []

    def norm(self, module: nn.Module, args: object, output: object) -> None:
        """After a norm was called."""
        self.normed_after = len(self.calls)

    def out(self, module: nn.Module, args: object, output: object) -> None:
        """After the model was called."""
        self.given = [tuple(one.shape) for one in tensors_of(output)]

    def headless(self, convolutions: frozenset[str]) -> bool:
        """Is the last layer no classifier? A norm follows it, or it is a convolution whose maps were pooled in part."""
        if not self.calls:
            return False
        if self.normed_after == len(self.calls):
            return True
        last = self.calls[-1]
        if last.use not in convolutions or not last.output or not self.given:
            return False
        pooled = last.output[:2]
        return not any(shape == last.output or (shape[:2] == pooled and _ones(shape[2:])) for shape in self.given)


@contextmanager
def watched_end(model: nn.Module, calls: Sequence[LayerCall]) -> Iterator[End]:
    """Inside, calls of norms and of the model are noted.

    >>> model = nn.Sequential(nn.LayerNorm(4))
    >>> with watched_end(model, []) as end:
    ...     _ = model(__import__("torch").zeros(2, 4))
    >>> end.given
    [(2, 4)]
    """
    end = End(calls)
    handles = [module.register_forward_hook(end.norm) for module in model.modules() if is_norm(module)]
    handles.append(model.register_forward_hook(end.out))
    try:
        yield end
    finally:
        for handle in handles:
            handle.remove()


def _ones(sizes: Shape) -> bool:
    return all(size == 1 for size in sizes)
