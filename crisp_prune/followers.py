"""Which batch norm reads what a layer gives, and nothing else: with a pruned filter its scale and shift go, too."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from crisp_hw.spec.wrapped import modules_of


@contextmanager
def watched_norms(model: nn.Module, layers: Collection[str]) -> Iterator[Mapping[str, str]]:
    """Inside, calls are watched; the names of norms by that of their layer are complete after it.

    A norm follows a layer when it reads the very tensor that came out of it. One that follows several layers, or is
    called several times, follows none.

    >>> import torch
    >>> model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU())
    >>> with watched_norms(model, ["0"]) as found:
    ...     _ = model.eval()(torch.zeros(2, 4))
    >>> found
    {'0': '1'}
    """
    made: list[tuple[str, Tensor]] = []
    calls: dict[str, list[str]] = {}
    found: dict[str, str] = {}

    def out_of(layer: str) -> Callable[..., None]:
        def note(module: nn.Module, args: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                made.append((layer, output))

        return note

    def into(norm: str) -> Callable[..., None]:
        def note(module: nn.Module, args: Any, output: Any) -> None:
            makers = [layer for layer, tensor in made if args and tensor is args[0]]
            calls.setdefault(norm, []).append(makers[-1] if makers else "")

        return note

    modules = modules_of(model)
    norms = {name: module for name, module in modules.items() if isinstance(module, _BatchNorm)}
    handles = [modules[name].register_forward_hook(out_of(name)) for name in layers if name in modules]
    handles += [module.register_forward_hook(into(name)) for name, module in norms.items()]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
        called = [layer for layer, _ in made]
        alone = {norm: read[0] for norm, read in calls.items() if len(read) == 1 and called.count(read[0]) == 1}
        found |= {layer: norm for norm, layer in alone.items() if norms[norm].affine}
