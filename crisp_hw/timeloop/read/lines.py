"""The line of an error that was raised about nouns, which have none: looked up by document, entry and key."""

from collections.abc import Iterator
from copy import copy
from math import prod
from typing import Any

from crisp_hw.errors import CrispError, Mark, Where
from crisp_hw.machine.positions import MarkedDict, mark_of
from crisp_hw.timeloop.read.architecture import plain_name
from crisp_hw.timeloop.read.constraints import DOCUMENTS
from crisp_hw.timeloop.read.mapping import FACTOR
from crisp_hw.timeloop.yaml.fields import factor_at, value_at

NAMES = ("target", "name")  # the keys under which an entry says what it is about
FACTORS = "factors."  # "factors.K": the factors of one dimension, whatever entries hold them


def with_line(error: CrispError, documents: MarkedDict) -> CrispError:
    """The same error with file and line, if its place is among the documents and has none yet."""
    if error.at is None or error.at.mark is not None:
        return error
    placed = copy(error)
    if error.at.document == "mapping" and error.at.key.startswith(FACTORS):
        _at_factor(placed, error.at.key.removeprefix(FACTORS), documents)
    else:
        level = next((broken.level for broken in getattr(error, "failures", ()) if broken.level), "")
        placed.at = error.at.at(_find(error.at, level, documents))
    return placed


def _find(at: Where, level: str, documents: MarkedDict) -> Mark | None:
    """The line of a place: the key of its entry, else the entry, else the document; `level` is the entry meant."""
    names = [name for name in (DOCUMENTS if at.document == "constraints" else (at.document,)) if name in documents]
    if not names:
        return documents.mark
    entry = at.entry or level
    for name in (*names, *(("architecture",) if entry else ())):
        entries = [node for node in _nodes(documents.get(name)) if not entry or _is_named(node, entry)]
        if entries:
            return _in_entries(entries, at.key) or (mark_of(entries[0]) if entry else documents.keys_at[name])
    return documents.keys_at[names[0]]


def _in_entries(entries: list[MarkedDict], key: str) -> Mark | None:
    """Where the last part of a key stands in one of the entries, or in a mapping inside them."""
    last = key.split(".")[-1]
    if key.startswith(FACTORS):
        held = [factor_at(Where(), node, last) for node in entries if last in _factors(node)]
        return held[-1].mark if held else None
    for node in (inner for entry in entries for inner in _nodes(entry)):
        if last in node:
            return value_at(Where(), node, last).mark
    return None


def _is_named(node: MarkedDict, name: str) -> bool:
    return any(isinstance(node.get(key), str) and plain_name(node[key]) == name for key in NAMES)


def _nodes(value: Any) -> Iterator[MarkedDict]:
    """All mappings inside a value, outer ones first."""
    if isinstance(value, MarkedDict):
        yield value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inside:
        yield from _nodes(item)


def _factors(entry: MarkedDict) -> dict[str, int]:
    """The factors that an entry of a mapping or of constraints says, by dimension."""
    held = entry.get("factors")
    words = " ".join(map(str, held)) if isinstance(held, list) else str(held or "")
    return {found[1]: int(found[2]) for found in FACTOR.finditer(words.replace("<", "").replace(">", ""))}


def _at_factor(error: CrispError, dim: str, documents: MarkedDict) -> None:
    """Name the entry whose factor is the wrong one of a product that does not come to the size of its dimension.

    That is a factor which does not divide the size, else one that alone could put it right, else any above 1; of
    several the one that is written first, which is the outermost as mappings are usually written.
    """
    problem = documents.get("problem")
    size = problem["instance"][dim] if isinstance(problem, dict) else 1
    entries = [node for node in _nodes(documents.get("mapping")) if dim in _factors(node)]
    held = [
        (_factors(node)[dim] or size, factor_at(Where("mapping", str(node["target"])), node, dim)) for node in entries
    ]
    if not held:
        error.at = Where("mapping", mark=documents.keys_at.get("mapping", documents.mark))
        return
    product = prod(factor for factor, _ in held)

    def suspicion(each: tuple[int, Where]) -> tuple[bool, bool, bool]:
        factor = each[0]
        return factor > 1, size % factor != 0, (size * factor) % product == 0

    wrong = max(held, key=suspicion)  # of equals the first
    error.at = wrong[1].under("factors")
    others = [f"{factor} {_beside(at, wrong[1])}" for factor, at in held if at is not wrong[1] and factor > 1]
    if others:
        error.hint = f"{error.hint}; the other factors of {dim} are {', '.join(others)}"


def _beside(other: Where, at: Where) -> str:
    """Where the other place is, for a reader who has been told the first."""
    if other.mark is None or at.mark is None:
        return f"in {other.entry}"
    return f"in line {other.mark.line}" if other.mark.file == at.mark.file else f"at {other.mark}"
