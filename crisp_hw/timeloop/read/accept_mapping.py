"""The `mapping` document: what would silently replace something else is refused."""

import re
from typing import Any

from crisp_hw.machine.positions import derived, fault, like, mark_of
from crisp_hw.timeloop.yaml.fields import mapping, sequence

OPTIONAL = ("split", "factors", "permutation")
LISTS = ("keep", "bypass", "stream", "no_link_transfer", "no_reuse", "no_temporal_reuse", "rmw_first_update")


def accept_mapping(document: Any) -> Any:
    """The document without optional keys that are there but empty.

    Raises InputError for a block that is described twice, for a dimension with two factors in one block, and for a
    tensor that a level both keeps and bypasses: Timeloop takes what it reads last.
    """
    entries = [_entry(entry) for entry in sequence(document, "mapping")]
    seen: dict[tuple[str, str], Any] = {}
    for entry in entries:
        block = (str(entry.get("target")), str(entry.get("type")))
        if block in seen and block[1] in ("temporal", "spatial"):
            before = mark_of(seen[block]) or "above"
            raise fault(
                entry, f"mapping of {block[0]}: its {block[1]} loops are there already, at {before}; give them once"
            )
        seen[block] = entry
    _check_stores(entries)
    return like(document, entries)


def _entry(entry: Any) -> Any:
    entry = mapping(entry, "mapping")
    where = f"mapping of {entry.get('target')}"
    for key in LISTS:
        if entry.get(key) is not None:
            sequence(entry[key], f"{where}.{key}")
    _check_factors(entry, where)
    return derived(entry, {k: v for k, v in entry.items() if v is not None or k not in (*OPTIONAL, *LISTS)})


def _check_factors(entry: Any, where: str) -> None:
    factors = entry.get("factors")
    text = " ".join(map(str, factors)) if isinstance(factors, list) else str(factors or "")
    dims = re.findall(r"([A-Za-z]+)\s*=?\s*\d", text)
    twice = next((dim for position, dim in enumerate(dims) if dim in dims[:position]), None)
    if twice is not None:
        raise fault(entry, f"{where}: {twice} has two factors in {text[:60]!r}; give one", "factors")


def _check_stores(entries: list[Any]) -> None:
    kept: dict[tuple[str, str], str] = {}
    for entry in entries:
        target = str(entry.get("target"))
        for key in ("keep", "bypass"):
            for name in map(str, entry.get(key) or ()):
                if kept.setdefault((target, name), key) != key:
                    raise fault(entry, f"mapping of {target}: {name} is both kept and bypassed; choose", key)
