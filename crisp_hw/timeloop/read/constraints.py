"""The constraint documents of timeloop-mapper, in the flattened form, to constraints."""

from dataclasses import dataclass, field, replace
from typing import Any

from crisp_hw.errors import InputError, Where
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
from crisp_hw.timeloop.yaml.fields import (
    Node,
    inside,
    items,
    key_at,
    known,
    mapping,
    number,
    required,
    similar,
    text,
    underscored,
    value_at,
    word_at,
)

ARCHITECTURE = ("arch_constraints", "architecture_constraints")
MAPSPACE = ("mapspace", "mapspace_constraints")
DOCUMENTS = (*ARCHITECTURE, *MAPSPACE)
STORES = ("bypass", "datatype", "dataspace", "bypassing")
SHARES = ("utilization", "parallelism")
KINDS: dict[str, Kind] = {"temporal": "temporal", "spatial": "spatial"}
REFUSED_KINDS = {"max_overbooked_proportion": "overbooking is not modelled"}
NUMBERS = ("factors", "permutation", "default_max_factor", "default_min_factor")


@dataclass
class Said:
    """Everything that the entries of constraint documents say, block by block, and where each block begins."""

    blocks: dict[tuple[str, Kind], BlockLimits] = field(default_factory=dict)
    places: dict[tuple[str, Kind], Where] = field(default_factory=dict)
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


def read_mapspace(documents: Any, design: Design, *, imperfect: bool = False) -> Mapspace:
    """What a set of documents (a dict by document name) lets a mapper choose; without such a document, everything.

    As in Timeloop (src/mapping/constraints.cpp): a level or dimension that is not named is free, `X=0` is the full
    bound, dimensions missing in a permutation stand in any order between those before and after a `_`, without a split
    x and y are free, and a tensor that a level neither keeps nor bypasses is searched both ways; the outermost level
    keeps all. With `imperfect`, exact factors need not divide their dimension. Saying one thing twice is an error.
    Raises InputError, with file and line where they are known, for what is wrong or not modelled, naming document,
    level and key.
    """
    said = read_said(documents, design)
    constraints = _constraints(said, design, imperfect=imperfect)
    return Mapspace(constraints, tuple(said.notes))


def read_said(documents: Any, design: Design) -> Said:
    """What a set of documents says of each block, as it is written; InputError as `read_mapspace`."""
    root = underscored(mapping(documents, Where("documents")))
    said = Said()
    for name in _given(root):
        for entry in _entries(root[name], name, design, said.notes):
            _add(said, entry, design)
    return said


def _given(root: Node) -> list[str]:
    """The documents that are there: at most one of each sort."""
    for names in (ARCHITECTURE, MAPSPACE):
        there = [name for name in names if root.get(name) is not None]
        if len(there) > 1:
            what = f"{' and '.join(there)} are the same document to Timeloop"
            raise InputError(what, key_at(Where(), root, there[1]), "give one")
    return [name for name in DOCUMENTS if root.get(name) is not None]


def _entries(document: Any, name: str, design: Design, notes: list[str]) -> list[Entry]:
    """All constraints of one document: a list, or a mapping with the list under `targets` (or `constraints`)."""
    at = Where(name)
    if isinstance(document, list):
        listed = items(document, at)
    else:
        node = mapping(document, at)
        known(node, ("targets", "constraints", "version", *(["template"] if name in MAPSPACE else [])), at)
        if node.get("template", "uber") != "uber":
            what = f"the template {node['template']!r} is not modelled"
            raise InputError(what, value_at(at, node, "template"), "there is uber")
        if "targets" in node and "constraints" in node:
            what = "targets and constraints are the same list"
            raise InputError(what, key_at(at, node, "constraints"), "give one")
        key = "constraints" if "constraints" in node else "targets"
        listed = items(node.get(key) or [], inside(at, node, key))
    return [
        entry for item, place in listed for entry in _unnested(mapping(item, place), at.at(place.mark), design, notes)
    ]


def _unnested(item: Node, at: Where, design: Design, notes: list[str]) -> list[Entry]:
    """The entries of one item: itself, or the list of constraints of one target."""
    levels = [level.name for level in design.architecture.levels]
    key = "name" if "name" in item and "target" not in item else "target"
    target = text(required(item, key, at), inside(at, item, key))
    if target not in levels:
        what = f"the architecture has no level {target!r}"
        raise InputError(what, value_at(at, item, key), f"it has {', '.join(levels)}")
    at = replace(at, entry=target)
    if "constraints" not in item:
        return [_entry(item, target, at, notes)]
    known(item, ("target", "name", "constraints"), at)
    nested = items(item["constraints"], inside(at, item, "constraints"))
    return [_entry(mapping(each, place), target, at.at(place.mark), notes) for each, place in nested]


def _entry(node: Node, target: str, at: Where, notes: list[str]) -> Entry:
    kind = text(required(node, "type", at), inside(at, node, "type"))
    at = replace(at, entry=f"{target}, {kind}")
    if kind in REFUSED_KINDS:
        raise InputError(REFUSED_KINDS[kind], value_at(at, node, "type"), "leave it out")
    if kind not in (*KINDS, *STORES, *SHARES):
        meant = similar(kind, (*KINDS, *STORES, *SHARES))
        advice = f"did you mean {meant!r}?" if meant else "leave it out"
        what = f"the type is not one of {', '.join((*KINDS, *STORES, *SHARES))}"
        raise InputError(what, value_at(at, node, "type"), advice)
    held = node.get("attributes")
    attributes = node if held is None else mapping(held, inside(at, node, "attributes"))
    numbers = NUMBERS if kind in KINDS else ("keep", "bypass") if kind in STORES else ("min",)
    own = (*FLAGS[KINDS[kind]], "remainders", *(["split"] if kind == "spatial" else [])) if kind in KINDS else ()
    if "no_coalesce" in node:
        raise InputError("no_coalesce is not modelled", key_at(at, node, "no_coalesce"), "leave it out")
    if attributes is node:
        known(node, ("target", "name", "type", "attributes", *numbers, *own), at)
    else:
        known(node, ("target", "name", "type", "attributes", *own), at)
        known(attributes, numbers, at.under("attributes"))
    if node.get("remainders") is not None:
        notes.append(f"{key_at(at, node, 'remainders')}: remainders: for the template ruby, not used here")
    return Entry(node, attributes, target, kind, at)


