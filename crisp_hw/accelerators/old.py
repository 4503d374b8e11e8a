"""Files of the schema crisp-hw/arch/1, which knew four schemes and one chain of levels, as documents of arch/2."""

from collections.abc import Callable

from crisp_hw.accelerators.places import at_place
from crisp_hw.errors import InputError
from crisp_hw.machine.positions import MarkedDict, shown
from crisp_hw.machine.yaml_files import did_you_mean
from crisp_hw.spec.runs import ROLES

OLD, NEW = "crisp-hw/arch/1", "crisp-hw/arch/2"
RUNS = ("runs", "does", "parameters", "features", "take", "baseline")
"""What the scheme of an old file stands for: these fields of the packaged accelerator of that name."""

Packaged = Callable[[str], MarkedDict]
"""The document of a packaged accelerator, with all that it extends."""


def is_old(document: MarkedDict) -> bool:
    """Does it say that it is of the old schema?"""
    return document.get("schema") == OLD


def modern(document: MarkedDict, kinds: tuple[str, ...], packaged: Packaged) -> MarkedDict:
    """An old document in the words of the new schema; InputError for a scheme that there never was."""
    found = document.derived(document)
    found.put("schema", NEW, document.keys_at.get("schema", document.mark))
    scheme = found.pop("scheme", None)
    levels = found.get("levels")
    whole = "extends" not in document
    if whole and isinstance(levels, MarkedDict) and len(levels) == len(ROLES):
        found.put("levels", _with_roles(levels), document.keys_at["levels"])
    if scheme is not None:
        _take_runs(document, found, scheme, kinds, packaged)
    return found


def _take_runs(
    document: MarkedDict, found: MarkedDict, scheme: object, kinds: tuple[str, ...], packaged: Packaged
) -> None:
    at = at_place(document, "scheme", "kind")
    kind = scheme.get("kind") if isinstance(scheme, MarkedDict) else None
    if not isinstance(scheme, MarkedDict) or kind not in kinds:
        hint = did_you_mean(kind, kinds) if isinstance(kind, str) else f"write scheme: {{kind: {kinds[0]}}}"
        raise InputError(f"there is no scheme {shown(kind)}", at, hint)
    source = packaged(str(kind))
    for key in RUNS:
        if key in source and key not in found:
            found.put(key, source[key], at.mark or document.mark)
    if unknown := [key for key in scheme if key not in ("kind", "max_pattern")]:
        there = at_place(document, "scheme", unknown[0])
        raise InputError("is not a known field", there, did_you_mean(unknown[0], ("kind", "max_pattern")))
    if "max_pattern" in scheme:
        found.put("parameters", _parameters(document, found, scheme["max_pattern"]), document.keys_at["scheme"])


def _parameters(document: MarkedDict, found: MarkedDict, given: object) -> MarkedDict:
    """The densest N:M of a scheme as two numbers."""
    at = at_place(document, "scheme", "max_pattern")
    text = given.get("value") if isinstance(given, MarkedDict) else None
    source = given.get("source") if isinstance(given, MarkedDict) else None
    parts = str(text).split(":")
    known = found.get("parameters")
    if not isinstance(known, MarkedDict) or not {"max_n", "max_m"} <= known.keys():
        raise InputError("the scheme takes no max_pattern", at, "leave it out")
    if len(parts) != 2 or not all(part.isdecimal() and 0 < int(part) < 10_000 for part in parts) or source is None:
        raise InputError(f"{shown(text)} is no pattern with a source", at, 'write {value: "2:4", source: where from}')
    n, m = map(int, parts)
    if n > m:
        raise InputError(f"{n}:{m} keeps more than it has", at, "write N:M with N <= M")
    mark = at.mark or document.mark
    made = known.derived(known)
    for name, value in (("max_n", n), ("max_m", m)):
        entry = MarkedDict(mark)
        entry.put("value", value, mark)
        entry.put("source", source, mark)
        made.put(name, entry, mark)
    return made


def _with_roles(levels: MarkedDict) -> MarkedDict:
    made = levels.derived(levels)
    for (name, level), role in zip(levels.items(), ROLES, strict=True):
        if isinstance(level, MarkedDict) and "role" not in level:
            given = level.derived(level)
            given.put("role", role, levels.keys_at[name])
            made.put(name, given, levels.keys_at[name])
    return made
