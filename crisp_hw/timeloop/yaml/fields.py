"""Reading of documents: typed access to nested mappings, with errors that say where.

Every reader is told the place of what it reads (`Where`), with the line of the entry around it; the line of an error
is that of the wrong key or value itself wherever it has one.
"""

import re
from collections.abc import Iterable
from typing import Any

from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import MarkedDict, like, mark_of, mark_of_item, mark_of_match, mark_of_word, plain
from crisp_hw.machine.yaml_text import decimal
from crisp_hw.spec.limits import EXACT

Node = dict[str, Any]
WITH_HYPHENS = ("energy-per-ingress",)  # Timeloop looks up this name as it stands (network-legacy.cpp: ParseSpecs)


def underscored(value: Any) -> Any:
    """Keys with hyphens turned into underscores, at every depth (Timeloop accepts both).

    >>> underscored({"data-spaces": [{"word-bits": 8}]})
    {'data_spaces': [{'word_bits': 8}]}
    """
    if isinstance(value, dict):
        return _underscored_keys(value)
    if isinstance(value, list):
        return like(value, [underscored(item) for item in value])
    return value


def _underscored_keys(node: Node) -> Node:
    renamed: Node = {}
    for key, item in node.items():
        name = _plain_key(str(key))
        if name in renamed:
            what = f"the key {key!r} is there twice, once with a hyphen and once with an underscore"
            raise InputError(what, key_at(Where(), node, key), "give it once")
        renamed[name] = underscored(item)
    if not isinstance(node, MarkedDict):
        return renamed
    copy = node.derived(renamed)
    copy.keys_at = {_plain_key(str(key)): mark for key, mark in node.keys_at.items()}
    return copy


def _plain_key(key: str) -> str:
    return key if key in WITH_HYPHENS else key.replace("-", "_")


def key_at(at: Where, node: Any, key: str) -> Where:
    """The same place with the line of one key of a mapping."""
    return at.at(mark_of(node, key))


def value_at(at: Where, node: Any, key: str) -> Where:
    """The same place with the line of the value of one key, which may be another than that of the key."""
    return at.at(mark_of(node.get(key)) or mark_of(node, key))


def word_at(at: Where, node: Any, key: str, word: str) -> Where:
    """The same place with the line of one word: in the text, or in the texts of the list, that a key holds."""
    return at.at(mark_of_word(node.get(key), word) or mark_of(node, key))


def factor_at(at: Where, node: Any, dim: str, relation: str = "[<>=]*") -> Where:
    """The same place with the line of the factor of one dimension; `relation` is a pattern ("=?" for "K=4", "K4")."""
    pattern = re.compile(rf"(?<![A-Za-z]){re.escape(dim)}\s*{relation}\s*\d")
    return at.at(mark_of_match(node.get("factors"), pattern) or mark_of(node, "factors"))


def inside(at: Where, node: Any, key: str) -> Where:
    """The place of the value of one key, with the key in its name: "mapping of SMEM.factors"."""
    return value_at(at.under(key), node, key)


def items(value: Any, at: Where) -> list[tuple[Any, Where]]:
    """The items of a list with their places."""
    listed = sequence(value, at)
    return [(item, at.at(mark_of_item(listed, index))) for index, item in enumerate(listed)]


def optional_items(value: Any, at: Where) -> list[tuple[Any, Where]]:
    """The items of a list with their places; none where nothing is given (null), but not for 0 or an empty mapping."""
    return [] if value is None else items(value, at)


def mapping(value: Any, at: Where) -> Node:
    """The value as a mapping."""
    if not isinstance(value, dict):
        raise InputError(f"expected a mapping of keys to values, found {_kind(value)}", at.at(mark_of(value)))
    return value


def sequence(value: Any, at: Where) -> list[Any]:
    """The value as a list."""
    if not isinstance(value, list):
        raise InputError(f"expected a list, found {_kind(value)}", at.at(mark_of(value)))
    return value


def optional_mapping(value: Any, at: Where) -> Node:
    """The value as a mapping; an empty one where nothing is given (null), but not for 0 or an empty list."""
    return {} if value is None else mapping(value, at)


