"""The technology node that Timeloop's documents name for their components: the attribute `technology`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from crisp_hw.characterization.sram import NODES_NM
from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.positions import mark_of
from crisp_hw.timeloop.read.architecture import plain_name

DEFAULT_NM = 45  # of the cited tables: the node of fabric-45nm.yaml and of Aladdin's units
ATTRIBUTE = "technology"
KINDS = ("dram", "sram", "lpddr4")  # what Timeloop's own designs write there instead of a node
_NODE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:nm)?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Node:
    """A technology node (nm), and a note for each thing that the documents say of it without effect."""

    nm: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Said:
    value: str
    mark: Mark | None
    whose: str

    def __str__(self) -> str:
        return f"{ATTRIBUTE} {self.value} of {self.whose}"


def node_of(documents: Any, asked: int | None) -> Node:
    """The node of documents: what was asked for, what all components name, or else 45 nm.

    DRAM is charged by the bit, whatever it names. Raises InputError, with file and line, where nothing was asked for
    and components name different nodes, none that there are numbers for, or something that is no node.

    >>> top = {"name": "top", "attributes": {"technology": "32nm"}, "local": [{"name": "RF", "class": "regfile"}]}
    >>> node_of({"architecture": {"subtree": [top]}}, None)
    Node(nm=32, notes=())
    >>> node_of({"architecture": {"subtree": [top]}}, 45).notes
    ('architecture: technology 32nm of top: not used, 45 nm was asked for',)
    """
    said = list(_said(documents))
    if asked is not None:
        others = [each for each in said if _nm(each) != asked]
        return Node(asked, tuple(f"{each.mark or _place(each)}: {_because(each, asked)}" for each in others))
    found: dict[int, _Said] = {}
    for each in said:
        found.setdefault(_known(each), each)
    if len(found) > 1:
        first, *_, last = found.values()
        what = f"{first}, but {last}: one run has one node"
        raise InputError(what, _where(first), "choose one with --node")
    return Node(next(iter(found), DEFAULT_NM))


def _because(said: _Said, asked: int) -> str:
    return f"{said}: not used, {asked} nm was asked for"


def _place(said: _Said) -> str:
    return "variables" if said.whose == "all components" else "architecture"


def _where(said: _Said) -> Where:
    return Where(_place(said), "" if said.whose == "all components" else said.whose, mark=said.mark)


def _nm(said: _Said) -> float | None:
    matched = _NODE.fullmatch(said.value)
    return float(matched[1]) if matched else None


def _known(said: _Said) -> int:
    """The node as one that there are numbers for."""
    node = _nm(said)
    if node in NODES_NM:
        return int(node)
    why = "names no node in nm" if node is None else "has no numbers here"
    there = f"there are {', '.join(map(str, NODES_NM))} nm: choose one with --node"
    raise InputError(f"{ATTRIBUTE} {said.value[:40]!r} {why}", _where(said), there)


def _said(documents: Any) -> Iterator[_Said]:
    """What holds for each component but DRAM: its own word, or its nearest group's, or the variables'."""
    outside = _of(documents.get("variables"), "all components", None)
    architecture = documents.get("architecture")
    found = (
        list(_below(architecture, _of(architecture.get("attributes"), "the whole", outside))) if architecture else []
    )
    yield from dict.fromkeys(found)


def _below(group: Any, outside: _Said | None) -> Iterator[_Said]:
    for node in group.get("subtree") or ():
        inner = _of(node.get("attributes"), str(node.get("name")), outside)
        for part in node.get("local") or ():
            own = _of(part.get("attributes"), plain_name(str(part.get("name"))), inner)
            if own and "DRAM" not in str(part.get("class")):
                yield own
        yield from _below(node, inner)


def _of(attributes: Any, whose: str, outside: _Said | None) -> _Said | None:
    value = attributes.get(ATTRIBUTE) if isinstance(attributes, dict) else None
    if value is None or str(value).lower() in KINDS:
        return outside
    return _Said(str(value), mark_of(attributes, ATTRIBUTE), whose)
