"""Modules by the names that they have where no wrapper lies around any of them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

WRAPPERS = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
"""Under which name torch.compile, FSDP and activation checkpointing keep what they wrap."""
WRAPPED = re.compile(rf"(^|\.)({'|'.join(WRAPPERS)})(?=[.@]|$)")


def plain_name(name: str) -> str:
    """The name of a module, a tensor or a call ("name@2") without the words that wrappers put into it.

    >>> plain_name("_orig_mod.0._orig_mod.weight"), plain_name("0._orig_mod")
    ('0.weight', '0')
    """
    return WRAPPED.sub("", name).removeprefix(".")


def by_plain_name(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same by plain names; as they are where two would have one name.

    >>> by_plain_name({"a._orig_mod.b": 1})
    {'a.b': 1}
    """
    found = {plain_name(name): value for name, value in values.items()}
    return found if len(found) == len(values) else dict(values)


def modules_of(model: Any) -> dict[str, Any]:
    """Every module of a PyTorch model by its plain name, in order; wrappers are not among them.

    >>> from torch import nn
    >>> list(modules_of(nn.Sequential(nn.ReLU())))
    ['', '0']
    """
    return {plain_name(name): module for name, module in model.named_modules()}  # what is wrapped comes after


def module_of(model: Any, name: str) -> Any:
    """The module of a plain name, inside of all wrappers; AttributeError where there is none.

    >>> from torch import nn
    >>> module_of(nn.Sequential(nn.ReLU()), "0")
    ReLU()
    """
    found = _inside(model)
    for part in name.split(".") if name else ():
        found = _inside(getattr(found, part))
    return found


def own_names(names: Iterable[str]) -> dict[str, str]:
    """The names of a model by their plain ones.

    >>> own_names(["0._orig_mod.weight"])
    {'0.weight': '0._orig_mod.weight'}
    """
    return {plain_name(name): name for name in names}


def _inside(module: Any) -> Any:
    """What lies inside of the wrappers around a module."""
    while word := next((each for each in WRAPPERS if each in module._modules), None):
        module = module._modules[word]
    return module