def text(value: Any, at: Where) -> str:
    """The value as a string."""
    if not isinstance(value, str):
        raise InputError(f"expected text, found {_kind(value)}", at.at(mark_of(value)))
    return str(value)


def number(value: Any, at: Where) -> float:
    """The value as a finite, nonnegative number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        hint = "leave the quotes out" if isinstance(value, str) and decimal(value) is not None else ""
        raise InputError(f"expected a nonnegative number, found {_kind(value)}", at.at(mark_of(value)), hint)
    return int(value) if isinstance(value, int) else float(value) + 0.0  # -0.0 becomes 0


def whole(value: Any, at: Where, least: int = 0) -> int:
    """The value as an integer of at least `least`."""
    found = number(value, at)
    if found != int(found) or found < least:
        raise InputError(f"expected a whole number of at least {least}, found {value!r}", at.at(mark_of(value)))
    if found > EXACT:
        what = f"{found:.3g} is more than 2^53, beyond which numbers are not exact"
        raise InputError(what, at.at(mark_of(value)), "use less")
    return int(found)


def flag(value: Any, at: Where) -> bool:
    """The value as true or false."""
    if not isinstance(value, bool):
        raise InputError(f"expected true or false, found {_kind(value)}", at.at(mark_of(value)))
    return value


def required(node: Node, key: str, at: Where) -> Any:
    """The value of a key that must be there; where it is only misspelt, the error is about the key that is."""
    if key not in node:
        what = f"the key {key!r} is missing"
        if wrong := next((each for each in node if misspelt(each, [key])), None):
            raise InputError(what, key_at(at, node, wrong), f"is {wrong!r} meant to be it?")
        raise InputError(what, at.at(mark_of(node)), f"there are {', '.join(map(repr, node)) or 'none'}")
    return node[key]


def known(node: Node, keys: Iterable[str], at: Where) -> None:
    """Refuse keys that nothing here reads."""
    allowed = sorted(set(keys))
    for key in node:
        if key not in allowed:
            raise InputError(f"unknown key {key!r}", key_at(at, node, key), f"known are {', '.join(allowed)}")


def dialect_only(node: Node, key: str, known_there: bool, at: Where) -> None:
    """Refuse what only the program behind the MICRO 2022 artifact knows, where it is not wanted; `key` holds it."""
    if not known_there:
        word = key if key == "stream" else node[key]
        raise InputError(
            f"{word} is unknown to public Timeloop",
            key_at(at, node, key) if key == "stream" else value_at(at, node, key),
            "read documents of the Sparseloop MICRO 2022 artifact with "
            'dialect="micro22" (crisp-hw model --dialect micro22), or leave it out',
        )


def similar(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that an unknown one is most like, for a "did you mean"; None when none is.

    >>> similar("dpeth", ["depth", "width"])
    'depth'
    """
    from difflib import get_close_matches  # only errors need it

    return next(iter(get_close_matches(name, list(known), n=1, cutoff=cutoff)), None)


def misspelt(name: str, known: Iterable[str]) -> str | None:
    """The known name that this one is almost: two letters swapped or one wrong, or a long name nearly all right.

    >>> misspelt("dpeth", ["depth", "width"]), misspelt("cell_datawidth", ["datawidth"])
    ('depth', None)
    >>> misspelt("read_energy", ["wire_energy"])
    """
    close = similar(name, known, 0.8)  # difflib's ratio: 1 for equal names
    if close is None or (abs(len(close) - len(name)) > 1 and similar(name, [close], 0.85) is None):
        return None
    words, theirs = name.split("_"), close.split("_")
    another = len(words) == len(theirs) and not all(
        similar(*pair) for pair in zip(words, ([each] for each in theirs), strict=True)
    )
    return None if another else close


def _kind(value: Any) -> str:
    name = type(value).__name__.removeprefix("Marked").lower()
    shown = repr(value) if not isinstance(value, dict | list) else repr(plain(value))
    return f"{name} {shown if len(shown) <= 40 else shown[:37] + '...'}"
