"""Constraints of the front end's nodes, and its mapping, which is more of them, to Timeloop's mapping directives.

Facts: timeloopfe v4/constraints.py and v4/processors: what a node says and what a mapping entry says of one block add
up, and contradictions are errors; for a given mapping every factor that nobody names is 1.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crisp_hw.errors import MappingError, Mark
from crisp_hw.machine.positions import MarkedDict, fault, mark_of
from crisp_hw.timeloop.yaml.fields import optional_mapping, required, sequence, text, whole

KINDS = {"spatial": "spatial", "temporal": "temporal", "dataspace": "bypass", "bypass": "bypass", "datatype": "bypass"}
ITERATION = ("factors", "factors_only", "permutation", "no_iteration_over_dataspaces", "must_iterate_over_dataspaces")
LISTS = ("no_link_transfer", "no_reuse", "no_temporal_reuse", "rmw_first_update", "no_coalesce")
STORES = ("keep", "bypass", "keep_only", "bypass_only")
FOR_MAPPERS = ("default_max_factor", "default_min_factor", "remainders")
MAXIMIZE = ("maximize_dims", "maximize_dims_capacity")
KNOWN = (*ITERATION, *LISTS, *STORES, *FOR_MAPPERS, *MAXIMIZE, "split")
_FACTOR = re.compile(r"\s*(\w+)\s*(<=|>=|<|>|=|)\s*(\d+)(?:\s*,\s*(\d+))?\s*")


@dataclass(frozen=True)
class Shape:
    """What constraints refer to: dimensions with their sizes, and the dimensions that index each tensor."""

    sizes: Mapping[str, int]
    tensors: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Maximize:
    """Dimensions to give the largest factors, one list after the other, and the room for them (None: the lanes)."""

    node: Any
    dims: list[list[str]]
    capacity: int | None


@dataclass
class BlockConstraints:
    """Everything said about one block of one level.

    `limits` are inequalities that a factor must obey, `defaults` those of all dimensions without one of their own.
    """

    where: str
    mark: Mark | None
    factors: dict[str, int] = field(default_factory=dict)
    limits: list[tuple[str, str, int, Mark | None]] = field(default_factory=list)
    permutation: list[str] = field(default_factory=list)
    split: int | None = None
    keep: set[str] = field(default_factory=set)
    bypass: set[str] = field(default_factory=set)
    lists: dict[str, set[str]] = field(default_factory=dict)
    defaults: dict[str, int] = field(default_factory=dict)
    maximize: Maximize | None = None


def add_constraint(block: BlockConstraints, node: Any, kind: str, shape: Shape) -> list[str]:
    """Add one constraint, of a node or a mapping entry, to its block; notes about what only a mapper reads.

    Raises InputError, with file and line, for keys that are not modelled and for contradictions.
    """
    node = optional_mapping(node, block.where)
    notes = []
    for key, value in node.items():
        if key in ("target", "type") or (value in (None, []) and key in KNOWN):
            continue
        if key in MAXIMIZE and kind != "bypass":
            _set_maximize(block, node, shape)
            continue
        if key in FOR_MAPPERS:
            notes.append(f"{mark_of(node, key)}: {key} ({block.where}): for mappers, a given mapping has its factors")
            _set_default(block, node, key)
        elif key in (STORES if kind == "bypass" else ITERATION):
            (_add_stores if kind == "bypass" else _add_iteration)(block, node, key, shape)
        elif key in LISTS:
            block.lists.setdefault(key, set()).update(_tensors(node, key, shape, block.where))
        elif key == "split" and kind == "spatial":
            _set_split(block, node)
        else:
            known = STORES if kind == "bypass" else (*ITERATION, *LISTS, "split")
            raise fault(node, f"{block.where}: unknown key {key!r}; known are {', '.join(known)}", key)
    return notes


def _add_iteration(block: BlockConstraints, node: Any, key: str, shape: Shape) -> None:
    if key == "permutation":
        order = _order(node, shape, block.where)
        shorter, longer = sorted((block.permutation, order), key=len)
        if longer[: len(shorter)] != shorter:  # else one says the same and more
            raise fault(node, f"{block.where}: two permutations, {block.permutation} and {order}; give one", key)
        block.permutation = longer
        return
    if key in ("factors", "factors_only"):
        for dim, relation, value in _factors(node, key, shape, block.where):
            _add_factor(block, (dim, relation, value), node, key)
        missing = set(shape.sizes) if key == "factors_only" else set()
    else:
        over = {dim for name in _tensors(node, key, shape, block.where) for dim in shape.tensors[name]}
        missing = over if key == "no_iteration_over_dataspaces" else set(shape.sizes) - over
        for dim in sorted(missing):
            _add_factor(block, (dim, "=", 1), node, key)
    for dim in shape.sizes:
        if dim in missing:
            block.factors.setdefault(dim, 1)


def _add_factor(block: BlockConstraints, factor: tuple[str, str, int], node: Any, key: str) -> None:
    dim, relation, value = factor
    if relation != "=":
        block.limits.append((dim, relation, value, mark_of(node, key)))
    elif block.factors.setdefault(dim, value) != value:
        raise fault(node, f"{block.where}: {dim} has two factors, {block.factors[dim]} and {value}; give one", key)


def _factors(node: Any, key: str, shape: Shape, where: str) -> list[tuple[str, str, int]]:
    """`[R=3, C<=16]`, `"R=3 C<=16"` or `"R3,C16"` as dimension, relation, value; 0 is the whole dimension."""
    value = node[key]
    parts = re.split(r"[\s,]+(?=[A-Za-z_])", value.strip()) if isinstance(value, str) else sequence(value, where)
    found = []
    for part in parts:
        match = _FACTOR.fullmatch(part) if isinstance(part, str) else None
        if match is None or match[1] not in shape.sizes:
            known = ", ".join(shape.sizes)
            raise fault(node, f"{where}: the factor {str(part)!r} is not one of {known} with a number", key)
        if match[4]:
            raise fault(
                node, f"{where}: the residual in {str(part)!r} is not known to the front end; leave it out", key
            )
        found.append((match[1], match[2] or "=", int(match[3]) or shape.sizes[match[1]]))
    return found


def _order(node: Any, shape: Shape, where: str) -> list[str]:
    value = node["permutation"]
    named = re.split(r"[\s,]+", value.strip(" ,")) if isinstance(value, str) and "," in value else value
    listed = list(named) if isinstance(named, str) else sequence(named, f"{where}.permutation")
    order = [text(dim, f"{where}.permutation") for dim in listed]
    for dim in order:
        if dim.strip() and (dim not in shape.sizes or order.count(dim) > 1):
            known = ", ".join(shape.sizes)
            raise fault(node, f"{where}: the permutation names {dim!r}, expected each of {known} once", "permutation")
    return [dim for dim in order if dim.strip()]


def _tensors(node: Any, key: str, shape: Shape, where: str) -> set[str]:
    names = {text(name, f"{where}.{key}") for name in sequence(node[key], f"{where}.{key}")}
    if "*" in names:
        return set(shape.tensors)
    for name in names:
        if name not in shape.tensors:
            known = ", ".join(shape.tensors)
            raise fault(node, f"{where}: the problem has no tensor {name!r}; it has {known}", key)
    return names


def _add_stores(block: BlockConstraints, node: Any, key: str, shape: Shape) -> None:
    names = _tensors(node, key, shape, block.where)
    others = set(shape.tensors) - names if key.endswith("_only") else set()
    keep, bypass = (names, others) if key.startswith("keep") else (others, names)
    block.keep |= keep
    block.bypass |= bypass
    if both := block.keep & block.bypass:
        raise fault(node, f"{block.where}: {', '.join(sorted(both))} is both kept and bypassed; choose", key)


def _set_split(block: BlockConstraints, node: Any) -> None:
    split = whole(node["split"], f"{block.where}.split")
    if block.split not in (None, split):
        raise fault(node, f"{block.where}: two splits, {block.split} and {split}; give one", "split")
    block.split = split


def _set_maximize(block: BlockConstraints, node: Any, shape: Shape) -> None:
    where = f"{block.where}.maximize_dims"
    listed = sequence(node.get("maximize_dims") or [], where)
    groups = [listed] if any(not isinstance(each, list) for each in listed) else listed
    dims = [[text(dim, where) for dim in sequence(group, where)] for group in groups]
    if unknown := [dim for group in dims for dim in group if dim not in shape.sizes]:
        known = ", ".join(shape.sizes)
        raise fault(node, f"{where}: {unknown[0]!r} is not one of {known}", "maximize_dims")
    capacity = node.get("maximize_dims_capacity")
    room = None if capacity is None else whole(capacity, f"{where}_capacity", 1)
    if block.maximize not in (None, Maximize(node, dims, room)):
        raise fault(node, f"{where}: given twice; keep one", "maximize_dims")
    block.maximize = Maximize(node, dims, room)


def _set_default(block: BlockConstraints, node: Any, key: str) -> None:
    value = whole(node[key], f"{block.where}.{key}", 1)
    if block.defaults.setdefault(key, value) != value:
        raise fault(node, f"{block.where}: {key} is both {block.defaults[key]} and {value}; give one", key)


def constraint(block: BlockConstraints, target: str, kind: str, shape: Shape) -> MarkedDict:
    """The block as an entry of Timeloop's constraints: a dimension or tensor that nobody names stays free."""
    if kind == "bypass":
        return _entry(block, target, kind, _stores(block))
    factors = [f"{dim}={value}" for dim, value in block.factors.items()]
    factors += dict.fromkeys(_inclusive(dim, relation, value) for dim, relation, value, _ in block.limits)
    said: dict[str, Any] = {"factors": " ".join(factors), "permutation": "".join(_with_trivial(block, shape))}
    return _entry(block, target, kind, {**said, **block.defaults} | _split_of(block))


