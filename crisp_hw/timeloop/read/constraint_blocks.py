"""One entry of a constraints document: the words of factors, permutations and lists of tensors."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.spec.constraints import Factor, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.spec.limits import FACTOR_DIGITS
from crisp_hw.timeloop.yaml.fields import (
    Node,
    factor_at,
    inside,
    items,
    sequence,
    text,
    value_at,
    whole,
    word_at,
)

Kind = Literal["temporal", "spatial"]
Limits = dict[str, int]
_PART = re.compile(r"([A-Za-z]+)(<=|>=|=|)(\d+)")
RELATIONS = {"factor": "=?", "factor <=": "<=", "factor >=": ">="}
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
    factors_at: dict[tuple[str, str], Where] = field(default_factory=dict)
    """Dimension and relation -> the place of the factor."""

    def factor_at(self, dim: str) -> Where | None:
        """The place of what the block says of a dimension; of several the one that stands last."""
        there = [at for (name, _), at in self.factors_at.items() if name == dim]
        return max(there, key=lambda at: (at.mark or Mark("")).line, default=None)


@dataclass(frozen=True)
class Entry:
    """One constraint: its `node`, the `attributes` that hold its numbers (often the node itself), and its place."""

    node: Node
    attributes: Node
    target: str
    kind: str
    at: Where


def add_iteration(block: BlockLimits, entry: Entry, kind: Kind, design: Design) -> list[str]:
    """Add a temporal or spatial entry to its block; notes about what Timeloop would not read.

    Raises InputError, with the position where it is known, for words that are wrong and for whatever the block has
    already, as Timeloop does.
    """
    notes = []
    limits, more = _factors(entry, design)
    notes += more
    for name, have, new in zip(RELATIONS, _limits(block), limits, strict=True):
        places = {dim: factor_at(entry.at, entry.attributes, dim, RELATIONS[name]) for dim in new}
        if twice := sorted(set(have) & set(new)):
            raise InputError(f"{name} of {', '.join(twice)} given twice", places[twice[0]], "keep one")
        have |= new
        block.factors_at |= {(dim, name): at for dim, at in places.items()}
    order = _order(entry, design)
    if any(order):
        if any(block.order):
            at = value_at(entry.at, entry.attributes, "permutation")
            raise InputError("permutation given twice", at, "keep one")
        block.order = order
    if "split" in entry.node:
        if block.split is not None:
            raise InputError("split given twice", value_at(entry.at, entry.node, "split"), "keep one")
        # Timeloop takes more than there are for all of them (src/mapspaces/uber.cpp: i < spatial_split)
        block.split = min(whole(entry.node["split"], inside(entry.at, entry.node, "split")), len(design.problem.dims))
    _add_flags(block, entry, kind, design)
    return [*notes, *_unread_lists(entry)]


def level_constraint(level: str, kind: Kind, block: BlockLimits, at: Where, design: Design) -> LevelConstraint:
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
            place = block.factor_at(dim) or at
            raise InputError(f"{' and '.join(said)} contradict each other", place, "loosen one")
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


def tensors_of(node: Node, key: str, design: Design, at: Where) -> frozenset[str]:
    """The tensors that a key lists; InputError for names that the problem does not have."""
    names = [tensor.name for tensor in design.problem.tensors]
    found = set()
    for item, place in items(node.get(key) or [], inside(at, node, key)):
        name = text(item, place)
        if name not in names:
            raise InputError(f"the problem has no tensor {name}", at.at(place.mark), f"it has {', '.join(names)}")
        found.add(name)
    return frozenset(found)


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
            at = word_at(entry.at, entry.attributes, "factors", part)
            raise InputError(f"two factors {dim}{relation}", at, "give one")
        if relation == "=" and value > design.problem.bound(dim):
            notes.append(
                f"{factor_at(entry.at, entry.attributes, dim)}: {dim}={value} is more than {dim} has "
                f"({design.problem.bound(dim)}), not used (Timeloop ignores it, too)"
            )
            continue
        if relation != "=" and value < 1:
            at = factor_at(entry.at, entry.attributes, dim)
            raise InputError(f"{part} must be positive", at)
        found[relation][dim] = value
    for key, relation in (("default_max_factor", "<="), ("default_min_factor", ">=")):
        if entry.attributes.get(key) is not None:
            default = whole(entry.attributes[key], inside(entry.at, entry.attributes, key), 1)
            found[relation] = {**dict.fromkeys(design.problem.dims, default), **found[relation]}
    return (found["="], found["<="], found[">="]), notes


def _parts(entry: Entry) -> list[str]:
    value = entry.attributes.get("factors")
    at = inside(entry.at, entry.attributes, "factors")
    line = value if isinstance(value, str) else " ".join(map(str, sequence(value or [], at)))
    joined = re.sub(r"\s*(<=|>=|=)\s*", r"\1", line.split("#")[0].strip())
    return [part for part in re.split(r"[\s,]+", joined) if part]


def _split(part: str, entry: Entry, design: Design) -> tuple[str, str, int]:
    match = _PART.fullmatch(part)
    if match is None or match[1] not in design.problem.dims:
        dims = ", ".join(design.problem.dims)
        what = f"the factor {part!r} is not one of {dims} with =, <= or >= and a whole number"
        raise InputError(what, _part_at(entry, part))
    if len(match[3]) > FACTOR_DIGITS:
        what = f"a factor of {match[1]} has more than {FACTOR_DIGITS} digits; no problem is as large"
        raise InputError(what, _part_at(entry, part))
    return match[1], match[2], int(match[3])


def _order(entry: Entry, design: Design) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The dimensions that stand innermost, and after a `_` those that stand outermost."""
    value, at = entry.attributes.get("permutation"), value_at(entry.at, entry.attributes, "permutation")
    if isinstance(value, str):
        listed: list[tuple[Any, Where]] = [(dim, at) for dim in re.sub(r"[\s,]+", "", value.split("#")[0])]
    else:
        listed = items(value or [], at)
    dims: list[str] = []
    for dim, place in ((dim, place) for dim, place in listed if dim != _SEPARATOR):
        if dim not in design.problem.dims or dim in dims:
            why = "which is not one of " + ", ".join(design.problem.dims) if dim not in design.problem.dims else "twice"
            raise InputError(f"the permutation names {dim!r}, {why}", place)
        dims.append(str(dim))
    words = [dim for dim, _ in listed]
    first = words.index(_SEPARATOR) if _SEPARATOR in words else len(dims)
    return tuple(dims[:first]), tuple(dims[first:])


def _part_at(entry: Entry, part: str) -> Where:
    """The place of a factor that is none, which stands in the text with or without blanks inside."""
    word = re.split(r"[<>=]", part)[0] or part
    return word_at(entry.at, entry.attributes, "factors", word if part.startswith(word) else part)


def _add_flags(block: BlockLimits, entry: Entry, kind: Kind, design: Design) -> None:
    aliases = {**_ALIASES, "no_reuse": "no_multicast" if kind == "spatial" else "no_temporal_reuse"}
    for key in FLAGS[kind]:
        if key in entry.node:
            flag = aliases[key]
            if flag in block.flags:
                raise InputError(f"{key} given twice", value_at(entry.at, entry.node, key), "keep one")
            block.flags[flag] = tensors_of(entry.node, key, design, entry.at)


def _unread_lists(entry: Entry) -> list[str]:
    return [
        f"{value_at(entry.at, entry.attributes, key)}: {key} is a list; it is read, but Timeloop itself reads text "
        "alone"
        for key in ("factors", "permutation")
        if isinstance(entry.attributes.get(key), list) and entry.attributes[key]
    ]
