"""Sparse optimizations of the front end's nodes and of its document, as one document with Timeloop's names."""

from typing import Any

from crisp_hw.errors import Mark, Where
from crisp_hw.machine.positions import MarkedDict, MarkedList, derived, mark_of
from crisp_hw.timeloop.frontend.nodes import Component
from crisp_hw.timeloop.read.sparse import SPARSE
from crisp_hw.timeloop.yaml.fields import inside, key_at, mapping, optional_items, optional_mapping, text, value_at

LANES = "lanes"
SPATIAL_NAME = {"spatial_skipping": "skipping_spatial"}  # the front end's name, and Timeloop's


def joined_sparse(documents: MarkedDict, components: list[Component]) -> MarkedDict | None:
    """Sparse optimizations of nodes and of the document of that name, as one document with names."""
    held = optional_mapping(documents.get("sparse_optimizations"), key_at(SPARSE, documents, "sparse_optimizations"))
    targets = MarkedList(mark_of(held) or documents.mark)
    for part in components:
        own = part.node.get("sparse_optimizations") if part.kind != LANES else None
        if own:
            targets.append(
                _named(
                    mapping(own, value_at(Where("sparse_optimizations", part.name), part.node, "sparse_optimizations")),
                    part.name,
                )
            )
    for entry, at in optional_items(held.get("targets"), inside(SPARSE, held, "targets")):
        entry = mapping(entry, at)
        key = "target" if "target" in entry else "name"
        text(entry.get(key), inside(at, entry, key))
        targets.append(_named(entry, entry[key]))
    if not targets:
        return None
    made = MarkedDict(targets.mark)
    made.update(targets=targets)
    return made


def _named(group: Any, name: str) -> Any:
    """A group with the names of Timeloop."""
    entries = {key: value for key, value in group.items() if key != "target"}
    actions = entries.get("action_optimization")
    if isinstance(actions, list):
        entries["action_optimization"] = _renamed(actions)
    return derived(group, {"name": name, **{key: value for key, value in entries.items() if key != "name"}})


def _renamed(actions: Any) -> Any:
    copy = MarkedList(mark_of(actions) or Mark("sparse_optimizations", 1))
    for action in actions:
        if isinstance(action, dict) and str(action.get("type")) in SPATIAL_NAME:
            action = derived(action, {**action, "type": SPATIAL_NAME[action["type"]]})
        copy.append(action)
    return copy
