"""Values of a YAML document that know the file and line they stand on.

They are ordinary dicts, lists, strings and numbers to everybody else; readers turn them into plain ones on the way to
the nouns. `true`, `false` and `null` cannot carry a mark, so the mapping that holds them keeps one per key.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from crisp_hw.errors import Mark


@dataclass(eq=False, repr=False)
class MarkedDict(dict[str, Any]):
    """A mapping, where it begins, where each of its keys stands, and its YAML tag ("!Component", or "")."""

    mark: Mark
    keys_at: dict[str, Mark] = field(default_factory=dict)
    tag: str = ""

    def put(self, key: str, value: Any, at: Mark) -> None:
        """Set one key together with its position."""
        self[key] = value
        self.keys_at[key] = at

    def derived(self, values: dict[str, Any]) -> "MarkedDict":
        """A mapping with other values; keys that stay keep their position."""
        copy = MarkedDict(self.mark, {key: self.keys_at.get(key, self.mark) for key in values}, self.tag)
        copy.update(values)
        return copy


@dataclass(eq=False, repr=False)
class MarkedList(list[Any]):
    """A list, where it begins, its YAML tag, and where each of its items stands."""

    mark: Mark
    tag: str = ""
    items_at: list[Mark] = field(default_factory=list)

    def add(self, value: Any, at: Mark) -> None:
        """Append one item together with its position."""
        self.append(value)
        self.items_at.append(at)


class MarkedStr(str):
    """Text, where it stands, whether it stood in quotes, and its pieces where they stand on lines of their own."""

    mark: Mark
    quoted: bool = False
    pieces: tuple[tuple[str, Mark], ...] = ()

    @staticmethod
    def make(value: str, mark: Mark, quoted: bool = False) -> "MarkedStr":
        """Text with its position."""
        made = MarkedStr(value)
        made.mark, made.quoted = mark, quoted
        return made


class MarkedInt(int):
    """A whole number and where it stands."""

    mark: Mark

    @staticmethod
    def make(value: int, mark: Mark) -> "MarkedInt":
        """A whole number with its position."""
        made = MarkedInt(value)
        made.mark = mark
        return made


class MarkedFloat(float):
    """A number and where it stands."""

    mark: Mark

    @staticmethod
    def make(value: float, mark: Mark) -> "MarkedFloat":
        """A number with its position."""
        made = MarkedFloat(value)
        made.mark = mark
        return made


def marked(value: Any, mark: Mark) -> Any:
    """A scalar with a position; true, false, null and values that have one already stay as they are.

    >>> marked(3, Mark("a.yaml", 7)).mark
    Mark(file='a.yaml', line=7)
    """
    if isinstance(value, bool) or hasattr(value, "mark"):
        return value
    if isinstance(value, int):
        return MarkedInt.make(value, mark)
    if isinstance(value, float):
        return MarkedFloat.make(value, mark)
    return MarkedStr.make(value, mark, quoted=True) if isinstance(value, str) else value


def mark_of(value: Any, key: str | None = None) -> Mark | None:
    """Where a value stands, or one of its keys; None for values that did not come from a file."""
    if key is not None and isinstance(value, MarkedDict) and key in value.keys_at:
        return value.keys_at[key]
    found = getattr(value, "mark", None)
    return found if isinstance(found, Mark) else None


def mark_of_item(items: Any, index: int) -> Mark | None:
    """Where an item of a list stands, else where the list begins; None for lists that did not come from a file."""
    found = mark_of(items[index])
    if found is None and isinstance(items, MarkedList) and len(items.items_at) == len(items):
        return items.items_at[index]
    return found or mark_of(items)


def mark_of_word(value: Any, word: str) -> Mark | None:
    """Where a word stands, in a text of several lines or in the texts of a list; else where the value begins.

    >>> text = MarkedStr.make("M=4 N=3", Mark("a.yaml", 7))
    >>> text.pieces = ("M=4", Mark("a.yaml", 8)), ("N=3", Mark("a.yaml", 9))
    >>> mark_of_word(text, "N=3").line, mark_of_word(text, "N").line, mark_of_word(text, "K").line
    (9, 9, 7)
    """
    return mark_of_match(value, re.compile(rf"(?<!\w){re.escape(word)}(?!\w)"))


def mark_of_match(value: Any, pattern: re.Pattern[str]) -> Mark | None:
    """Where the first match of a pattern stands, in a text or in the texts of a list; else where the value begins."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            if pattern.search(str(item)):
                return mark_of_match(item, pattern) or mark_of_item(value, index)
    elif isinstance(value, MarkedStr):
        for piece, mark in value.pieces:
            if pattern.search(piece):
                return mark
    return mark_of(value)


def plain(value: Any) -> Any:
    """The same value without any positions, at every depth."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    kind = next((kind for kind in (str, int, float) if isinstance(value, kind)), None)
    return value if kind is None else kind(value)


def derived(node: Any, values: dict[str, Any]) -> Any:
    """Other values in the place of a mapping: keys that stay keep their position."""
    return node.derived(values) if isinstance(node, MarkedDict) else values


def like(given: Any, items: list[Any]) -> list[Any]:
    """Other items in the place of a list."""
    if not isinstance(given, MarkedList):
        return items
    copy = MarkedList(given.mark, given.tag, given.items_at if len(items) == len(given) else [])
    copy.extend(items)
    return copy


def joined(first: MarkedList, second: list[Any]) -> MarkedList:
    """Two lists as one, in the place of the first."""
    both = MarkedList(first.mark)
    for items in (first, second):
        for index, item in enumerate(items):
            both.add(item, mark_of_item(items, index) or first.mark)
    return both


def shown(value: Any) -> str:
    """A wrong value as an error may repeat it: numbers and text up to some 40 characters, of anything else its size.

    >>> shown("x" * 100), shown({"a": 1}), shown(3)
    ("'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'", 'a mapping of 1 keys', '3')
    """
    if isinstance(value, dict):
        return f"a mapping of {len(value)} keys"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)} values"
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else f"{value[:36]}...")
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 128:
        return f"a whole number of {value.bit_length()} bits"
    said = repr(value)
    return said if len(said) <= 40 else f"{said[:36]}..."
