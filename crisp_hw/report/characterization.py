"""The document of a characterization: energy per action and area of every component, with sources."""

from collections.abc import Iterator

from crisp_hw.documents.columns import plain, table
from crisp_hw.documents.document import Document, versions
from crisp_hw.report.records import Record
from crisp_hw.spec.characterization import Characterization, Component
from crisp_hw.spec.documents.hardware import COMPONENT_ACTIONS, COMPONENT_SOURCES, COMPONENTS

SCHEMA = "crisp-hw/characterization/1"


def characterization_document(name: str, found: Characterization) -> Document:
    """Tables of components, of energies per action in pJ and of their sources; the records are every number.

    >>> from crisp_hw.spec.characterization import Cost
    >>> mac = Component("MAC", "int8", {"compute": Cost(0.5608, "Aladdin")}, 332.25, "Aladdin")
    >>> [record["value"] for record in characterization_document("a", Characterization("table", 45, (mac,))).records]
    [0.5608, 332.25]
    """
    records, components = number_records(found), component_records(found)
    title = f"{name} at {found.node_nm} nm by {found.method}"
    actions: list[Record] = [{**record, "pj": f"{record['pj']:.6g}"} for record in action_records(found)]
    sources = [row for each in _every(found) for row in _sources(each)]
    content = {
        "schema": SCHEMA,
        "name": name,
        "method": found.method,
        "node_nm": found.node_nm,
        "versions": versions(),
        "components": components,
        "numbers": records,
        "assumptions": list(found.assumptions),
    }
    tables = (
        table(f"{title}: components (area of one instance)", COMPONENTS.columns, components),
        table(f"{title}: energies per action", COMPONENT_ACTIONS.columns, actions),
        table(f"{title}: sources", COMPONENT_SOURCES.columns, sources),
    )
    return Document(title, tables, {"assumptions": tuple(map(plain, found.assumptions))}, records, content)


def component_records(found: Characterization) -> list[Record]:
    """One record per component: what it is taken to be, and the area of one instance."""
    return [
        {"component": each.name, "stands_for": each.stands_for, "area_um2": each.area_um2} for each in _every(found)
    ]


def action_records(found: Characterization) -> list[Record]:
    """One record per component and action, in pJ."""
    return [
        {"component": each.name, "action": action, "pj": cost.pj}
        for each in _every(found)
        for action, cost in each.actions.items()
    ]


def number_records(found: Characterization) -> list[Record]:
    """One record per number, with its unit and source."""
    return [record for each in _every(found) for record in _records(each)]


def _every(found: Characterization) -> tuple[Component, ...]:
    return (*found.components, *found.listed)


def _records(component: Component) -> Iterator[Record]:
    """Every number of a component on its own."""
    for action, cost in component.actions.items():
        yield {"part": component.name, "field": action, "value": cost.pj, "unit": "pJ", "source": cost.source}
    if component.area_um2 is not None:
        area, source = component.area_um2, component.area_source
        yield {"part": component.name, "field": "area", "value": area, "unit": "um2", "source": source}


def _sources(component: Component) -> Iterator[Record]:
    """One row per source, because one array's source holds for all its actions."""
    together: dict[str, list[str]] = {}
    for record in _records(component):
        together.setdefault(str(record["source"]), []).append(str(record["field"]))
    for source, fields in together.items():
        yield {"component": component.name, "actions": ", ".join(fields), "source": source}
