"""The `mapping` document: factors, permutations, bypasses, into a complete loop nest."""

import re
from dataclasses import dataclass, field
from typing import Any

from crisp_hw.errors import InputError
from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.mapping import Loop, LoopKind, LoopNest, Mapping
from crisp_hw.spec.problem import Problem
from crisp_hw.timeloop.fields import Node, known, mapping, required, sequence, text, whole

FLAGS_NOT_MODELLED = ("no_reuse", "no_multicast", "no_temporal_reuse", "rmw_first_update", "no_coalesce")


@dataclass
class _LevelPlan:
    """What the document says of one level, before defaults."""

    temporal: list[tuple[str, int]] | None = None
    spatial: list[tuple[str, int]] | None = None
    split: int | None = None
    bypass: set[str] = field(default_factory=set)
    no_link: set[str] = field(default_factory=set)


def read_mapping_document(document: Any, architecture: Architecture, problem: Problem) -> Mapping:
    """The complete nest and its bounds; InputError names the level and the directive."""
    index = {level.name: i for i, level in enumerate(architecture.levels)}
    plans = [_LevelPlan() for _ in architecture.levels]
    for entry in sequence(document, "mapping"):
        entry = mapping(entry, "mapping")
        name = text(required(entry, "target", "mapping"), "mapping.target")
        if name not in index:
            raise InputError(f"mapping: the architecture has no level {name!r}; it has {', '.join(index)}")
        _read_directive(plans[index[name]], entry, problem, f"mapping of {name}")
    return _complete(plans, architecture, problem)


def _read_directive(plan: _LevelPlan, entry: Node, problem: Problem, where: str) -> None:
    kind = text(required(entry, "type", where), f"{where}.type")
    match kind:
        case "temporal" | "spatial":
            keys = ("target", "type", "factors", "permutation", "split", "no_link_transfer", *FLAGS_NOT_MODELLED)
            known(entry, keys, where)
            for key in FLAGS_NOT_MODELLED:
                if entry.get(key):
                    raise InputError(f"{where}: {key} is not modelled yet; leave it out")
            loops = _loops(entry, problem, where)
            if kind == "temporal":
                plan.temporal = loops
            else:
                plan.spatial, plan.split = loops, whole(entry.get("split", len(loops)), f"{where}.split")
            plan.no_link |= _names(entry.get("no_link_transfer"), problem, where)
        case "bypass" | "datatype":
            known(entry, ("target", "type", "keep", "bypass"), where)
            plan.bypass |= _names(entry.get("bypass"), problem, where)
            plan.bypass -= _names(entry.get("keep"), problem, where)
        case _:
            raise InputError(f"{where}: type {kind!r} is not temporal, spatial, bypass or datatype")


def _names(value: Any, problem: Problem, where: str) -> set[str]:
    names = {text(name, where) for name in sequence(value or [], where)}
    unknown = names - {tensor.name for tensor in problem.tensors}
    if unknown:
        raise InputError(f"{where}: the problem has no tensor {', '.join(sorted(unknown))}")
    return names


def read_factors(value: Any, problem: Problem, where: str) -> dict[str, int]:
    """`"M4 N=2 K0"` as a dict; 0 is the whole dimension.

    >>> read_factors("M4 N=2", Problem("p", ("M", "N"), (8, 2), ()), "x")
    {'M': 4, 'N': 2}
    """
    parts = re.split(r"[\s,]+", value.strip()) if isinstance(value, str) else sequence(value or [], where)
    factors = {}
    for part in filter(None, parts):
        found = re.fullmatch(r"([A-Za-z]+)=?(\d+)", str(part))
        if found is None or found[1] not in problem.dims:
            raise InputError(
                f"{where}: the factor {part!r} is not one of {', '.join(problem.dims)} with a whole number"
            )
        factors[found[1]] = int(found[2]) or problem.bound(found[1])
    return factors


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


def _loops(entry: Node, problem: Problem, where: str) -> list[tuple[str, int]]:
    factors = read_factors(entry.get("factors"), problem, f"{where}.factors")
    order = read_permutation(entry.get("permutation"), problem, f"{where}.permutation")
    return [(dim, factors.get(dim, 1)) for dim in order]


def _complete(plans: list[_LevelPlan], architecture: Architecture, problem: Problem) -> Mapping:
    """Every level with all dimensions in time, and across its fanout where it has one."""
    loops: list[Loop] = []
    bounds: list[int] = []
    trivial = [(dim, 1) for dim in problem.dims]
    outermost = len(plans) - 1
    for level, (plan, fanout) in enumerate(zip(plans, architecture.fanouts, strict=True)):
        spatial = plan.spatial or trivial
        if fanout[0] * fanout[1] > 1:
            for position, (dim, bound) in enumerate(spatial):
                kind: LoopKind = "x" if plan.split is None or position < plan.split else "y"
                loops.append(Loop(level, dim, kind))
                bounds.append(bound)
        elif any(bound > 1 for _, bound in spatial):
            name = architecture.levels[level].name
            raise InputError(f"mapping of {name}: it has spatial factors but no fanout; it feeds one instance only")
        for dim, bound in plan.temporal or trivial:
            loops.append(Loop(level, dim, "temporal"))
            bounds.append(bound)
    names = frozenset(tensor.name for tensor in problem.tensors)
    # the outermost level keeps everything, whatever the document says (Timeloop: mapping parser)
    keeps = tuple(names if i == outermost else names - plan.bypass for i, plan in enumerate(plans))
    return Mapping(LoopNest(tuple(loops), keeps, tuple(frozenset(plan.no_link) for plan in plans)), tuple(bounds))
