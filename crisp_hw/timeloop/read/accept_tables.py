"""The tables of energy and area: entries that belong to nothing are noted."""

from collections.abc import Iterable
from typing import Any

from crisp_hw.engine.energy import COMPUTE_ACTIONS, STORAGE_ACTIONS
from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import MarkedDict, mark_of
from crisp_hw.spec.limits import MOST_PJ
from crisp_hw.timeloop.read.accept_architecture import component_names
from crisp_hw.timeloop.read.architecture import plain_name
from crisp_hw.timeloop.read.tables import WIRE_ACTION, WIRES
from crisp_hw.timeloop.yaml.fields import inside, mapping, optional_items, value_at

_KEYS = (("version", "tables"), ("name", "actions", "area"), ("name", "arguments", "energy"))
ACTIONS = STORAGE_ACTIONS | COMPUTE_ACTIONS


def accept_tables(root: MarkedDict, notes: list[str]) -> None:
    """A note for each entry of ERT and ART that Timeloop does not look up; InputError for what it stops on."""
    names = component_names(root.get("architecture"))
    for key in ("ERT", "ART"):
        if root.get(key) is None:
            continue
        document = Where(key)
        held = mapping(root[key], document)
        _other_keys(held, key, _KEYS[0], notes)
        areas: dict[str, Any] = {}
        energies: set[str] = set()
        for table, at in optional_items(held.get("tables"), inside(document, held, "tables")):
            name = plain_name(str(mapping(table, at).get("name", "")))
            at = Where(key, name, mark=at.mark)
            _other_keys(table, f"{key} of {name}", _KEYS[1], notes)
            if areas.setdefault(name, table.get("area")) != table.get("area"):
                raise InputError("two different areas", value_at(at, table, "area"), "give one")
            if key == "ERT" and name in names and name in energies:
                raise InputError("there is a table of it already", value_at(at, table, "name"), "give one")
            energies.add(name)
            if name in WIRES and key == "ERT":
                _actions(table, at, (WIRE_ACTION,), notes)
            elif name not in names and "architecture" in root:
                notes.append(f"{mark_of(table)}: {key} of {name}: the architecture has no such level, not used")
            elif key == "ERT":
                _actions(table, at, ACTIONS, notes)


def _actions(table: Any, at: Where, known: Iterable[str], notes: list[str]) -> None:
    name = at.entry
    seen: list[tuple[Any, Any]] = []
    for action, place in optional_items(table.get("actions"), inside(at, table, "actions")):
        action = mapping(action, place)
        _other_keys(action, f"ERT of {name}", _KEYS[2], notes)
        if str(action.get("name")) not in known:
            notes.append(f"{mark_of(action)}: ERT of {name}: Timeloop has no action {action.get('name')!r}, not used")
        variant = (action.get("name"), action.get("arguments"))
        if variant in seen:
            again = f"{action.get('name')} is there again with the same arguments; the largest energy counts"
            notes.append(f"{mark_of(action)}: ERT of {name}: {again}")
        seen.append(variant)
        energy = action.get("energy")
        if isinstance(energy, int | float) and energy > MOST_PJ:
            what = f"{energy:.2e} pJ for one action is too much"
            raise InputError(what, value_at(at, action, "energy"), "energies are in pJ")


def _other_keys(node: Any, where: str, read: tuple[str, ...], notes: list[str]) -> None:
    notes += [f"{mark_of(node, key)}: {where}: the key {key!r} is not used" for key in node if key not in read]
