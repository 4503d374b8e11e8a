"""The constraint documents of timeloop-mapper, in the flattened form, to constraints."""

from dataclasses import dataclass, field
from typing import Any

from crisp_hw.machine.positions import fault, mark_of
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.design import Design
from crisp_hw.timeloop.read.constraint_blocks import (
    FLAGS,
    BlockLimits,
    Entry,
    Kind,
    add_iteration,
    level_constraint,
    tensors_of,
)
from crisp_hw.timeloop.read.exact_factors import cut_to_fit
from crisp_hw.timeloop.yaml.fields import Node, known, mapping, number, required, sequence, similar, text, underscored

ARCHITECTURE = ("arch_constraints", "architecture_constraints")
MAPSPACE = ("mapspace", "mapspace_constraints")
DOCUMENTS = (*ARCHITECTURE, *MAPSPACE)
STORES = ("bypass", "datatype", "dataspace", "bypassing")
SHARES = ("utilization", "parallelism")
KINDS: dict[str, Kind] = {"temporal": "temporal", "spatial": "spatial"}
REFUSED_KINDS = {"max_overbooked_proportion": "overbooking is not modelled"}
NUMBERS = ("factors", "permutation", "default_max_factor", "default_min_factor")


@dataclass
class _Said:
    """Everything that the entries so far say."""

    blocks: dict[tuple[str, Kind], BlockLimits] = field(default_factory=dict)
    where: dict[tuple[str, Kind], str] = field(default_factory=dict)
    keep: dict[str, frozenset[str]] = field(default_factory=dict)
    bypass: dict[str, frozenset[str]] = field(default_factory=dict)
    parallelism: float | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Mapspace:
    """Constraints as documents give them, and one note per thing that has no effect."""

    constraints: Constraints
    notes: tuple[str, ...] = ()


def read_constraints(documents: Any, design: Design) -> Constraints:
    """The constraints of `read_mapspace`, without its notes.

    >>> from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
    >>> from crisp_hw.spec.problem import Problem
    >>> design = Design(Architecture((StorageLevel("RF"),), ComputeLevel()), Problem("p", ("M", "K"), (4, 4), ()))
    >>> target = {"target": "RF", "type": "temporal", "factors": "K=1 M<=2", "permutation": "K"}
    >>> read_constraints({"architecture_constraints": {"targets": [target]}}, design).levels[0].factors["M"]
    Factor(relation='<=', value=2)
    """
    return read_mapspace(documents, design).constraints


def read_mapspace(documents: Any, design: Design) -> Mapspace:
    """What a set of documents (a dict by document name) lets a mapper choose; without such a document, everything.

    As in Timeloop (src/mapping/constraints.cpp): a level or dimension that is not named is free, `X=0` is the full
    bound, dimensions missing in a permutation stand in any order between those before and after a `_`, without a split
    x and y are free, and a tensor that a level neither keeps nor bypasses is searched both ways; the outermost level
    keeps all. Saying one thing twice is an error. Raises InputError, with file and line where they are known, for what
    is wrong or not modelled, naming document, level and key.
    """
    root = underscored(mapping(documents, "documents"))
    said = _Said()
    for name in _given(root):
        for entry in _entries(root[name], name, design, said.notes):
            _add(said, entry, design)
    constraints = _constraints(said, design)
    return Mapspace(constraints, tuple(said.notes))


def _given(root: Node) -> list[str]:
    """The documents that are there: at most one of each sort."""
    for names in (ARCHITECTURE, MAPSPACE):
        there = [name for name in names if root.get(name) is not None]
        if len(there) > 1:
            raise fault(root, f"{' and '.join(there)} are the same document to Timeloop; give one", there[1])
    return [name for name in DOCUMENTS if root.get(name) is not None]


def _entries(document: Any, name: str, design: Design, notes: list[str]) -> list[Entry]:
    """All constraints of one document: a list, or a mapping with the list under `targets` (or `constraints`)."""
    if isinstance(document, list):
        listed = document
    else:
        node = mapping(document, name)
        known(node, ("targets", "constraints", "version", *(["template"] if name in MAPSPACE else [])), name)
        if node.get("template", "uber") != "uber":
            raise fault(node, f"{name}: the template {node['template']!r} is not modelled; there is uber", "template")
        if "targets" in node and "constraints" in node:
            raise fault(node, f"{name}: targets and constraints are the same list; give one", "targets")
        key = "constraints" if "constraints" in node else "targets"
        listed = sequence(node.get(key) or [], f"{name}.{key}")
    return [entry for item in listed for entry in _unnested(mapping(item, name), name, design, notes)]


def _unnested(item: Node, name: str, design: Design, notes: list[str]) -> list[Entry]:
    """The entries of one item: itself, or the list of constraints of one target."""
    levels = [level.name for level in design.architecture.levels]
    key = "name" if "name" in item and "target" not in item else "target"
    target = text(required(item, key, name), f"{name}.{key}")
    if target not in levels:
        raise fault(item, f"{name}: the architecture has no level {target!r}; it has {', '.join(levels)}", key)
    if "constraints" not in item:
        return [_entry(item, target, name, notes)]
    known(item, ("target", "name", "constraints"), f"{name} of {target}")
    nested = sequence(item["constraints"], f"{name} of {target}.constraints")
    return [_entry(mapping(each, f"{name} of {target}"), target, name, notes) for each in nested]


