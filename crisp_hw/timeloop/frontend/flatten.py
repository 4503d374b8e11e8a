"""Documents of timeloopfe's 0.4 front end to the flattened form that Timeloop itself reads.

Facts: timeloopfe (Accelergy-Project/timeloop-python b8aaf2c), v4/specification.py, v4/processors and
common/version_transpilers/v4_to_v3.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.positions import MarkedDict, MarkedList, derived, mark_of, plain
from crisp_hw.timeloop.frontend.computed import SPEC, computed, with_numbers
from crisp_hw.timeloop.frontend.constraints import (
    BlockConstraints,
    Shape,
    add_constraint,
    kind_of,
)
from crisp_hw.timeloop.frontend.maximize import maximize
from crisp_hw.timeloop.frontend.nodes import Component, Empty, is_class, walk_nodes
from crisp_hw.timeloop.frontend.order import settle_order
from crisp_hw.timeloop.frontend.sparse import joined_sparse
from crisp_hw.timeloop.frontend.written import constraint, directive
from crisp_hw.timeloop.read.architecture import STORAGE_CLASSES
from crisp_hw.timeloop.read.problem import INSTANCE, PROBLEM, SHAPE, once
from crisp_hw.timeloop.read.shapes import written_out
from crisp_hw.timeloop.yaml.fields import (
    inside,
    items,
    mapping,
    optional_mapping,
    required,
    text,
    value_at,
)

LANES = "dummy_storage"
NODE_KINDS = {"spatial": "spatial", "temporal": "temporal", "dataspace": "bypass"}

_Blocks = dict[tuple[str, str], BlockConstraints]


def flatten(documents: MarkedDict, for_mapper: bool = False) -> tuple[MarkedDict, tuple[str, ...]]:
    """The same documents in Timeloop's flattened form, and notes about what has no effect.

    Expressions are computed, containers' attributes passed on, constraints of nodes and mapping combined into one
    mapping, or `for_mapper` into one document of architecture constraints. Raises InputError, with file and line, for
    what is wrong or not modelled, and MappingError where the mapping breaks a constraint.
    """
    spec = plain(documents)
    names = {SPEC: spec, **_variables(documents.get("variables"), spec)}
    spec["variables"] = {key: value for key, value in names.items() if key != SPEC}
    found = documents.derived({k: v for k, v in documents.items() if not _is_mapping(k) and k != "variables"})
    if "problem" in documents:
        found["problem"] = problem = _problem(documents["problem"], names)
        spec["problem"] = plain(problem)
    walk = walk_nodes(documents["architecture"], names)
    components, notes = walk.components, walk.notes
    found["architecture"] = _architecture(documents["architecture"], components)
    if "problem" in documents:
        shape = _shape(problem)
        notes += [_without_lanes(node, at, shape) for node, at in walk.narrow.values()]
        blocks, more = _blocks(documents, _Scope(components, shape, names))
        for block in blocks.values():
            settle_order(block, shape, for_mapper)
        _branches(blocks, components, _passing(walk.empty, shape), shape)
        if for_mapper:
            maximize(blocks, components, shape)
        entries = _entries(blocks, components, shape, for_mapper)
        found.put("architecture_constraints" if for_mapper else "mapping", entries, _position(documents))
        notes += [] if for_mapper else more  # the notes are about what is for mappers
    if sparse := joined_sparse(documents, components):
        found.put("sparse_optimizations", sparse, documents.keys_at.get("sparse_optimizations", sparse.mark))
    return found, tuple(notes)


def _is_mapping(key: str) -> bool:
    """timeloopfe takes every document whose name contains one of the two for more constraints."""
    return "constraints" in key or (key.startswith("mapping") and key != "mapper")


def _position(documents: MarkedDict) -> Mark:
    return documents.keys_at.get("mapping", documents.keys_at["architecture"])


def _variables(document: Any, spec: dict[str, Any]) -> dict[str, Any]:
    held = optional_mapping(document, Where("variables"))
    done: dict[str, Any] = {}
    for key in held:
        if key != "version":
            done[key] = computed(held, key, {SPEC: spec, **done}, Where("variables"))
    return done


def _architecture(document: Any, components: list[Component]) -> MarkedDict:
    """One subtree with every component in one list, instances and mesh written out."""
    mark = mark_of(document) or Mark("architecture", 1)
    local = MarkedList(mark)
    for part in components:
        x, y = part.mesh
        node = MarkedDict(part.node.mark, dict(part.node.keys_at))
        node.update(name=f"{part.name}[1..{x * y}]", **{"class": LANES if part.kind == "lanes" else part.kind})
        adds_up = {"reduction_supported": True} if _is_dram(part) else {}  # the front end's own default (v4/arch.py)
        node["attributes"] = derived(part.attributes, {**adds_up, **part.attributes, "meshX": x, "meshY": y})
        local.append(node)
    top = MarkedDict(mark)
    top.update(name="system", local=local)
    subtree = MarkedList(mark)
    subtree.append(top)
    return document.derived({"version": document.get("version", "0.4"), "subtree": subtree})  # type: ignore[no-any-return]


def _is_dram(part: Component) -> bool:
    return "DRAM" in part.kind or part.attributes.get("technology") == "DRAM"


def _problem(document: Any, variables: dict[str, Any]) -> Any:
    """With the expressions of sizes and densities computed."""
    root = written_out(document)
    instance = optional_mapping(root.get("instance"), inside(PROBLEM, root, "instance"))
    sizes = {
        key: value if isinstance(value, dict) else computed(instance, key, variables, INSTANCE)
        for key, value in instance.items()
    }
    densities = optional_mapping(instance.get("densities"), inside(INSTANCE, instance, "densities"))
    if densities:
        sizes["densities"] = derived(densities, {name: _density(densities, name, variables) for name in densities})
    return derived(root, {**root, "instance": derived(instance, sizes)})


def _density(densities: Any, name: str, variables: dict[str, Any]) -> Any:
    held = densities[name]
    if not isinstance(held, dict):
        return computed(densities, name, variables, INSTANCE.under("densities"))
    at = Where("problem", name, "density")
    given = {k: v if k == "distribution" else computed(held, k, variables, at) for k, v in held.items()}
    return derived(held, given)


def _shape(problem: Any) -> Shape:
    shape = mapping(required(problem, "shape", PROBLEM), inside(PROBLEM, problem, "shape"))
    instance = mapping(problem["instance"], inside(PROBLEM, problem, "instance"))
    listed = items(required(shape, "dimensions", SHAPE), inside(SHAPE, shape, "dimensions"))
    dims = [text(dim, at) for dim, at in listed]
    once("dimensions", listed)
    sizes = {dim: instance[dim] for dim in dims if isinstance(instance.get(dim), int)}
    tensors = {}
    for space, at in items(required(shape, "data_spaces", SHAPE), inside(SHAPE, shape, "data_spaces")):
        space = mapping(space, at)
        name = text(required(space, "name", at), inside(at, space, "name"))
        tensors[name] = frozenset(_leaves(space.get("projection"))) & set(dims)
    return Shape({dim: int(sizes.get(dim, 1)) for dim in dims}, tensors)


def _leaves(value: Any) -> list[str]:
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [str(value)]


@dataclass(frozen=True)
class _Scope:
    """What entries of mappings and constraints may speak of: levels, the problem, and names in expressions."""

    parts: list[Component]
    shape: Shape
    names: Mapping[str, Any]


def _blocks(documents: MarkedDict, scope: _Scope) -> tuple[_Blocks, list[str]]:
    """What nodes and documents say of each block."""
    parts, shape = scope.parts, scope.shape
    blocks: _Blocks = {}
    notes: list[str] = []
    for part in parts:
        notes += _own_constraints(blocks, part, shape)
    for key in documents:
        if _is_mapping(key):
            notes += _listed(blocks, documents, key, scope)
    for part in parts:
        if part.kind == "lanes":
            _block(blocks, part.name, "bypass", None).bypass = set(shape.tensors)
    return blocks, notes


def _entries(blocks: _Blocks, parts: list[Component], shape: Shape, for_mapper: bool) -> MarkedList:
    """Blocks of every level, outermost level first, as one mapping or as constraints; lanes have no loops in time."""
    entries = MarkedList(parts[0].node.mark)
    for part in parts:
        if for_mapper and part.kind == "lanes":
            _block(blocks, part.name, "temporal", part.node.mark).factors = dict.fromkeys(shape.sizes, 1)
        for kind in ("spatial", "temporal", "bypass"):
            if (part.name, kind) in blocks and is_class(part.kind, (*STORAGE_CLASSES, "lanes")):
                written = constraint if for_mapper else directive
                entries.append(written(blocks[part.name, kind], part.name, kind, shape))
    return entries


def _block(blocks: _Blocks, name: str, kind: str, mark: Mark | None) -> BlockConstraints:
    return blocks.setdefault((name, kind), BlockConstraints(Where("mapping", name, mark=mark)))


def _own_constraints(blocks: _Blocks, part: Component, shape: Shape) -> list[str]:
    """What a node says of itself: spatial constraints of a fanout belong to its lanes, the rest to the level."""
    notes: list[str] = []
    for kind, node in (part.constraints or {}).items():
        if (kind == "spatial") != (part.kind == "lanes"):
            continue
        block = _block(blocks, part.name, NODE_KINDS[kind], mark_of(node))
        notes += add_constraint(block, node, NODE_KINDS[kind], shape)
    return notes


def _without_lanes(node: Any, at: Where, shape: Shape) -> str:
    """A remark about a spatial block of a level that feeds one instance; InputError where it spreads anything."""
    block = BlockConstraints(at)
    add_constraint(block, node, "spatial", shape)
    wide = [dim for dim, value in block.factors.items() if value > 1]
    if wide or block.maximize is not None:
        what = f"it has spatial factors ({', '.join(wide) or 'maximize_dims'}) but no fanout"
        raise InputError(what, at, "it feeds one instance only")
    return f"{at.mark}: spatial block of {at.entry}: it has no fanout, not used (Timeloop itself stops here)"


def _listed(blocks: _Blocks, documents: MarkedDict, key: str, scope: _Scope) -> list[str]:
    """Entries of a mapping or constraints document, each about one level."""
    held = documents[key]
    if isinstance(held, dict) and held.get("type") == "fused":
        what = "fused mappings (LoopTree) are not supported"
        raise InputError(what, value_at(Where(key), held, "type"), "give one mapping for each layer")
    entries = (held.get("targets") or []) if isinstance(held, dict) else held or []
    parts, shape = scope.parts, scope.shape
    notes: list[str] = []
    for entry, at in items(entries, value_at(Where(key), documents, key)):
        entry = with_numbers(mapping(entry, at), scope.names, at)
        target, kind = text(required(entry, "target", at), inside(at, entry, "target")), kind_of(entry)
        name = f"inter_{target}_spatial" if kind == "spatial" and not target.startswith("inter_") else target
        names = [part.name for part in parts]
        if name not in names and kind == "spatial" and target in names:
            notes.append(_without_lanes(entry, value_at(Where(key, target), entry, "target"), shape))
            continue
        if name not in names:
            why = (
                "has no fanout" if target in names or f"inter_{target}_spatial" in names else "is no level or container"
            )
            place = value_at(Where(key), entry, "target")
            raise InputError(f"{target!r} {why}", place, f"there are {', '.join(names[:-1])}")
        notes += add_constraint(_block(blocks, name, kind, mark_of(entry)), entry, kind, shape)
    return notes


def _passing(empty: list[Empty], shape: Shape) -> dict[str, int]:
    """The tensors that an empty branch of a !Parallel keeps out of the others, and the branch."""
    found: dict[str, int] = {}
    for each in empty:
        block = BlockConstraints(Where("architecture", key="!Nothing", mark=each.node.mark))
        for kind, node in (each.constraints or {}).items():
            add_constraint(block, node, NODE_KINDS[kind], shape)
        found |= dict.fromkeys(block.keep, each.branch)
    return found


def _branches(blocks: _Blocks, parts: list[Component], passing: dict[str, int], shape: Shape) -> None:
    """In a !Parallel every tensor has one branch that keeps it; the others bypass it."""
    branched = [part for part in parts if part.branch is not None]
    kept = dict(passing)
    for part in branched:
        for name in _block(blocks, part.name, "bypass", part.node.mark).keep:
            if kept.setdefault(name, part.branch or 0) != (part.branch or 0):
                at = Where("architecture", mark=blocks[part.name, "bypass"].marks.get(name) or part.node.mark)
                raise InputError(f"{name} is kept in two branches of a !Parallel", at, "keep it in one")
    if branched and (lost := sorted(set(shape.tensors) - set(kept))):
        at = Where("architecture", mark=branched[0].node.mark)
        raise InputError(f"no branch of the !Parallel keeps {', '.join(lost)}", at, "keep it in one")
    for part in branched:
        block = blocks[part.name, "bypass"]
        block.bypass |= {name for name in shape.tensors if kept[name] != part.branch}
