"""The tables of energy and area: entries that belong to nothing are noted."""

from collections.abc import Iterable
from typing import Any

from crisp_hw.engine.energy import COMPUTE_ACTIONS, STORAGE_ACTIONS
from crisp_hw.machine.positions import MarkedDict, fault, mark_of
from crisp_hw.spec.limits import MOST_PJ
from crisp_hw.timeloop.read.accept_architecture import component_names
from crisp_hw.timeloop.read.architecture import WIRE_ACTION, WIRES, plain_name
from crisp_hw.timeloop.yaml.fields import mapping, optional_sequence

_KEYS = (("version", "tables"), ("name", "actions", "area"), ("name", "arguments", "energy"))
ACTIONS = STORAGE_ACTIONS | COMPUTE_ACTIONS


def accept_tables(root: MarkedDict, notes: list[str]) -> None:
    """A note for each entry of ERT and ART that Timeloop does not look up; InputError for what it stops on."""
    names = component_names(root.get("architecture"))
    for key in ("ERT", "ART"):
        if root.get(key) is None:
            continue
        held = mapping(root[key], key)
        _other_keys(held, key, _KEYS[0], notes)
        areas: dict[str, Any] = {}
        energies: set[str] = set()
        for table in optional_sequence(held.get("tables"), f"{key}.tables"):
            name = plain_name(str(mapping(table, f"{key}.tables").get("name", "")))
            _other_keys(table, f"{key} of {name}", _KEYS[1], notes)
            if areas.setdefault(name, table.get("area")) != table.get("area"):
                raise fault(table, f"{key} {name}: two different areas; give one", "area")
            if key == "ERT" and name in names and name in energies:
                raise fault(table, f"ERT {name}: there is a table of it already; give one", "name")
            energies.add(name)
            if name in WIRES and key == "ERT":
                _actions(table, name, (WIRE_ACTION,), notes)
            elif name not in names and "architecture" in root:
                notes.append(f"{mark_of(table)}: {key} of {name}: the architecture has no such level, not used")
            elif key == "ERT":
                _actions(table, name, ACTIONS, notes)


def _actions(table: Any, name: str, known: Iterable[str], notes: list[str]) -> None:
    for action in optional_sequence(table.get("actions"), f"ERT {name}.actions"):
        action = mapping(action, f"ERT {name}")
        _other_keys(action, f"ERT of {name}", _KEYS[2], notes)
        if str(action.get("name")) not in known:
            notes.append(f"{mark_of(action)}: ERT of {name}: Timeloop has no action {action.get('name')!r}, not used")
        energy = action.get("energy")
        if isinstance(energy, int | float) and energy > MOST_PJ:
            raise fault(action, f"ERT {name}: {energy:.2e} pJ for one action is too much; energies are in pJ", "energy")


def _other_keys(node: Any, where: str, read: tuple[str, ...], notes: list[str]) -> None:
    notes += [f"{mark_of(node, key)}: {where}: the key {key!r} is not used" for key in node if key not in read]
