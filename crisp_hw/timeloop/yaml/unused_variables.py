"""Entries of the document `variables` that no other value speaks of."""

import re
from collections.abc import Iterator
from typing import Any

from crisp_hw.machine.positions import mark_of

DOCUMENT = "variables"
_WORD = re.compile(r"[A-Za-z_]\w*")


def unused_variables(documents: Any) -> tuple[str, ...]:
    """One note for each variable that no other value speaks of: by its name, as a word of a text, or by a YAML alias.

    A variable that only such a variable speaks of is unused, too. A text that happens to hold the word counts as use.

    >>> unused_variables({"variables": {"version": 0.4, "rows": 4, "lanes": "rows * 2"}, "problem": {"M": "rows"}})
    ('variables: variable lanes: nothing in the files speaks of it, without effect',)
    """
    held = documents.get(DOCUMENT)
    if not isinstance(held, dict):
        return ()
    heard = [leaf for key, value in documents.items() if key != DOCUMENT for leaf in _leaves(value)]
    waiting = {name: list(_leaves(value)) for name, value in held.items() if name != "version"}
    while found := [name for name, leaves in waiting.items() if _spoken_of(name, leaves, heard)]:
        heard = [leaf for name in found for leaf in waiting.pop(name)]
    return tuple(
        f"{mark_of(held, name) or DOCUMENT}: variable {name}: nothing in the files speaks of it, without effect"
        for name in waiting
    )


def _spoken_of(name: str, leaves: list[Any], heard: list[Any]) -> bool:
    """Is the name a word of a text, or a value the very one of the file, which an alias puts in several places?"""
    own = {id(leaf) for leaf in leaves if mark_of(leaf) is not None}
    return any(id(leaf) in own or (isinstance(leaf, str) and name in _WORD.findall(leaf)) for leaf in heard)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    else:
        yield value
