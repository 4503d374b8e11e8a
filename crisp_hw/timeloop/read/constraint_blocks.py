"""One entry of a constraints document: the words of factors, permutations and lists of tensors."""

import re
from dataclasses import dataclass, field
from typing import Literal

from crisp_hw.machine.positions import fault, mark_of
from crisp_hw.spec.constraints import Factor, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.timeloop.yaml.fields import Node, sequence, text, whole

Kind = Literal["temporal", "spatial"]
Limits = dict[str, int]
_PART = re.compile(r"([A-Za-z]+)(<=|>=|=|)(\d+)")
_SEPARATOR = "_"  # of a permutation: what follows stands outermost (src/mapping/constraints.cpp: ParsePermutations)
_ALIASES = {
    "no_link_transfer": "no_link_transfer",
    "no_multicast_no_reduction": "no_multicast",
    "no_temporal_reuse": "no_temporal_reuse",
    "rmw_first_update": "rmw_first_update",
}
FLAGS: dict[Kind, tuple[str, ...]] = {
    "spatial": ("no_link_transfer", "no_reuse", "no_multicast_no_reduction"),
    "temporal": ("no_reuse", "no_temporal_reuse", "rmw_first_update"),
}


@dataclass
class BlockLimits:
    """What all entries so far say of one block: exact factors, upper and lower bounds, order, split and flags."""

    equal: Limits = field(default_factory=dict)
    most: Limits = field(default_factory=dict)
    least: Limits = field(default_factory=dict)
    order: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    split: int | None = None
    flags: dict[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """One constraint: its `node`, the `attributes` that hold its numbers (often the node itself), and its place."""

    node: Node
    attributes: Node
    target: str
    kind: str
    where: str


def add_iteration(block: BlockLimits, entry: Entry, kind: Kind, design: Design) -> list[str]:
    """Add a temporal or spatial entry to its block; notes about what Timeloop would not read.

    Raises InputError, with the position where it is known, for words that are wrong and for whatever the block has
    already, as Timeloop does.
    """
    notes = []
    limits, more = _factors(entry, design)
    notes += more
    for name, have, new in zip(("factor", "factor <=", "factor >="), _limits(block), limits, strict=True):
        if twice := sorted(set(have) & set(new)):
            raise fault(
                entry.attributes, f"{entry.where}: {name} of {', '.join(twice)} given twice; keep one", "factors"
            )
        have |= new
    order = _order(entry, design)
    if any(order):
        if any(block.order):
            raise fault(entry.attributes, f"{entry.where}: permutation given twice; keep one", "permutation")
        block.order = order
    if "split" in entry.node:
        if block.split is not None:
            raise fault(entry.node, f"{entry.where}: split given twice; keep one", "split")
        # Timeloop takes more than there are for all of them (src/mapspaces/uber.cpp: i < spatial_split)
        block.split = min(whole(entry.node["split"], f"{entry.where}.split"), len(design.problem.dims))
    _add_flags(block, entry, kind, design)
    return [*notes, *_unread_lists(entry)]


def level_constraint(level: str, kind: Kind, block: BlockLimits, where: str, design: Design) -> LevelConstraint:
    """The block as a constraint; InputError where an exact factor breaks a bound of its own block."""
    factors: dict[str, Factor] = {}
    at_least: dict[str, int] = {}
    for dim in dict.fromkeys((*block.equal, *block.most, *block.least)):
        low, high = block.least.get(dim, 1), block.most.get(dim)
        exact = block.equal.get(dim)
        value = None if exact is None else exact or design.problem.bound(dim)
        if (value is not None and (value < low or (high is not None and value > high))) or (high or low) < low:
            said = (
                [f"{dim}={value}"] * (value is not None) + [f"{dim}<={high}"] * (high is not None) + [f"{dim}>={low}"]
            )
            raise fault(None, f"{where}: {' and '.join(said)} contradict each other; loosen one")
        if exact is not None:
            factors[dim] = Factor("=", exact)
        elif high is not None:
            factors[dim] = Factor("<=", high)
            at_least |= {dim: low} if low > 1 else {}
        else:
            factors[dim] = Factor(">=", low)
    return LevelConstraint(
        level,
        kind,
        factors,
        block.order[0],
        True,
        block.split,
        outermost=block.order[1],
        at_least=at_least,
        **block.flags,
    )


def tensors_of(node: Node, key: str, design: Design, where: str) -> frozenset[str]:
    """The tensors that a key lists; InputError for names that the problem does not have."""
    names = [tensor.name for tensor in design.problem.tensors]
    listed = [text(name, f"{where}.{key}") for name in sequence(node.get(key) or [], f"{where}.{key}")]
    for name in listed:
        if name not in names:
            raise fault(node, f"{where}: the problem has no tensor {name}; it has {', '.join(names)}", key)
    return frozenset(listed)


def _limits(block: BlockLimits) -> tuple[Limits, Limits, Limits]:
    return block.equal, block.most, block.least


def _factors(entry: Entry, design: Design) -> tuple[tuple[Limits, Limits, Limits], list[str]]:
    """`"K=1 N<=64 M4"` as exact factors, upper and lower bounds; a comment begins at `#`."""
    found: dict[str, Limits] = {"": {}, "=": {}, "<=": {}, ">=": {}}
    notes = []
    for part in _parts(entry):
        dim, relation, value = _split(part, entry, design)
        relation = relation or "="
        if dim in found[relation]:
            raise fault(entry.attributes, f"{entry.where}: two factors {dim}{relation}; give one", "factors")
        if relation == "=" and value > design.problem.bound(dim):
            notes.append(
                f"{_at(entry, 'factors')}{entry.where}: {dim}={value} is more than {dim} has "
                f"({design.problem.bound(dim)}), not used (Timeloop ignores it, too)"
            )
            continue
        if relation != "=" and value < 1:
            raise fault(entry.attributes, f"{entry.where}: {part} must be positive", "factors")
        found[relation][dim] = value
    for key, relation in (("default_max_factor", "<="), ("default_min_factor", ">=")):
        if entry.attributes.get(key) is not None:
            default = whole(entry.attributes[key], f"{entry.where}.{key}", 1)
            found[relation] = {**dict.fromkeys(design.problem.dims, default), **found[relation]}
    return (found["="], found["<="], found[">="]), notes


def _parts(entry: Entry) -> list[str]:
    value = entry.attributes.get("factors")
    line = value if isinstance(value, str) else " ".join(map(str, sequence(value or [], f"{entry.where}.factors")))
    joined = re.sub(r"\s*(<=|>=|=)\s*", r"\1", line.split("#")[0].strip())
    return [part for part in re.split(r"[\s,]+", joined) if part]


def _split(part: str, entry: Entry, design: Design) -> tuple[str, str, int]:
    match = _PART.fullmatch(part)
    if match is None or match[1] not in design.problem.dims:
        dims = ", ".join(design.problem.dims)
        what = f"the factor {part!r} is not one of {dims} with =, <= or >= and a whole number"
        raise fault(entry.attributes, f"{entry.where}: {what}", "factors")
    return match[1], match[2], int(match[3])


def _order(entry: Entry, design: Design) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The dimensions that stand innermost, and after a `_` those that stand outermost."""
    value = entry.attributes.get("permutation")
    listed = (
        list(re.sub(r"[\s,]+", "", value.split("#")[0]))
        if isinstance(value, str)
        else sequence(value or [], entry.where)
    )
    dims = [dim for dim in listed if dim != _SEPARATOR]
    for dim in dims:
        if dim not in design.problem.dims or dims.count(dim) > 1:
            why = "which is not one of " + ", ".join(design.problem.dims) if dim not in design.problem.dims else "twice"
            raise fault(entry.attributes, f"{entry.where}: the permutation names {dim!r}, {why}", "permutation")
    first = listed.index(_SEPARATOR) if _SEPARATOR in listed else len(dims)
    return tuple(map(str, dims[:first])), tuple(map(str, dims[first:]))


def _add_flags(block: BlockLimits, entry: Entry, kind: Kind, design: Design) -> None:
    aliases = {**_ALIASES, "no_reuse": "no_multicast" if kind == "spatial" else "no_temporal_reuse"}
    for key in FLAGS[kind]:
        if key in entry.node:
            flag = aliases[key]
            if flag in block.flags:
                raise fault(entry.node, f"{entry.where}: {key} given twice; keep one", key)
            block.flags[flag] = tensors_of(entry.node, key, design, entry.where)


def _unread_lists(entry: Entry) -> list[str]:
    return [
        f"{_at(entry, key)}{entry.where}: {key} is a list; it is read, but Timeloop itself reads text alone"
        for key in ("factors", "permutation")
        if isinstance(entry.attributes.get(key), list) and entry.attributes[key]
    ]


def _at(entry: Entry, key: str) -> str:
    mark = mark_of(entry.attributes, key)
    return f"{mark}: " if mark else ""
