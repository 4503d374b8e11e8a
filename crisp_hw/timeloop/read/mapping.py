"""The `mapping` document: factors, permutations, bypasses, into a complete loop nest."""

import re
from dataclasses import dataclass, field
from typing import Any

from crisp_hw.errors import InputError
from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.dialect import RULES, Dialect
from crisp_hw.spec.mapping import Loop, LoopKind, LoopMapping, LoopNest
from crisp_hw.spec.problem import Problem
from crisp_hw.timeloop.yaml.fields import Node, dialect_only, known, mapping, required, sequence, text, whole

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


def read_mapping_document(
    document: Any, architecture: Architecture, problem: Problem, dialect: Dialect = "head"
) -> LoopMapping:
    """The complete nest and its bounds; InputError names the level and the directive."""
    index = {level.name: i for i, level in enumerate(architecture.levels)}
    plans = [_LevelPlan() for _ in architecture.levels]
    for entry in sequence(document, "mapping"):
        entry = mapping(entry, "mapping")
        name = text(required(entry, "target", "mapping"), "mapping.target")
        if name not in index:
            raise InputError(f"mapping: the architecture has no level {name!r}; it has {', '.join(index)}")
        if "stream" in entry:
            dialect_only(entry, "stream", RULES[dialect].streams, f"mapping of {name}")
        _read_directive(plans[index[name]], entry, problem, f"mapping of {name}")
    return _complete(plans, architecture, problem)


def _read_directive(plan: _LevelPlan, entry: Node, problem: Problem, where: str) -> None:
    kind = text(required(entry, "type", where), f"{where}.type")
    match kind:
        case "temporal" | "spatial":
            known(entry, (*KEYS, *FLAGS["spatial"], *FLAGS["temporal"], *REFUSED), where)
            for key, advice in REFUSED.items():
                if entry.get(key) and key not in FLAGS[kind]:
                    raise InputError(f"{where}: {key} in a {kind} block: {advice}")
            loops = _loops(entry, problem, where)
            if kind == "temporal":
                plan.temporal = loops
            else:
                plan.spatial, plan.split = loops, whole(entry.get("split", len(loops)), f"{where}.split")
            plan.flags |= {(kind, key): _names(entry[key], problem, where) for key in FLAGS[kind] if key in entry}
        case "bypass" | "datatype":
            known(entry, ("target", "type", "keep", "bypass", "stream"), where)
            plan.flags["datatype", "stream"] = _names(entry.get("stream"), problem, where)
            plan.bypass |= _names(entry.get("bypass"), problem, where)
            plan.bypass -= _names(entry.get("keep"), problem, where)
        case "max_overbooked_proportion":
            raise InputError(f"{where}: overbooking (tiles that fit most of the time) is not modelled; leave it out")
        case _:
            raise InputError(f"{where}: type {kind!r} is not temporal, spatial, bypass or datatype")


def _names(value: Any, problem: Problem, where: str) -> set[str]:
    names = {text(name, where) for name in sequence(value or [], where)}
    unknown = names - {tensor.name for tensor in problem.tensors}
    if unknown:
        raise InputError(f"{where}: the problem has no tensor {', '.join(sorted(unknown))}")
    return names


def read_factors(value: Any, problem: Problem, where: str) -> dict[str, int]:
    """`"M4 N=2 K0"` as a dict; 0 is the whole dimension. Residuals (`"K=5,3"`) are for `read_residuals`.

    >>> read_factors("M4 N=2", Problem("p", ("M", "N"), (8, 2), ()), "x")
    {'M': 4, 'N': 2}
    """
    return {dim: bound for dim, bound, _ in _factors(value, problem, where)}


def read_residuals(value: Any, problem: Problem, where: str) -> dict[str, int]:
    """The bounds of the same loops in the last iteration of those outside them.

    >>> read_residuals("M4,1 N=2", Problem("p", ("M", "N"), (8, 2), ()), "x")
    {'M': 1, 'N': 2}
    """
    return {dim: residual for dim, _, residual in _factors(value, problem, where)}


def _factors(value: Any, problem: Problem, where: str) -> list[_Factor]:
    parts = [value.strip()] if isinstance(value, str) else [str(part) for part in sequence(value or [], where)]
    found = []
    for part in parts:
        rest = part
        while rest:
            factor = FACTOR.match(rest)
            if factor is None or factor[1] not in problem.dims:
                word = re.split(r"[\s,]", rest)[0]
                raise InputError(
                    f"{where}: the factor {word!r} is not one of {', '.join(problem.dims)} with a whole number"
                )
            bound = int(factor[2]) or problem.bound(factor[1])
            residual = int(factor[3]) if factor[3] else bound
            if not 1 <= residual <= bound:
                raise InputError(f"{where}: the residual of {factor[0]} is not between 1 and {bound}")
            found.append((factor[1], bound, residual))
            rest = rest[factor.end() :].lstrip(", \t\n")
    return found


def read_permutation(value: Any, problem: Problem, where: str) -> list[str]:
    """Dimensions innermost first; those that are not listed follow in the problem's order."""
    listed = list(re.sub(r"[\s,]+", "", value)) if isinstance(value, str) else sequence(value or [], where)
    if unknown := [dim for dim in listed if dim not in problem.dims]:
        raise InputError(
            f"{where}: the permutation names {unknown[0]!r}, which is not one of {', '.join(problem.dims)}"
        )
    if len(set(listed)) != len(listed):
        raise InputError(f"{where}: the permutation {value!r} names a dimension twice")
    return [*listed, *(dim for dim in problem.dims if dim not in listed)]


def _loops(entry: Node, problem: Problem, where: str) -> list[_Factor]:
    bounds = read_factors(entry.get("factors"), problem, f"{where}.factors")
    residuals = read_residuals(entry.get("factors"), problem, f"{where}.factors")
    order = read_permutation(entry.get("permutation"), problem, f"{where}.permutation")
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
            name = architecture.levels[level].name
            raise InputError(f"mapping of {name}: it has spatial factors but no fanout; it feeds one instance only")
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
