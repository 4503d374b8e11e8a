"""The `mapping` document: factors, permutations, bypasses, into a complete loop nest."""

import re
from dataclasses import dataclass, field
from typing import Any

from crisp_hw.errors import InputError, Where
from crisp_hw.machine.positions import mark_of_word
from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.dialect import RULES, Dialect
from crisp_hw.spec.limits import FACTOR_DIGITS
from crisp_hw.spec.mapping import Loop, LoopKind, LoopMapping, LoopNest
from crisp_hw.spec.problem import Problem
from crisp_hw.timeloop.read.words import dimensions_in
from crisp_hw.timeloop.yaml.fields import (
    Node,
    dialect_only,
    factor_at,
    inside,
    items,
    key_at,
    known,
    mapping,
    required,
    text,
    value_at,
    whole,
)

MAPPING = Where("mapping")
KEYS = ("target", "type", "factors", "permutation", "split")
FLAGS = {
    # mapping/parser.cpp: no_reuse stops multicast in a spatial block, and reuse over time in a temporal one
    "spatial": ("no_link_transfer", "no_reuse"),
    "temporal": ("no_temporal_reuse", "no_reuse", "rmw_first_update"),
}
REFUSED = {
    "no_multicast": "Timeloop does not read it; write no_reuse in the spatial block",
    "no_link_transfer": "Timeloop does not read it here; write it in the spatial block",
    "rmw_first_update": "Timeloop does not read it here; write it in the temporal block",
    "no_temporal_reuse": "Timeloop does not read it here; write it in the temporal block",
    "no_coalesce": "it is not modelled; leave it out",
}
FACTOR = re.compile(r"([A-Za-z]+)\s*=?\s*(\d+)(?:,(\d+))?")


_Factor = tuple[str, int, int]
"""Dimension, bound, residual."""


@dataclass
class _LevelPlan:
    """What the document says of one level, before defaults."""

    temporal: list[_Factor] | None = None
    spatial: list[_Factor] | None = None
    split: int | None = None
    bypass: set[str] = field(default_factory=set)
    flags: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    spatial_at: Where | None = None


def read_mapping_document(
    document: Any, architecture: Architecture, problem: Problem, dialect: Dialect = "head"
) -> LoopMapping:
    """The complete nest and its bounds; InputError names the level and the directive."""
    index = {level.name: i for i, level in enumerate(architecture.levels)}
    plans = [_LevelPlan() for _ in architecture.levels]
    for entry, at in items(document, MAPPING):
        entry = mapping(entry, at)
        name = text(required(entry, "target", at), inside(at, entry, "target"))
        if name not in index:
            what = f"the architecture has no level {name!r}"
            raise InputError(what, value_at(at, entry, "target"), f"it has {', '.join(index)}")
        at = Where("mapping", name, mark=at.mark)
        if "stream" in entry:
            dialect_only(entry, "stream", RULES[dialect].streams, at)
        _read_directive(plans[index[name]], entry, problem, at)
    return _complete(plans, architecture, problem)


def _read_directive(plan: _LevelPlan, entry: Node, problem: Problem, at: Where) -> None:
    kind = text(required(entry, "type", at), inside(at, entry, "type"))
    match kind:
        case "temporal" | "spatial":
            known(entry, (*KEYS, *FLAGS["spatial"], *FLAGS["temporal"], *REFUSED), at)
            for key, advice in REFUSED.items():
                if entry.get(key) and key not in FLAGS[kind]:
                    raise InputError(f"{key} in a {kind} block: {advice}", key_at(at, entry, key))
            loops = _loops(entry, problem, at)
            if kind == "temporal":
                plan.temporal = loops
            else:
                wide = next((dim for dim, bound, _ in loops if bound > 1), "")
                plan.spatial, plan.spatial_at = loops, factor_at(at, entry, wide)
                plan.split = whole(entry.get("split", len(loops)), inside(at, entry, "split"))
            plan.flags |= {(kind, key): _names(entry, key, problem, at) for key in FLAGS[kind] if key in entry}
        case "bypass" | "datatype" | "dataspace":
            known(entry, ("target", "type", "keep", "bypass", "stream"), at)
            plan.flags["datatype", "stream"] = _names(entry, "stream", problem, at)
            plan.bypass |= _names(entry, "bypass", problem, at)
            plan.bypass -= _names(entry, "keep", problem, at)
        case "max_overbooked_proportion":
            what = "overbooking (tiles that fit most of the time) is not modelled"
            raise InputError(what, value_at(at, entry, "type"), "leave it out")
        case _:
            what = f"type {kind!r} is not temporal, spatial, bypass, datatype or dataspace"
            raise InputError(what, value_at(at, entry, "type"))


def _names(entry: Node, key: str, problem: Problem, at: Where) -> set[str]:
    tensors = {tensor.name for tensor in problem.tensors}
    found = set()
    for item, place in items(entry.get(key) or [], value_at(at, entry, key)):
        name = text(item, place)
        if name not in tensors:
            raise InputError(f"the problem has no tensor {name}", place, f"it has {', '.join(sorted(tensors))}")
        found.add(name)
    return found


def read_factors(value: Any, problem: Problem, at: Where) -> dict[str, int]:
    """`"M4 N=2 K0"` as a dict; 0 is the whole dimension. Residuals (`"K=5,3"`) are for `read_residuals`.

    >>> read_factors("M4 N=2", Problem("p", ("M", "N"), (8, 2), ()), Where("mapping"))
    {'M': 4, 'N': 2}
    """
    return {dim: bound for dim, bound, _ in _factors(value, problem, at)}


