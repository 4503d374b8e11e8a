"""The `mapping` document: what would silently replace something else is refused."""

import re
from typing import Any

from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import derived, like, mark_of, mark_of_match
from crisp_hw.timeloop.yaml.fields import inside, items, key_at, mapping, sequence, value_at, word_at

OPTIONAL = ("split", "factors", "permutation")
_FACTOR = re.compile(r"([A-Za-z]+)\s*=?\s*\d+")
LISTS = ("keep", "bypass", "stream", "no_link_transfer", "no_reuse", "no_temporal_reuse", "rmw_first_update")


def accept_mapping(document: Any) -> Any:
    """The document without optional keys that are there but empty.

    Raises InputError for a block that is described twice, for a dimension with two factors in one block, and for a
    tensor that a level both keeps and bypasses: Timeloop takes what it reads last.
    """
    if isinstance(document, dict) and document.get("type") == "fused":
        what = "fused mappings (LoopTree) are not supported"
        raise InputError(what, value_at(Where("mapping"), document, "type"), "give one mapping for each layer")
    entries = [_entry(entry, at) for entry, at in items(document, Where("mapping"))]
    seen: dict[tuple[str, str], Any] = {}
    for entry in entries:
        block = (str(entry.get("target")), str(entry.get("type")))
        if block in seen and block[1] in ("temporal", "spatial"):
            what = f"its {block[1]} loops are there already, at {mark_of(seen[block]) or 'above'}"
            raise InputError(what, Where("mapping", block[0], mark=mark_of(entry)), "give them once")
        seen[block] = entry
    _check_stores(entries)
    return like(document, entries)


def _entry(entry: Any, at: Where) -> Any:
    entry = mapping(entry, at)
    at = Where("mapping", str(entry.get("target")), mark=at.mark)
    for key in LISTS:
        if entry.get(key) is not None:
            sequence(entry[key], inside(at, entry, key))
    _check_factors(entry, at)
    return derived(entry, {k: v for k, v in entry.items() if v is not None or k not in (*OPTIONAL, *LISTS)})


def _check_factors(entry: Any, at: Where) -> None:
    factors = entry.get("factors")
    text = " ".join(map(str, factors)) if isinstance(factors, list) else str(factors or "")
    seen: set[str] = set()
    for found in _FACTOR.finditer(text):
        if found[1] in seen:
            written = re.compile(rf"(?<![A-Za-z]){re.escape(found[0])}")  # the second one, where the two differ
            place = key_at(at, entry, "factors").at(mark_of_match(factors, written))
            raise InputError(f"{found[1]} has two factors in {text[:60]!r}", place, "give one")
        seen.add(found[1])


def _check_stores(entries: list[Any]) -> None:
    kept: dict[tuple[str, str], str] = {}
    for entry in entries:
        target = str(entry.get("target"))
        for key in ("keep", "bypass"):
            for name in map(str, entry.get(key) or ()):
                if kept.setdefault((target, name), key) != key:
                    at = word_at(Where("mapping", target), entry, key, name)
                    raise InputError(f"{name} is both kept and bypassed", at, "choose")
