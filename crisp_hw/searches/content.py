"""A key for what a value says: frozen dataclasses to bytes without ambiguity, and their sha256."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np


class Content:
    """Digests of values; a dataclass met before (the very object) is not read again.

    Two values get one digest only when they have the same type and the same fields, all the way down: every part is
    written with a tag and its length. Numbers are exact (floats bit by bit, 1 is not 1.0 and not True), arrays count
    with type, shape and bytes, the order of sets and of keys does not count. TypeError for what is no plain value.

    >>> from crisp_hw.spec.patterns import NM, Dense, Unstructured
    >>> content = Content()
    >>> content.digest(NM(2, 4)) == content.digest(NM(2, 4)), content.digest(NM(2, 4)) == content.digest(NM(4, 2))
    (True, False)
    >>> content.digest(Unstructured(1)) == content.digest(Unstructured(1.0))
    False
    """

    def __init__(self) -> None:
        self._read: dict[int, tuple[object, bytes]] = {}

    def digest(self, *values: object) -> str:
        """64 hexadecimal digits for some values in this order."""
        return sha256(self._bytes(values)).hexdigest()

    def _bytes(self, value: Any) -> bytes:
        kind = value.__class__
        if (plain := _PLAIN.get(kind)) is not None:  # most values, and first of all: a network has ten thousands
            return plain(value)
        if (names := _fields(kind)) is not None:
            return self._dataclass(value, names)
        match value:
            case tuple() | list():
                return b"(%d:%b" % (len(value), b"".join(map(self._bytes, value)))
            case dict() | Mapping():
                items = sorted(self._bytes(key) + self._bytes(one) for key, one in value.items())
                return b"<%d:%b" % (len(items), b"".join(items))
            case frozenset() | set():
                return b"{%d:%b" % (len(value), b"".join(sorted(map(self._bytes, value))))
            case np.ndarray():
                return _array(value)
        return _atom(value)

    def _dataclass(self, value: Any, names: tuple[str, ...]) -> bytes:
        known = self._read.get(id(value))
        if known is None:
            parts = [self._bytes(getattr(value, name)) for name in names]
            content = b"".join([_head(value.__class__), *parts])
            known = self._read[id(value)] = (value, b"#" + sha256(content).digest())
        return known[1]  # the value stands beside its digest, so that nothing else gets its id


@cache
def _fields(kind: type) -> tuple[str, ...] | None:
    """The fields of a dataclass, but those that only say something about the others (metadata `content` False)."""
    if not is_dataclass(kind):
        return None
    return tuple(field.name for field in fields(kind) if field.metadata.get("content", True))


@cache
def _head(kind: type) -> bytes:
    """What tells one dataclass from another: its full name and those of its fields."""
    names = (kind.__module__, kind.__qualname__, *(_fields(kind) or ()))
    return b"@%d:%b" % (len(names), b"".join(map(_text, names)))


def _text(value: str) -> bytes:
    text = value.encode()
    return b"s%d:%b" % (len(text), text)


def _atom(value: object) -> bytes:
    match value:
        case None:
            return b"n"
        case str():
            return _text(value)
        case bool() | np.bool_():
            return b"t" if value else b"f"
        case int() | np.integer():
            return b"i%d;" % int(value)
        case float() | np.floating():
            return b"d" + struct.pack(">d", value)
    raise TypeError(f"no content key for a value of type {type(value).__name__}")


def _array(value: np.ndarray[Any, Any]) -> bytes:
    """Type, shape and words of an array; bools packed, so that masks of millions of weights take milliseconds."""
    if value.dtype.hasobject:
        raise TypeError("no content key for an array of objects")
    words = np.packbits(value) if value.dtype == np.bool_ else np.ascontiguousarray(value)
    head = f"{value.dtype.str}{value.shape}".encode()
    return b"a%d:%b%b" % (len(head), head, sha256(words.tobytes()).digest())


_PLAIN: dict[type, Callable[[Any], bytes]] = {str: _text, int: _atom, float: _atom, bool: _atom, type(None): _atom}
"""Writers of the values that are asked for most, by their very type."""