def _add(said: Said, entry: Entry, design: Design) -> None:
    if entry.kind in KINDS:
        kind = KINDS[entry.kind]
        if not _has_lanes(said, entry, design):
            return
        block = said.blocks.setdefault((entry.target, kind), BlockLimits())
        said.places.setdefault((entry.target, kind), entry.at)
        said.notes += add_iteration(block, entry, kind, design)
    elif entry.kind in STORES:
        _add_stores(said, entry, design)
    else:
        _add_share(said, entry, design)


def _has_lanes(said: Said, entry: Entry, design: Design) -> bool:
    """Does the level feed several instances? Where it does not, a constraint that spreads nothing gets a note."""
    index = [level.name for level in design.architecture.levels].index(entry.target)
    if entry.kind != "spatial" or design.architecture.fanouts[index] != (1, 1):
        return True
    block = BlockLimits()
    said.notes += add_iteration(block, entry, "spatial", design)
    if any(value != 1 for value in block.equal.values()) or any(value > 1 for value in block.least.values()):
        advice = "leave the entry out"
        raise InputError("the level feeds one instance only", value_at(entry.at, entry.node, "type"), advice)
    what = "it has no fanout, not used (Timeloop itself stops here)"
    said.notes.append(f"{entry.at.mark}: spatial constraint of {entry.target}: {what}")
    return False


def _add_stores(said: Said, entry: Entry, design: Design) -> None:
    node, at = entry.attributes, entry.at
    keep, bypass = (tensors_of(node, key, design, at) for key in ("keep", "bypass"))
    outermost = entry.target == design.architecture.levels[-1].name
    if outermost and bypass:
        names = sorted(bypass)
        what = f"the outermost level must keep {', '.join(names)}"
        raise InputError(what, word_at(at, node, "bypass", names[0]), "drop the bypass")
    if both := sorted(keep & bypass):
        later = max("keep", "bypass", key=lambda key: list(node).index(key))
        what = f"{', '.join(both)} is both kept and bypassed"
        raise InputError(what, word_at(at, node, later, both[0]), "choose one")
    before = said.keep.get(entry.target, frozenset()) | said.bypass.get(entry.target, frozenset())
    if (twice := sorted((keep | bypass) & before)) and not outermost:
        place = word_at(at, node, "keep" if twice[0] in keep else "bypass", twice[0])
        raise InputError(f"{', '.join(twice)} given twice", place, "keep one of the entries")
    said.keep[entry.target] = said.keep.get(entry.target, frozenset()) | keep
    said.bypass[entry.target] = said.bypass.get(entry.target, frozenset()) | bypass


def _add_share(said: Said, entry: Entry, design: Design) -> None:
    innermost = design.architecture.levels[0].name
    if entry.target != innermost:
        what = "the share of all lanes in use is told to the innermost level alone"
        key = "target" if "target" in entry.node else "name"
        raise InputError(what, value_at(entry.at, entry.node, key), f"make {innermost} the target")
    if said.parallelism is not None:
        raise InputError("the least share of lanes is given twice", value_at(entry.at, entry.node, "type"), "keep one")
    share = required(entry.attributes, "min", entry.at)
    said.parallelism = float(number(share, inside(entry.at, entry.attributes, "min")))


def _constraints(said: Said, design: Design, *, imperfect: bool) -> Constraints:
    said.notes += cut_to_fit(said.blocks, said.places, design, imperfect=imperfect)
    said.notes += _idle_along_x(said, design)
    levels = [level.name for level in design.architecture.levels]
    everything = frozenset(tensor.name for tensor in design.problem.tensors)
    keeps = {level: said.keep[level] for level in levels[:-1] if level in said.keep}
    keeps |= {levels[-1]: everything} if levels[-1] in said.keep else {}
    named = {level: said.keep.get(level, frozenset()) | said.bypass.get(level, frozenset()) for level in levels[:-1]}
    return Constraints(
        tuple(level_constraint(*place, block, said.places[place], design) for place, block in said.blocks.items()),
        keeps,
        {level: everything - names for level, names in named.items() if everything - names},
        said.parallelism or 0.0,
        imperfect=imperfect,
    )


def _idle_along_x(said: Said, design: Design) -> list[str]:
    """Splits that count dimensions of factor 1 alone, as those that the front end puts first: nothing lies along x."""
    notes, levels = [], [level.name for level in design.architecture.levels]
    for (level, kind), block in said.blocks.items():
        across, inner = design.architecture.fanouts[levels.index(level)][0], block.order[0]
        if kind != "spatial" or not block.split or across == 1 or block.split > len(inner):
            continue
        counted = inner[: block.split]
        if all(design.problem.bound(dim) == 1 or block.equal.get(dim) == 1 for dim in counted):
            at = said.places[level, kind]
            notes.append(
                f"{at}: the split of {block.split} counts {', '.join(counted)} of factor 1 alone, so nothing lies "
                f"along x and {across} lanes stay idle there; put the dimensions for x first, or raise the split"
            )
    return notes
