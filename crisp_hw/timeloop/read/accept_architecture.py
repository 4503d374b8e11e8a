"""The `architecture` document down to what the reader knows; what has no effect is noted."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from crisp_hw.machine.positions import derived, fault, like, mark_of
from crisp_hw.timeloop.read.accept_attributes import without_others
from crisp_hw.timeloop.read.architecture import COMPUTE_CLASSES, STORAGE_CLASSES, plain_name
from crisp_hw.timeloop.yaml.fields import mapping, optional_mapping, optional_sequence, text

NETWORKS = ("XY_NoC", "Legacy", "ReductionTree", "SimpleMulticast")  # model/topology.cpp: networkClasses
REMARKS = ("required_actions", "subclass", "area_scale", "energy_scale")  # for Accelergy


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
    root = mapping(document, "architecture")
    unused = _Unused(variables=variables if isinstance(variables, dict) else {})
    nodes = optional_sequence(root.get("subtree"), "architecture.subtree")
    subtree = like(root.get("subtree"), [_subtree(node, unused) for node in nodes])
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
            raise fault(entry, f"architecture level {name}: there are two of that name; rename one", "name")
        seen.add(name)


def _subtree(node: Any, unused: _Unused) -> Any:
    node = mapping(node, "architecture.subtree")
    copy = dict(node)
    attributes = optional_mapping(copy.pop("attributes", None), "architecture.subtree.attributes")
    unused.add(plain_name(str(copy.get("name", "?"))), attributes, attributes)
    if "local" in copy:
        entries = [_component(entry, unused) for entry in optional_sequence(copy["local"], "architecture.local")]
        copy["local"] = like(node["local"], [entry for entry in entries if entry is not None])
    if "subtree" in copy:
        inner = [_subtree(each, unused) for each in optional_sequence(copy["subtree"], "architecture.subtree")]
        copy["subtree"] = like(node["subtree"], inner)
    return derived(node, copy)


def _component(entry: Any, unused: _Unused) -> Any:
    entry = mapping(entry, "architecture.local")
    name, kind = plain_name(str(entry.get("name", "?"))), entry.get("class")
    where = f"architecture level {name}"
    is_storage, is_compute = (_is_class(kind, classes) for classes in (STORAGE_CLASSES, COMPUTE_CLASSES))
    if kind is not None and not is_storage and not is_compute:
        return _other_class(entry, name, unused)
    copy = dict(entry)
    if copy.pop("enabled", True) is not True:
        raise fault(entry, f"{where}: Timeloop does not read `enabled`; leave the level out", "enabled")
    unused.add(name, entry, [key for key in REMARKS if copy.pop(key, None)])
    attributes = _substituted(optional_mapping(copy.get("attributes"), where), unused.variables)
    kept, others = without_others(name, attributes, is_compute and not is_storage)
    unused.add(name, attributes, others)
    return derived(entry, {**copy, "attributes": derived(attributes, kept)})


def _is_class(kind: Any, classes: Iterable[str]) -> bool:
    return isinstance(kind, str) and any(name in kind for name in classes)


def _other_class(entry: Any, name: str, unused: _Unused) -> None:
    kind = text(entry["class"], f"architecture level {name}.class")
    if _is_class(kind, NETWORKS):
        raise fault(entry, f"architecture level {name}: networks ({kind}) are not modelled; leave it out", "class")
    unused.notes.append(f"{mark_of(entry)}: component {name}: Timeloop's model has no class {kind!r}, passes it over")


def _several(names: list[str]) -> str:
    unique = list(dict.fromkeys(names))
    return ", ".join(unique) if len(unique) <= 4 else f"{', '.join(unique[:3])} and {len(unique) - 3} more"


def _substituted(attributes: Any, variables: dict[str, Any]) -> Any:
    """Values that name a variable, replaced by it (compound-config.cpp: lookupValue)."""
    named = {k: variables[v] for k, v in attributes.items() if isinstance(v, str) and v in variables}
    return derived(attributes, {**attributes, **named}) if named else attributes
