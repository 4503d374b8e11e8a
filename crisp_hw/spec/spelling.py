"""The one JSON spelling of results, of what searches found, and of what bundles say: field by field, nothing added."""

from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from crisp_hw.errors import InputError
from crisp_hw.spec.violations import first_violation

T = TypeVar("T")


def spelled(value: object, indent: int | None = None) -> str:
    """A dataclass of plain values as JSON; `read_spelled` is the way back.

    >>> from crisp_hw.spec.patterns import NM
    >>> spelled(NM(2, 4)), read_spelled(NM, spelled(NM(2, 4)))
    ('{"n":2,"m":4}', NM(n=2, m=4))
    """
    kind: Any = type(value)
    return _adapter(kind).dump_json(value, indent=indent).decode()


def plain_value(value: object) -> Any:
    """The same as values of JSON: sets become lists in the order of their names, so that equal values look equal.

    >>> plain_value(frozenset({"K", "C"}))
    ['C', 'K']
    """
    kind: Any = type(value)
    return _plain(_adapter(kind).dump_python(value))


def read_spelled(kind: type[T], text: str | bytes) -> T:
    """The value that a text spells; InputError names the first field that is missing, unknown or of another type.

    >>> from crisp_hw.spec.patterns import NM
    >>> read_spelled(NM, '{"n": 2, "m": "4"}')
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: m should be a whole number
    """
    asked: Any = kind
    try:
        found: T = _adapter(asked).validate_json(text, strict=True)
    except ValidationError as error:
        raise InputError(first_violation(error.errors(include_url=False))) from error
    return found


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


_SCALARS = (str, int, float, bool, type(None))


def _plain(value: Any) -> Any:
    if type(value) in _SCALARS:  # most are
        return value
    match value:
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case frozenset() | set():
            return sorted(_plain(item) for item in value)
        case StrEnum():
            return str(value)
    return value
