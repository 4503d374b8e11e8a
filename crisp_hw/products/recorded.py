"""The products of one forward pass, whoever runs it. Importing it imports PyTorch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.backends import mha

from crisp_hw.products.follow import Products
from crisp_hw.products.product import Product
from crisp_hw.spec.wrapped import modules_of


@contextmanager
def recorded_products(model: nn.Module, begun: Sequence[Any]) -> Iterator[list[Product]]:
    """While the block runs the model: its products outside of layers, in order; hooks are undone whatever happens.

    `begun` are the calls of layers that somebody notes meanwhile: a product tells how many there had been.

    >>> import torch
    >>> model = nn.MultiheadAttention(4, 2, batch_first=True)
    >>> with recorded_products(model, []) as found:
    ...     _ = model(*[torch.zeros(1, 3, 4)] * 3)
    >>> [(product.role, product.groups) for product in found]
    [('scores', 2), ('values', 2)]
    """
    opened: list[str] = []
    handles = []
    try:
        for name, module in modules_of(model).items():
            if isinstance(module, torch.jit.ScriptModule):
                continue  # takes no hooks: what it multiplies counts as its parent's
            handles.append(module.register_forward_pre_hook(_enter(opened, name)))
            handles.append(module.register_forward_hook(_leave(opened), always_call=True))
        with _slow_attention(), Products(model, opened, begun) as products:
            yield products.found
    finally:
        for handle in handles:
            handle.remove()


def _enter(opened: list[str], name: str) -> Any:
    return lambda module, args: opened.append(name)


def _leave(opened: list[str]) -> Any:
    def leave(module: nn.Module, args: Any, output: Any) -> None:
        opened.pop()

    return leave


@contextmanager
def _slow_attention() -> Iterator[None]:
    """Attention without the one fused operation that hides its products."""
    before = mha.get_fastpath_enabled()
    mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        mha.set_fastpath_enabled(before)