def _inclusive(dim: str, relation: str, value: int) -> str:
    """A limit in Timeloop's words, which has no strict inequalities."""
    strict = {"<": ("<=", value - 1), ">": (">=", value + 1)}
    written, least = strict.get(relation, (relation, value))
    return f"{dim}{written}{least}"


def directive(block: BlockConstraints, target: str, kind: str, shape: Shape) -> MarkedDict:
    """The block as an entry of Timeloop's mapping; MappingError where a factor breaks an inequality."""
    if block.maximize is not None:
        why = "maximize_dims lets a mapper choose; write the factors out"
        raise fault(block.maximize.node, f"{block.where}: {why}", "maximize_dims")
    for dim, relation, limit, mark in block.limits:
        if not _obeys(block.factors.get(dim, 1), relation, limit):
            at = f"{mark}: " if mark else ""
            have = block.factors.get(dim, 1)
            raise MappingError(
                f"{at}{block.where}: the factor {dim}={have} breaks the constraint {dim}{relation}{limit}"
            )
    if kind == "bypass":
        return _entry(block, target, kind, _stores(block))
    factors = " ".join(f"{dim}={value}" for dim, value in block.factors.items())
    said: dict[str, Any] = {"factors": factors, "permutation": "".join(_with_trivial(block, shape))}
    return _entry(block, target, kind, said | _split_of(block))


