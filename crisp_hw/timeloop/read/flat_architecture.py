"""The oldest form of an architecture (0.1): one unit of arithmetic and a list of storage levels, innermost first.

Facts: src/model/engine.cpp, src/model/topology.cpp (ParseSpecs): without a version of 0.2 or later, `arithmetic` and
`storage` are read; attributes stand in the entries themselves.
"""

from typing import Any

from crisp_hw.errors import Where
from crisp_hw.machine.positions import MarkedDict, MarkedList, mark_of
from crisp_hw.timeloop.yaml.fields import inside, items, mapping, required

ARCHITECTURE = Where("architecture")
OWN = ("name", "class")


def as_tree(document: Any) -> Any:
    """An architecture of the form 0.1 as the one subtree of later versions; any other stays as it is."""
    if not isinstance(document, MarkedDict) or not {"arithmetic", "storage"} & set(document):
        return document
    listed = items(required(document, "storage", ARCHITECTURE), inside(ARCHITECTURE, document, "storage"))
    unit = mapping(required(document, "arithmetic", ARCHITECTURE), inside(ARCHITECTURE, document, "arithmetic"))
    local = MarkedList(document.mark)
    for entry, at in reversed(listed):
        level = mapping(entry, at)
        kind = level.get("class") or ("DRAM" if level.get("technology") == "DRAM" else "SRAM")
        local.append(_entry(level, at, kind))
    local.append(_entry(unit, inside(ARCHITECTURE, document, "arithmetic"), "mac"))
    top = MarkedDict(document.mark)
    top.update(name="system", local=local)
    subtree = MarkedList(document.mark)
    subtree.append(top)
    rest = {key: value for key, value in document.items() if key not in ("arithmetic", "storage", "version")}
    return document.derived({**rest, "subtree": subtree})


def _entry(node: Any, at: Where, kind: str) -> MarkedDict:
    """A level whose attributes stand in a mapping of their own."""
    mark = mark_of(node) or at.mark or ARCHITECTURE.mark
    assert mark is not None
    held = node.get("attributes")
    attributes = node.derived({key: value for key, value in node.items() if key not in OWN}) if held is None else held
    made = MarkedDict(mark, dict(node.keys_at))
    made.update(name=required(node, "name", at), attributes=attributes, **{"class": kind})
    return made