def _entry(node: Node, target: str, name: str, notes: list[str]) -> Entry:
    kind = text(required(node, "type", f"{name} of {target}"), f"{name} of {target}.type")
    where = f"{name} of {target}, {kind}"
    if kind in REFUSED_KINDS:
        raise fault(node, f"{where}: {REFUSED_KINDS[kind]}; leave it out", "type")
    if kind not in (*KINDS, *STORES, *SHARES):
        meant = similar(kind, (*KINDS, *STORES, *SHARES))
        advice = f"did you mean {meant!r}?" if meant else "leave it out"
        raise fault(node, f"{where}: the type is not one of {', '.join((*KINDS, *STORES, *SHARES))}; {advice}", "type")
    attributes = node if node.get("attributes") is None else mapping(node["attributes"], f"{where}.attributes")
    numbers = NUMBERS if kind in KINDS else ("keep", "bypass") if kind in STORES else ("min",)
    own = (*FLAGS[KINDS[kind]], "remainders", *(["split"] if kind == "spatial" else [])) if kind in KINDS else ()
    if "no_coalesce" in node:
        raise fault(node, f"{where}: no_coalesce is not modelled; leave it out", "no_coalesce")
    if attributes is node:
        known(node, ("target", "name", "type", "attributes", *numbers, *own), where)
    else:
        known(node, ("target", "name", "type", "attributes", *own), where)
        known(attributes, numbers, f"{where}.attributes")
    if node.get("remainders") is not None:
        notes.append(
            f"{mark_of(node, 'remainders') or name}: {where}: remainders: for the template ruby, not used here"
        )
    return Entry(node, attributes, target, kind, where)


def _add(said: _Said, entry: Entry, design: Design) -> None:
    if entry.kind in KINDS:
        kind = KINDS[entry.kind]
        _check_lanes(entry, design)
        block = said.blocks.setdefault((entry.target, kind), BlockLimits())
        said.where.setdefault((entry.target, kind), entry.where)
        said.notes += add_iteration(block, entry, kind, design)
    elif entry.kind in STORES:
        _add_stores(said, entry, design)
    else:
        _add_share(said, entry, design)


def _check_lanes(entry: Entry, design: Design) -> None:
    index = [level.name for level in design.architecture.levels].index(entry.target)
    if entry.kind == "spatial" and design.architecture.fanouts[index] == (1, 1):
        raise fault(entry.node, f"{entry.where}: the level feeds one instance only; leave the entry out", "type")


def _add_stores(said: _Said, entry: Entry, design: Design) -> None:
    keep, bypass = (tensors_of(entry.attributes, key, design, entry.where) for key in ("keep", "bypass"))
    outermost = entry.target == design.architecture.levels[-1].name
    if outermost and bypass:
        names = ", ".join(sorted(bypass))
        raise fault(
            entry.attributes, f"{entry.where}: the outermost level must keep {names}; drop the bypass", "bypass"
        )
    if both := sorted(keep & bypass):
        raise fault(entry.attributes, f"{entry.where}: {', '.join(both)} is both kept and bypassed; choose one", "keep")
    before = said.keep.get(entry.target, frozenset()) | said.bypass.get(entry.target, frozenset())
    if (twice := sorted((keep | bypass) & before)) and not outermost:
        raise fault(entry.node, f"{entry.where}: {', '.join(twice)} given twice; keep one of the entries")
    said.keep[entry.target] = said.keep.get(entry.target, frozenset()) | keep
    said.bypass[entry.target] = said.bypass.get(entry.target, frozenset()) | bypass


def _add_share(said: _Said, entry: Entry, design: Design) -> None:
    innermost = design.architecture.levels[0].name
    if entry.target != innermost:
        where = f"{entry.where}: the share of all lanes in use is told to the innermost level alone"
        raise fault(entry.node, f"{where}; make {innermost} the target", "target")
    if said.parallelism is not None:
        raise fault(entry.node, f"{entry.where}: the least share of lanes is given twice; keep one", "type")
    said.parallelism = float(number(required(entry.attributes, "min", entry.where), f"{entry.where}.min"))


def _constraints(said: _Said, design: Design) -> Constraints:
    said.notes += cut_to_fit(said.blocks, said.where, design)
    levels = [level.name for level in design.architecture.levels]
    everything = frozenset(tensor.name for tensor in design.problem.tensors)
    keeps = {level: said.keep[level] for level in levels[:-1] if level in said.keep}
    keeps |= {levels[-1]: everything} if levels[-1] in said.keep else {}
    named = {level: said.keep.get(level, frozenset()) | said.bypass.get(level, frozenset()) for level in levels[:-1]}
    return Constraints(
        tuple(level_constraint(*place, block, said.where[place], design) for place, block in said.blocks.items()),
        keeps,
        {level: everything - names for level, names in named.items() if everything - names},
        said.parallelism or 0.0,
    )