def _stores(block: BlockConstraints) -> dict[str, Any]:
    return {"keep": sorted(block.keep), "bypass": sorted(block.bypass)}


def _split_of(block: BlockConstraints) -> dict[str, Any]:
    return {} if block.split is None else {"split": block.split}


def _entry(block: BlockConstraints, target: str, kind: str, said: dict[str, Any]) -> MarkedDict:
    """An entry that stands where its block does."""
    entry = {"target": target, "type": kind, **{k: sorted(v) for k, v in block.lists.items()}, **said}
    mark = block.mark or Mark("mapping", 1)
    marked_entry = MarkedDict(mark, dict.fromkeys(entry, mark))
    marked_entry.update(entry)
    return marked_entry


def _obeys(value: int, relation: str, limit: int) -> bool:
    return {"<=": value <= limit, ">=": value >= limit, "<": value < limit, ">": value > limit}[relation]


def _with_trivial(block: BlockConstraints, shape: Shape) -> Iterable[str]:
    """Dimensions whose loop does nothing go innermost when the order leaves them out.

    Timeloopfe: PermutationOptimizerProcessor.
    """
    order = list(block.permutation)
    trivial = [dim for dim, value in block.factors.items() if value == 1]
    for dim in (*trivial, *(dim for dim, size in shape.sizes.items() if size == 1)):
        if dim not in order:
            order.insert(0, dim)
    return order


def kind_of(entry: Any) -> str:
    """The block that a mapping entry or constraint is about."""
    kind = text(required(entry, "type", "mapping"), "mapping.type")
    if kind not in KINDS:
        raise fault(entry, f"mapping: type {kind!r} is not modelled; there are {', '.join(KINDS)}", "type")
    return KINDS[kind]
