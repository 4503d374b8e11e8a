"""Reading of documents: typed access to nested mappings, with errors that say where."""

from collections.abc import Iterable
from typing import Any

from crisp_hw.errors import InputError

Node = dict[str, Any]


def underscored(value: Any) -> Any:
    """Keys with hyphens turned into underscores, at every depth (Timeloop accepts both).

    >>> underscored({"data-spaces": [{"word-bits": 8}]})
    {'data_spaces': [{'word_bits': 8}]}
    """
    if isinstance(value, dict):
        return {str(key).replace("-", "_"): underscored(item) for key, item in value.items()}
    if isinstance(value, list):
        return [underscored(item) for item in value]
    return value


def mapping(value: Any, where: str) -> Node:
    """The value as a mapping."""
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected a mapping of keys to values, found {_kind(value)}")
    return value


def sequence(value: Any, where: str) -> list[Any]:
    """The value as a list."""
    if not isinstance(value, list):
        raise InputError(f"{where}: expected a list, found {_kind(value)}")
    return value


def text(value: Any, where: str) -> str:
    """The value as a string."""
    if not isinstance(value, str):
        raise InputError(f"{where}: expected text, found {_kind(value)}")
    return value


def number(value: Any, where: str) -> float:
    """The value as a finite, nonnegative number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise InputError(f"{where}: expected a nonnegative number, found {_kind(value)}")
    return value


def whole(value: Any, where: str, least: int = 0) -> int:
    """The value as an integer of at least `least`."""
    found = number(value, where)
    if found != int(found) or found < least:
        raise InputError(f"{where}: expected a whole number of at least {least}, found {value!r}")
    return int(found)


def flag(value: Any, where: str) -> bool:
    """The value as true or false."""
    if not isinstance(value, bool):
        raise InputError(f"{where}: expected true or false, found {_kind(value)}")
    return value


def required(node: Node, key: str, where: str) -> Any:
    """The value of a key that must be there."""
    if key not in node:
        raise InputError(f"{where}: the key {key!r} is missing; there are {', '.join(map(repr, node)) or 'none'}")
    return node[key]


def known(node: Node, keys: Iterable[str], where: str) -> None:
    """Refuse keys that nothing here reads."""
    allowed = sorted(keys)
    for key in node:
        if key not in allowed:
            raise InputError(f"{where}: unknown key {key!r}; known are {', '.join(allowed)}")


def _kind(value: Any) -> str:
    shown = repr(value)
    return f"{type(value).__name__} {shown if len(shown) <= 40 else shown[:37] + '...'}"