def read_residuals(value: Any, problem: Problem, at: Where) -> dict[str, int]:
    """The bounds of the same loops in the last iteration of those outside them.

    >>> read_residuals("M4,1 N=2", Problem("p", ("M", "N"), (8, 2), ()), Where("mapping"))
    {'M': 1, 'N': 2}
    """
    return {dim: residual for dim, _, residual in _factors(value, problem, at)}


def _factors(value: Any, problem: Problem, at: Where) -> list[_Factor]:
    parts = [(value.strip(), at)] if isinstance(value, str) else items(value or [], at)
    found = []
    for part, place in parts:
        rest = str(part)
        while rest:
            factor = FACTOR.match(rest)
            held = value if isinstance(value, str) else part
            if factor is None or factor[1] not in problem.dims:
                word = re.split(r"[\s,]", rest)[0]
                what = f"the factor {word!r} is not one of {', '.join(problem.dims)} with a whole number"
                odd = next((dim for dim in problem.dims if not dim.isalpha() and word.startswith(dim)), "")
                hint = f"Timeloop reads letters alone as a name; give {odd} another in the problem" if odd else ""
                raise InputError(what, place.at(mark_of_word(held, word)), hint)
            if max(len(factor[2]), len(factor[3] or "")) > FACTOR_DIGITS:
                what = f"a factor of {factor[1]} has more than {FACTOR_DIGITS} digits; no problem is as large"
                raise InputError(what, place.at(mark_of_word(held, factor[0])))
            bound = int(factor[2]) or problem.bound(factor[1])
            residual = int(factor[3]) if factor[3] else bound
            if not 1 <= residual <= bound:
                what = f"the residual of {factor[0]} is not between 1 and {bound}"
                raise InputError(what, place.at(mark_of_word(held, factor[0])))
            found.append((factor[1], bound, residual))
            rest = rest[factor.end() :].lstrip(", \t\n")
    return found


def read_permutation(value: Any, problem: Problem, at: Where) -> list[str]:
    """Dimensions innermost first; those that are not listed follow in the problem's order."""
    letters = isinstance(value, str)
    listed = [(dim, at) for dim in dimensions_in(value, problem.dims)] if letters else items(value or [], at)
    order: list[str] = []
    for dim, place in listed:
        if dim not in problem.dims:
            what = f"the permutation names {dim!r}, which is not one of {', '.join(problem.dims)}"
            raise InputError(what, place)
        if dim in order:
            raise InputError(f"the permutation {value!r} names a dimension twice", place, f"name {dim} once")
        order.append(dim)
    return [*order, *(dim for dim in problem.dims if dim not in order)]


def _loops(entry: Node, problem: Problem, at: Where) -> list[_Factor]:
    factors, place = entry.get("factors"), inside(at, entry, "factors")
    bounds, residuals = read_factors(factors, problem, place), read_residuals(factors, problem, place)
    order = read_permutation(entry.get("permutation"), problem, inside(at, entry, "permutation"))
    return [(dim, bounds.get(dim, 1), residuals.get(dim, 1)) for dim in order]


def _complete(plans: list[_LevelPlan], architecture: Architecture, problem: Problem) -> LoopMapping:
    """Every level with all dimensions in time, and across its fanout where it has one."""
    loops: list[Loop] = []
    factors: list[_Factor] = []
    trivial = [(dim, 1, 1) for dim in problem.dims]
    outermost = len(plans) - 1
    for level, (plan, fanout) in enumerate(zip(plans, architecture.fanouts, strict=True)):
        spatial = plan.spatial or trivial
        if fanout[0] * fanout[1] > 1:
            for position, factor in enumerate(spatial):
                kind: LoopKind = "x" if plan.split is None or position < plan.split else "y"
                loops.append(Loop(level, factor[0], kind))
                factors.append(factor)
        elif any(bound > 1 for _, bound, _ in spatial):
            at = plan.spatial_at or Where("mapping", architecture.levels[level].name)
            raise InputError("it has spatial factors but no fanout", at, "it feeds one instance only")
        for factor in plan.temporal or trivial:
            loops.append(Loop(level, factor[0], "temporal"))
            factors.append(factor)
    names = frozenset(tensor.name for tensor in problem.tensors)
    # the outermost level keeps everything, whatever the document says (Timeloop: mapping parser)
    keeps = tuple(names if i == outermost else names - plan.bypass for i, plan in enumerate(plans))
    perfect = all(bound == residual for _, bound, residual in factors)
    residuals = None if perfect else tuple(residual for *_, residual in factors)
    return LoopMapping(_nest(plans, loops, keeps), tuple(bound for _, bound, _ in factors), residuals)


def _nest(plans: list[_LevelPlan], loops: list[Loop], keeps: tuple[frozenset[str], ...]) -> LoopNest:
    """The nest with the flags of every level; a flag that nobody raises is not listed at all."""

    def names(*places: tuple[str, str]) -> tuple[frozenset[str], ...]:
        # as in Timeloop's parser, no_reuse of a temporal block goes before no_temporal_reuse
        found = tuple(frozenset(next((p.flags[key] for key in places if key in p.flags), ())) for p in plans)
        return found if any(found) else ()

    return LoopNest(
        tuple(loops),
        keeps,
        no_link_transfer=names(("spatial", "no_link_transfer")) or tuple(frozenset() for _ in plans),
        streams=names(("datatype", "stream")),
        no_multicast=names(("spatial", "no_reuse")),
        no_temporal_reuse=names(("temporal", "no_reuse"), ("temporal", "no_temporal_reuse")),
        rmw_first_update=names(("temporal", "rmw_first_update")),
    )
