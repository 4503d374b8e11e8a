"""The one JSON spelling of results, of what searches found, and of what bundles say: field by field, nothing added."""

from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from crisp_hw.errors import InputError

T = TypeVar("T")


def spelled(value: object, indent: int | None = None) -> str:
    """A dataclass of plain values as JSON; `read_spelled` is the way back.

    >>> from crisp_hw.spec.patterns import NM
    >>> spelled(NM(2, 4)), read_spelled(NM, spelled(NM(2, 4)))
    ('{"n":2,"m":4}', NM(n=2, m=4))
    """
    kind: Any = type(value)
    return _adapter(kind).dump_json(value, indent=indent).decode()


def read_spelled(kind: type[T], text: str | bytes) -> T:
    """The value that a text spells; InputError names the first field that is missing, unknown or of another type.

    >>> from crisp_hw.spec.patterns import NM
    >>> read_spelled(NM, '{"n": 2, "m": "4"}')
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: m: Input should be a valid integer
    """
    asked: Any = kind
    try:
        found: T = _adapter(asked).validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{where}: {first['msg']}" if where else str(first["msg"])) from error
    return found


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
