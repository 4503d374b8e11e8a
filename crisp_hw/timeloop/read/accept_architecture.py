"""The `architecture` document down to what the reader knows; what has no effect is noted."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import derived, like, mark_of
from crisp_hw.timeloop.read.accept_attributes import without_others
from crisp_hw.timeloop.read.architecture import ARCHITECTURE, COMPUTE_CLASSES, STORAGE_CLASSES, plain_name
from crisp_hw.timeloop.yaml.fields import (
    inside,
    key_at,
    mapping,
    misspelt,
    optional_items,
    optional_mapping,
    text,
    value_at,
)

NETWORKS = ("XY_NoC", "Legacy", "ReductionTree", "SimpleMulticast")  # model/topology.cpp: networkClasses
REMARKS = ("required_actions", "subclass", "area_scale", "energy_scale")  # for Accelergy
COMPONENT_KEYS = ("name", "class", "subclass", "attributes", "enabled")
TREE = ("local", "subtree", "nodes")  # hold levels, which are not passed over wherever they stand


@dataclass
class _Unused:
    """Attributes without effect: of which components, and where each stands first."""

    parts: dict[str, list[str]] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, component: str, node: Any, keys: Iterable[str]) -> None:
        for key in keys:
            self.parts.setdefault(key, []).append(component)
            self.first.setdefault(key, str(mark_of(node, key) or "architecture"))


def accept_architecture(document: Any, variables: Any, notes: list[str]) -> Any:
    """The document without what Timeloop's model does not read; a note for each attribute name left out.

    Raises InputError for what would change the numbers but is not modelled (accept_attributes).
    """
    root = mapping(document, ARCHITECTURE)
    unused = _Unused(variables=variables if isinstance(variables, dict) else {})
    root = _without_foreign(root, ("version", "subtree"), "the whole", ARCHITECTURE, unused)
    nodes = optional_items(root.get("subtree"), inside(ARCHITECTURE, root, "subtree"))
    subtree = like(root.get("subtree"), [_subtree(node, at, unused) for node, at in nodes])
    _distinct(subtree)
    notes += unused.notes
    notes += [
        f"{unused.first[key]}: attribute {key} ({_several(parts)}): without effect on the numbers of Timeloop's model"
        for key, parts in unused.parts.items()
    ]
    return derived(root, {**root, "subtree": subtree})


def component_names(architecture: Any, *said: str) -> frozenset[str]:
    """Names of all components of an accepted architecture; with `said`, of those that have one of these attributes."""
    nodes = list(architecture.get("subtree") or []) if isinstance(architecture, dict) else []
    entries = [entry for entry in _components(nodes) if not said or set(said) & set(entry.get("attributes") or ())]
    return frozenset(plain_name(str(entry.get("name"))) for entry in entries)


def _components(nodes: list[Any]) -> list[Any]:
    """The entries of all `local` lists of a tree."""
    found = [entry for node in nodes for entry in node.get("local") or []]
    inner = [below for node in nodes for below in node.get("subtree") or []]
    return found + _components(inner) if inner else found


def _distinct(subtree: Any) -> None:
    """Mappings, formats and tables speak of a level by its name."""
    seen: set[str] = set()
    for entry in _components(list(subtree)):
        name = plain_name(str(entry.get("name")))
        if name in seen:
            at = value_at(Where("architecture", name), entry, "name")
            raise InputError("there are two of that name", at, "rename one")
        seen.add(name)


def _subtree(node: Any, at: Where, unused: _Unused) -> Any:
    node = mapping(node, at)
    name = plain_name(str(node.get("name", "?")))
    node = _without_foreign(node, ("name", "attributes", "local", "subtree"), name, ARCHITECTURE.under(name), unused)
    copy = dict(node)
    attributes = optional_mapping(copy.pop("attributes", None), inside(at, node, "attributes"))
    unused.add(plain_name(str(copy.get("name", "?"))), attributes, attributes)
    if "local" in copy:
        local = optional_items(copy["local"], inside(ARCHITECTURE, node, "local"))
        entries = [_component(entry, place, unused) for entry, place in local]
        copy["local"] = like(node["local"], [entry for entry in entries if entry is not None])
    if "subtree" in copy:
        below = optional_items(copy["subtree"], inside(ARCHITECTURE, node, "subtree"))
        copy["subtree"] = like(node["subtree"], [_subtree(each, place, unused) for each, place in below])
    return derived(node, copy)


def _component(entry: Any, at: Where, unused: _Unused) -> Any:
    entry = mapping(entry, at)
    name, kind = plain_name(str(entry.get("name", "?"))), entry.get("class")
    at = Where("architecture", name, mark=at.mark)
    is_storage, is_compute = (_is_class(kind, classes) for classes in (STORAGE_CLASSES, COMPUTE_CLASSES))
    if kind is not None and not is_storage and not is_compute:
        return _other_class(entry, at, unused)
    entry = _without_foreign(entry, (*COMPONENT_KEYS, *REMARKS), name, at, unused)
    copy = dict(entry)
    if copy.pop("enabled", True) is not True:
        raise InputError("Timeloop does not read `enabled`", value_at(at, entry, "enabled"), "leave the level out")
    unused.add(name, entry, [key for key in REMARKS if copy.pop(key, None)])
    held = optional_mapping(copy.get("attributes"), inside(at, entry, "attributes"))
    attributes = _substituted(held, unused.variables)
    kept, others = without_others(name, attributes, is_compute and not is_storage)
    unused.add(name, attributes, others)
    return derived(entry, {**copy, "attributes": derived(attributes, kept)})


def _is_class(kind: Any, classes: Iterable[str]) -> bool:
    return isinstance(kind, str) and any(name in kind for name in classes)


def _other_class(entry: Any, at: Where, unused: _Unused) -> None:
    kind = text(entry["class"], inside(at, entry, "class"))
    if _is_class(kind, NETWORKS):
        raise InputError(f"networks ({kind}) are not modelled", value_at(at, entry, "class"), "leave it out")
    unused.notes.append(
        f"{mark_of(entry)}: component {at.entry}: Timeloop's model has no class {kind!r}, passes it over"
    )


def _without_foreign(node: Any, known: Iterable[str], name: str, at: Where, unused: _Unused) -> Any:
    """A node without keys that Timeloop never looks up; InputError for one that is nearly a known one, or a level."""
    foreign = [key for key in node if key not in known]
    for key in foreign:
        meant = misspelt(key, known) or next((each for each in TREE if each in (key, misspelt(key, TREE))), None)
        if meant:
            advice = f"did you mean {meant!r}?" if meant in known else f"known are {', '.join(sorted(known))}"
            raise InputError(f"unknown key {key!r}", key_at(at, node, key), advice)
    unused.add(name, node, foreign)
    return derived(node, {key: value for key, value in node.items() if key not in foreign}) if foreign else node


def _several(names: list[str]) -> str:
    unique = list(dict.fromkeys(names))
    return ", ".join(unique) if len(unique) <= 4 else f"{', '.join(unique[:3])} and {len(unique) - 3} more"


def _substituted(attributes: Any, variables: dict[str, Any]) -> Any:
    """Values that name a variable, replaced by it (compound-config.cpp: lookupValue)."""
    named = {k: variables[v] for k, v in attributes.items() if isinstance(v, str) and v in variables}
    return derived(attributes, {**attributes, **named}) if named else attributes
