"""Constraints of the front end's nodes, and its mapping, which is more of them, to Timeloop's mapping directives.

Facts: timeloopfe v4/constraints.py and v4/processors: what a node says and what a mapping entry says of one block add
up, and contradictions are errors; for a given mapping every factor that nobody names is 1.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.positions import mark_of
from crisp_hw.timeloop.read.words import dimensions_in
from crisp_hw.timeloop.yaml.fields import (
    inside,
    items,
    key_at,
    optional_mapping,
    required,
    text,
    value_at,
    whole,
    word_at,
)

KINDS = {"spatial": "spatial", "temporal": "temporal", "dataspace": "bypass", "bypass": "bypass", "datatype": "bypass"}
ITERATION = ("factors", "factors_only", "permutation", "no_iteration_over_dataspaces", "must_iterate_over_dataspaces")
LISTS = ("no_link_transfer", "no_reuse", "no_temporal_reuse", "rmw_first_update", "no_coalesce")
STORES = ("keep", "bypass", "keep_only", "bypass_only")
FOR_MAPPERS = ("default_max_factor", "default_min_factor", "remainders")
MAXIMIZE = ("maximize_dims", "maximize_dims_capacity")
KNOWN = (*ITERATION, *LISTS, *STORES, *FOR_MAPPERS, *MAXIMIZE, "split")
_VALUE = r"\s*(<=|>=|<|>|=|)\s*(-\d+|\d+)(?:\s*,\s*(\d+))?\s*"
_FACTORS = (re.compile(rf"\s*([A-Za-z_]\w*?){_VALUE}"), re.compile(rf"\s*(\w+){_VALUE}"))
# "K16" is K = 16, as timeloop-mapper writes it, and a dimension K1 only where there is no K


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


@dataclass(frozen=True)
class Order:
    """One permutation (dimensions innermost first) and one split, as one node or entry says them, and their places."""

    dims: tuple[str, ...]
    split: int | None
    dims_at: Where
    split_at: Where


@dataclass
class BlockConstraints:
    """Everything said about one block of one level.

    `limits` are inequalities that a factor must obey, `defaults` those of all dimensions without one of their own;
    `residuals` the factors of last rounds; `orders` what is said of the order of loops and of their split over x and y,
    from which `settle_order` (order.py) makes `permutation` and `split` when all factors are known;
    `marks` says where the factor of a dimension, a tensor that is kept or bypassed, or a key was said first.
    """

    at: Where
    marks: dict[str, Mark | None] = field(default_factory=dict)
    factors: dict[str, int] = field(default_factory=dict)
    residuals: dict[str, int] = field(default_factory=dict)
    limits: list[tuple[str, str, int, Mark | None]] = field(default_factory=list)
    orders: list["Order"] = field(default_factory=list)
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
    node = optional_mapping(node, block.at)
    notes = []
    if kind != "bypass":
        _add_order(block, node, kind, shape)
    for key, value in node.items():
        if key in ("target", "type") or (value in (None, []) and key in KNOWN):
            continue
        if key in MAXIMIZE and kind != "bypass":
            _set_maximize(block, node, shape)
            continue
        if key in FOR_MAPPERS:
            place = replace(block.at, mark=None)
            notes.append(f"{mark_of(node, key)}: {key} ({place}): for mappers, a given mapping has its factors")
            _set_default(block, node, key)
        elif key in (STORES if kind == "bypass" else ITERATION):
            notes += (_add_stores if kind == "bypass" else _add_iteration)(block, node, key, shape)
        elif key in LISTS:
            block.lists.setdefault(key, set()).update(_tensors(node, key, shape, block.at))
            block.marks.setdefault(key, mark_of(node, key))
        elif not (key == "split" and kind == "spatial"):  # which _add_order has read
            known = STORES if kind == "bypass" else (*ITERATION, *LISTS, "split")
            raise InputError(f"unknown key {key!r}", key_at(block.at, node, key), f"known are {', '.join(known)}")
    return notes


def _add_iteration(block: BlockConstraints, node: Any, key: str, shape: Shape) -> list[str]:
    if key == "permutation":
        return []  # which _add_order has read
    free: dict[str, Where] = {}
    if key in ("factors", "factors_only"):
        factors = _factors(node, key, shape, block.at)
        free = {factor.dim: factor.at for factor in factors if factor.value < 0}
        for factor in factors:
            if factor.value > 0:
                _add_factor(block, factor)
        missing = set(shape.sizes) - free.keys() if key == "factors_only" else set()
    else:
        over = {dim for name in _tensors(node, key, shape, block.at) for dim in shape.tensors[name]}
        missing = over if key == "no_iteration_over_dataspaces" else set(shape.sizes) - over
        for dim in sorted(missing):
            _add_factor(block, _Factor(dim, "=", 1, 1, value_at(block.at, node, key)))
    for dim in shape.sizes:
        if dim in missing:
            block.factors.setdefault(dim, 1)
    return [
        f"{at}: the factor of {dim} is below 0, which Timeloop takes for none: {dim} is free"
        for dim, at in free.items()
    ]


@dataclass(frozen=True)
class _Factor:
    """One factor, what it is in the last round, or a bound on it, and its place; below 0 where it says nothing."""

    dim: str
    relation: str
    value: int
    residual: int
    at: Where


def _add_factor(block: BlockConstraints, factor: _Factor) -> None:
    if factor.relation != "=":
        block.limits.append((factor.dim, factor.relation, factor.value, factor.at.mark))
        return
    before = block.factors.setdefault(factor.dim, factor.value)
    last = block.residuals.setdefault(factor.dim, factor.residual)
    if before != factor.value:
        what = f"{factor.dim} has two factors, {before} and {factor.value}{_first(block, factor.dim)}"
        raise InputError(what, factor.at, "give one")
    if last != factor.residual:
        what = f"{factor.dim} has two residuals, {last} and {factor.residual}{_first(block, factor.dim)}"
        raise InputError(what, factor.at, "give one")
    block.marks.setdefault(factor.dim, factor.at.mark)


def _first(block: BlockConstraints, name: str) -> str:
    """Where a dimension or tensor was named before."""
    mark = block.marks.get(name)
    return f", the first at {mark}" if mark else ""


def _factors(node: Any, key: str, shape: Shape, at: Where) -> list[_Factor]:
    """`[R=3, C<=16]`, `"R=3 C<=16"` or `"R3,C16"` as dimension, relation, value; 0 is the whole dimension."""
    value, at = node[key], value_at(at, node, key)
    words = re.split(r"[\s,]+(?=[A-Za-z_])", value.strip()) if isinstance(value, str) else None
    parts = items(value, at) if words is None else [(word, word_at(at, node, key, word)) for word in words]
    found = []
    for part, place in parts:
        found.append(_factor(part, shape, place))
    return found


def _factor(part: Any, shape: Shape, at: Where) -> _Factor:
    tried = [pattern.fullmatch(part) for pattern in _FACTORS] if isinstance(part, str) else []
    match = next((found for found in tried if found and found[1] in shape.sizes), None)
    if match is None:
        known = ", ".join(shape.sizes)
        raise InputError(f"the factor {str(part)!r} is not one of {known} with a number", at)
    relation, value = match[2] or "=", int(match[3]) or shape.sizes[match[1]]
    if value < 0 and (relation != "=" or match[4]):
        raise InputError(f"{str(part)!r} has a negative number", at, f"give a positive one, or {match[1]}=-1: free")
    residual = int(match[4]) if match[4] else value
    if match[4] and relation != "=":
        raise InputError(f"a bound such as {str(part)!r} has no residual", at, "leave it out")
    if value > 0 and not 1 <= residual <= value:
        raise InputError(f"the residual of {str(part)!r} is not between 1 and {value}", at)
    return _Factor(match[1], relation, value, residual, at)


def _order(node: Any, shape: Shape, at: Where) -> list[str]:
    value, at = node["permutation"], inside(at, node, "permutation")
    named = re.split(r"[\s,]+", value.strip(" ,")) if isinstance(value, str) and "," in value else value
    listed = [(dim, at) for dim in dimensions_in(named, shape.sizes)] if isinstance(named, str) else items(named, at)
    order: list[str] = []
    for item, place in listed:
        dim = text(item, place)
        if not dim.strip():
            continue
        if dim not in shape.sizes or dim in order:
            known = ", ".join(shape.sizes)
            what = f"the permutation names {dim!r}, expected each of {known} once"
            raise InputError(what, replace(place, key=""))
        order.append(dim)
    return order


def _tensors(node: Any, key: str, shape: Shape, at: Where) -> set[str]:
    listed = [(text(name, place), place) for name, place in items(node[key], inside(at, node, key))]
    if "*" in (name for name, _ in listed):
        return set(shape.tensors)
    for name, place in listed:
        if name not in shape.tensors:
            what = f"the problem has no tensor {name!r}"
            raise InputError(what, at.at(place.mark), f"it has {', '.join(shape.tensors)}")
    return {name for name, _ in listed}


def _add_stores(block: BlockConstraints, node: Any, key: str, shape: Shape) -> list[str]:
    names = _tensors(node, key, shape, block.at)
    others = set(shape.tensors) - names if key.endswith("_only") else set()
    keep, bypass = (names, others) if key.startswith("keep") else (others, names)
    block.keep |= keep
    block.bypass |= bypass
    if both := block.keep & block.bypass:
        at = word_at(block.at, node, key, min(both))
        what = f"{', '.join(sorted(both))} is both kept and bypassed{_first(block, min(both))}"
        raise InputError(what, at, "choose")
    for name in names:
        block.marks.setdefault(name, word_at(block.at, node, key, name).mark)
    block.marks.setdefault(key.removesuffix("_only"), mark_of(node, key))
    return []


def _add_order(block: BlockConstraints, node: Any, kind: str, shape: Shape) -> None:
    """Note the permutation and the split of a node or entry, if it has one of them."""
    dims = _order(node, shape, block.at) if node.get("permutation") not in (None, []) else []
    given = node.get("split") if kind == "spatial" else None
    split = None if given is None else whole(given, inside(block.at, node, "split"))
    if dims or split is not None:
        places = (value_at(block.at, node, "permutation"), value_at(block.at, node, "split"))
        block.orders.append(Order(tuple(dims), split, *places))


def _set_maximize(block: BlockConstraints, node: Any, shape: Shape) -> None:
    at = inside(block.at, node, "maximize_dims")
    listed = items(node.get("maximize_dims") or [], at)
    flat = any(not isinstance(each, list) for each, _ in listed)
    groups = [listed] if flat else [items(group, place) for group, place in listed]
    for dim, place in (each for group in groups for each in group):
        if text(dim, place) not in shape.sizes:
            raise InputError(f"{dim!r} is not one of {', '.join(shape.sizes)}", place)
    dims = [[str(dim) for dim, _ in group] for group in groups]
    capacity = node.get("maximize_dims_capacity")
    room = None if capacity is None else whole(capacity, inside(block.at, node, "maximize_dims_capacity"), 1)
    if block.maximize not in (None, Maximize(node, dims, room)):
        raise InputError("given twice", key_at(at, node, "maximize_dims"), "keep one")
    block.maximize = Maximize(node, dims, room)


def _set_default(block: BlockConstraints, node: Any, key: str) -> None:
    value = whole(node[key], inside(block.at, node, key), 1)
    if block.defaults.setdefault(key, value) != value:
        what = f"{key} is both {block.defaults[key]} and {value}"
        raise InputError(what, value_at(block.at, node, key), "give one")
    block.marks.setdefault(key, value_at(block.at, node, key).mark)


def kind_of(entry: Any) -> str:
    """The block that a mapping entry or constraint is about."""
    at = Where("mapping", mark=mark_of(entry))
    kind = text(required(entry, "type", at), inside(at, entry, "type"))
    if kind not in KINDS:
        what = f"type {kind!r} is not modelled"
        raise InputError(what, value_at(at, entry, "type"), f"there are {', '.join(KINDS)}")
    return KINDS[kind]
