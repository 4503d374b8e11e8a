"""The tables of energies (`ERT`) and areas (`ART`)."""

from typing import Any

import numpy as np

from crisp_hw.errors import InputError, Where
from crisp_hw.spec.ert import EnergyTable
from crisp_hw.timeloop.read.architecture import own_areas, plain_name
from crisp_hw.timeloop.yaml.fields import Node, inside, items, key_at, mapping, number, required, text

ERT, ART = Where("ERT"), Where("ART")
WIRES, WIRE_ACTION = ("wire", "Wire"), "transfer_random"  # model/topology.cpp: ParseAccelergyERT
LARGEST_AREA = 1e27  # um2


def read_areas(architecture: Any, document: Any = None) -> dict[str, float]:
    """um2 of one instance by component: as the `ART` document says, else as the component's own attributes do.

    Numbers of an ART are in single precision, as Timeloop keeps them; InputError for one that cannot be.
    """
    areas = own_areas(architecture)
    if document is None:
        return areas
    for table, at in _tables(document, ART):
        area = number(required(table, "area", at), inside(at, table, "area"))
        if area > LARGEST_AREA:
            what = f"{area:.2e} um2 is more than a planet"
            raise InputError(what, inside(at, table, "area"), "use um2")
        areas[at.entry] = float(np.float32(area))
    return areas


def _tables(document: Any, at: Where) -> list[tuple[Node, Where]]:
    """The tables of an ERT or ART with their places, which have the names of their components."""
    root = mapping(document, at)
    found = []
    for table, place in items(required(root, "tables", at), inside(at, root, "tables")):
        table = mapping(table, place)
        name = plain_name(text(required(table, "name", place), inside(place, table, "name")))
        found.append((table, Where(at.document, name, mark=place.mark)))
    return found


def wire_energy(document: Any) -> float | None:
    """pJ per bit and mm that an `ERT` says of wires, in single precision as Timeloop keeps it; None where it does not.

    Of several tables the last that is not 0; InputError for a table without the one action that counts.
    """
    found = None
    for table, at in _tables(document, ERT):
        if at.entry not in WIRES:
            continue
        energies = [energy for name, energy in _energies(table, at) if name == WIRE_ACTION]
        if not energies:
            what = f"without the action {WIRE_ACTION} Timeloop stops"
            raise InputError(what, key_at(at, table, "actions"), "add it")
        found = float(np.float32(max(energies))) or found
    return found


def _energies(table: Node, at: Where) -> list[tuple[str, float]]:
    """The names of a table's actions and their energies, one pair per variant of arguments."""
    found = []
    for action, place in items(required(table, "actions", at), inside(at, table, "actions")):
        action = mapping(action, place)
        name = text(required(action, "name", place), inside(place, action, "name"))
        place = at.under(name, place.mark)
        found.append((name, float(number(required(action, "energy", place), inside(place, action, "energy")))))
    return found


def read_energy(document: Any) -> EnergyTable:
    """The `ERT` document: per component and action the largest energy over its argument variants, in pJ.

    Wires are for networks (`wire_energy`), and not in it.
    """
    actions: dict[str, dict[str, float]] = {}
    for table, at in _tables(document, ERT):
        energies = actions.setdefault(at.entry, {}) if at.entry not in WIRES else {}
        for name, energy in _energies(table, at):
            energies[name] = max(energies.get(name, 0.0), energy)
    return EnergyTable(actions)
