"""The line that an error is about, where the error itself does not know it: from the place that it names."""

import re
from collections.abc import Iterator
from typing import Any

from crisp_hw.errors import CrispError, Mark
from crisp_hw.machine.positions import MarkedDict, MarkedList, mark_of
from crisp_hw.timeloop.read.architecture import plain_name

_KNOWN = re.compile(r"^[^ ]+(?: \(templates filled in\))?:\d+: ")
_SECTIONS = (
    # how messages begin -> the document, and the key under which the named entry has its name
    (r"architecture level (?P<name>\w+)", "architecture", "name"),
    (r"architecture\.(?P<name>\w+)", "architecture", "name"),
    (r"level (?P<name>\w+)", "architecture", "name"),
    (r"(architecture|name:)", "architecture", "name"),
    (r"mapping of (?P<name>\w+)", "mapping", "target"),
    (r"mapping", "mapping", "target"),
    (r"sparse_optimizations of (?P<name>\w+)", "sparse_optimizations", "name"),
    (r"sparse_optimizations", "sparse_optimizations", "name"),
    (r"ERT (?P<name>\w+)", "ERT", "name"),
    (r"ERT", "ERT", "name"),
    (r"ART", "ART", "name"),
    (r"problem tensor (?P<name>\w+)", "problem", "name"),
    (r"(problem|data_spaces|dimensions|coefficients|coefficient \w+)", "problem", "name"),
)


def with_position(error: CrispError, documents: MarkedDict) -> CrispError:
    """The same error with file and line in front: of the key or value it quotes, else of the entry it names.

    Errors that begin with a position already, and those about documents that are not there, stay as they are.
    """
    message = str(error)
    mark = None if _KNOWN.match(message) else _find(message, documents)
    return error if mark is None else type(error)(f"{mark}: {message}")


def _find(message: str, documents: MarkedDict) -> Mark | None:
    for pattern, document, key in _SECTIONS:
        found = re.match(pattern, message)
        if found is None or document not in documents:
            continue
        named = found.groupdict().get("name")
        entries = [node for node in _nodes(documents[document]) if _is_named(node, key, named)] if named else []
        inside = _quoted(message, entries or [documents[document]])
        return inside or (mark_of(entries[0]) if entries else documents.keys_at.get(document))
    return None


def _is_named(node: MarkedDict, key: str, name: str) -> bool:
    value = node.get(key)
    return isinstance(value, str) and plain_name(value) == name


def _quoted(message: str, entries: list[Any]) -> Mark | None:
    """Where a quoted key or value of the message, or the key that its place ends with, stands in some entry."""
    words = re.findall(r"'([^']*)'", message)
    place = re.match(r"[^:]*\.(\w+):", message)
    for word in [*words, *([place[1]] if place else [])]:
        for entry in entries:
            for node in _nodes(entry):
                if word in node:
                    return node.keys_at.get(word, node.mark)
                for key, value in node.items():
                    if word in _texts(value):
                        return node.keys_at.get(key, node.mark)
    return None


def _texts(value: Any) -> list[str]:
    """A value as text, or the items of a list, which have no key of their own."""
    items = value if isinstance(value, list) else [value]
    return [str(item) for item in items if not isinstance(item, dict | list)]


def _nodes(value: Any) -> Iterator[MarkedDict]:
    """All mappings inside a value, outer ones first."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, MarkedDict):
            yield item
            stack += reversed(list(item.values()))
        elif isinstance(item, MarkedList):
            stack += reversed(item)
