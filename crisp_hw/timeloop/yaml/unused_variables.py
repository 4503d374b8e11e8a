"""Entries of the document `variables` that no other value speaks of."""

import re
from collections.abc import Iterator
from typing import Any

from crisp_hw.machine.positions import mark_of

DOCUMENT = "variables"
_WORD = re.compile(r"[A-Za-z_]\w*")


def unused_variables(documents: Any) -> tuple[str, ...]:
    """One note for each variable whose name occurs in no other value of the documents, as a word of a text.

    A variable that only such a variable speaks of is unused, too. A text that happens to hold the word counts as use.

    >>> unused_variables({"variables": {"version": 0.4, "rows": 4, "lanes": "rows * 2"}, "problem": {"M": "rows"}})
    ('variables: variable lanes: nothing in the files speaks of it, without effect',)
    """
    held = documents.get(DOCUMENT)
    if not isinstance(held, dict):
        return ()
    heard = {word for key, value in documents.items() if key != DOCUMENT for word in _words(value)}
    waiting = dict(held)
    while found := [name for name in waiting if name in heard]:
        for name in found:
            heard |= set(_words(waiting.pop(name)))
    unused = [name for name in waiting if name != "version"]
    return tuple(
        f"{mark_of(held, name) or DOCUMENT}: variable {name}: nothing in the files speaks of it, without effect"
        for name in unused
    )


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _WORD.findall(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)
