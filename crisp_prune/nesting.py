"""Tensors as they lie in what models take and give: in lists, tuples, maps and dataclasses, whose kind stays."""

import copy
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn


def members(value: Any) -> list[Any]:
    """What a container holds, in order; nothing for what is none.

    >>> members({"a": 1, "b": [2]}), members("word")
    ([1, [2]], [])
    """
    if isinstance(value, list | tuple):
        return list(value)
    return list(named(value).values())


def named(value: Any) -> Mapping[Any, Any]:
    """The members of a map or a dataclass by name; none for anything else.

    >>> named({"a": 1}), named([1])
    ({'a': 1}, {})
    """
    if isinstance(value, Mapping):
        return value
    if is_dataclass(value) and not isinstance(value, type | nn.Module):
        return {entry.name: getattr(value, entry.name) for entry in fields(value) if hasattr(value, entry.name)}
    return {}


def tensors_of(value: Any) -> list[Tensor]:
    """The tensors of an input or an output, nested as it may be.

    >>> len(tensors_of({"a": [torch.ones(1), (torch.ones(2), "name")]}))
    2
    """
    if isinstance(value, Tensor):
        return [value]
    return [one for member in members(value) for one in tensors_of(member)]


def mapped(change: Callable[[Tensor], Tensor], value: Any) -> Any:
    """The same nesting with every tensor changed.

    >>> mapped(torch.neg, {"x": [torch.ones(1), "name"]})
    {'x': [tensor([-1.]), 'name']}
    """
    return change(value) if isinstance(value, Tensor) else rebuilt(value, lambda member: mapped(change, member))


def rebuilt(value: Any, change: Callable[[Any], Any]) -> Any:
    """A container of the same kind with every member changed; what is none comes back as it is.

    >>> rebuilt((1, 2), lambda member: member + 1)
    (2, 3)
    """
    match value:
        case torch.Size() | nn.Module() | type():
            return value
        case MutableMapping():
            twin: Any = copy.copy(value)
            for key, member in value.items():
                twin[key] = change(member)
            return twin
        case Mapping():
            return {key: change(member) for key, member in value.items()}
        case tuple() if hasattr(value, "_make"):
            return type(value)._make(map(change, value))
        case tuple():
            return tuple(map(change, value))
        case list():
            return list(map(change, value))
    if not is_dataclass(value):
        return value
    twin = copy.copy(value)
    for name, member in named(value).items():
        object.__setattr__(twin, name, change(member))  # frozen ones, too
    return twin
