"""The `architecture_constraints` and `mapspace_constraints` documents, in the flattened form, to constraints."""

import re
from dataclasses import replace
from typing import Any, Literal

from crisp_hw.errors import InputError
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.timeloop.fields import Node, known, mapping, required, sequence, text, underscored, whole

DOCUMENTS = ("architecture_constraints", "mapspace_constraints")
BYPASS_TYPES = ("bypass", "datatype", "dataspace", "bypassing")
RELATIONS: dict[str, Literal["=", "<=", ">="]] = {"": "=", "=": "=", "<=": "<=", ">=": ">="}


def read_constraints(documents: Any, design: Design) -> Constraints:
    """What a set of documents (a dict by document name) lets a mapper choose; without such a document, everything.

    As in Timeloop (src/mapping/constraints.cpp) a level or dimension that is not named is free, `X=0` is the full
    bound, dimensions missing in a permutation follow in any order, and without a split x and y are free. Unlike
    Timeloop's mapper this one never chooses what a level keeps: a level without an entry of type bypass keeps all
    tensors, an entry that leaves a tensor out is refused, and so is everything else that is not modelled
    (InputError, which names the document, the level and the key).

    >>> from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
    >>> from crisp_hw.spec.problem import Problem
    >>> design = Design(Architecture((StorageLevel("RF"),), ComputeLevel()), Problem("p", ("M", "K"), (4, 4), ()))
    >>> target = {"target": "RF", "type": "temporal", "factors": "K=1 M<=2", "permutation": "K"}
    >>> read_constraints({"architecture_constraints": {"targets": [target]}}, design).levels[0].factors["M"]
    Factor(relation='<=', value=2)
    """
    root = underscored(mapping(documents, "documents"))
    constraints = Constraints()
    for name in DOCUMENTS:
        for entry in _targets(root.get(name), name):
            constraints = _with_entry(constraints, mapping(entry, name), design, name)
    return constraints


def _targets(document: Any, name: str) -> list[Any]:
    if document is None:
        return []
    if isinstance(document, list):
        return document
    node = mapping(document, name)
    known(node, ("targets", "version"), name)
    return sequence(required(node, "targets", name), f"{name}.targets")


def _with_entry(constraints: Constraints, entry: Node, design: Design, name: str) -> Constraints:
    levels = [level.name for level in design.architecture.levels]
    target = text(required(entry, "target", name), f"{name}.target")
    if target not in levels:
        raise InputError(f"{name}: the architecture has no level {target!r}; it has {', '.join(levels)}")
    kind = text(required(entry, "type", f"{name} of {target}"), f"{name} of {target}.type")
    where = f"{name} of {target}, {kind}"
    if kind in BYPASS_TYPES:
        if target in constraints.keeps:
            raise InputError(f"{where}: given twice; merge the two entries")
        return replace(constraints, keeps={**constraints.keeps, target: _kept(entry, design, where)})
    if kind == "temporal":
        return _with_block(constraints, _block(entry, "temporal", design, where), where)
    if kind == "spatial":
        return _with_block(constraints, _block(entry, "spatial", design, where), where)
    raise InputError(f"{where}: the type is not one of temporal, spatial, {', '.join(BYPASS_TYPES)}; leave it out")


def _kept(entry: Node, design: Design, where: str) -> frozenset[str]:
    """The tensors that a level keeps; the outermost level keeps all, whatever is listed for the others."""
    known(entry, ("target", "type", "keep", "bypass"), where)
    names = [tensor.name for tensor in design.problem.tensors]
    keep, bypass = (_tensors(entry, key, design, where) for key in ("keep", "bypass"))
    if both := sorted(set(keep) & set(bypass)):
        raise InputError(f"{where}: {', '.join(both)} is both kept and bypassed; choose one")
    outermost = entry["target"] == design.architecture.levels[-1].name
    if outermost and bypass:
        raise InputError(f"{where}: the outermost level must keep {', '.join(bypass)}; drop the bypass")
    open_names = [name for name in names if name not in (*keep, *bypass)]
    if open_names and not outermost:
        raise InputError(f"{where}: neither keeps nor bypasses {', '.join(open_names)}; name it, it is not searched")
    return frozenset(names) - frozenset(bypass)


def _tensors(entry: Node, key: str, design: Design, where: str) -> list[str]:
    names = [tensor.name for tensor in design.problem.tensors]
    listed = [text(name, f"{where}.{key}") for name in sequence(entry.get(key) or [], f"{where}.{key}")]
    if unknown := [name for name in listed if name not in names]:
        raise InputError(f"{where}: the problem has no tensor {unknown[0]}; it has {', '.join(names)}")
    return listed


def _block(entry: Node, kind: Literal["temporal", "spatial"], design: Design, where: str) -> LevelConstraint:
    keys = ("target", "type", "factors", "permutation")
    known(entry, (*keys, "split", "no_link_transfer") if kind == "spatial" else keys, where)
    split = whole(entry["split"], f"{where}.split") if "split" in entry else None
    order = _order(entry.get("permutation"), design, where)
    factors = _factors(entry.get("factors"), design, where)
    unlinked = frozenset(_tensors(entry, "no_link_transfer", design, where))
    return LevelConstraint(entry["target"], kind, factors, order, True, split, unlinked)


def _factors(value: Any, design: Design, where: str) -> dict[str, Factor]:
    """`"K=1 N<=64 M4"` as factors; a comment begins at `#`."""
    line = value if isinstance(value, str) else " ".join(map(str, sequence(value or [], f"{where}.factors")))
    found: dict[str, Factor] = {}
    for part in re.split(r"[\s,]+", re.sub(r"\s*(<=|>=|=)\s*", r"\1", line.split("#")[0].strip())):
        if not part:
            continue
        match = re.fullmatch(r"([A-Za-z]+)(<=|>=|=|)(\d+)", part)
        if match is None or match[1] not in design.problem.dims:
            dims = ", ".join(design.problem.dims)
            raise InputError(f"{where}: the factor {part!r} is not one of {dims} with =, <= or >= and a whole number")
        if match[1] in found:
            raise InputError(f"{where}: two factors for dimension {match[1]}; give one")
        found[match[1]] = Factor(RELATIONS[match[2]], int(match[3]))
    return found


def _order(value: Any, design: Design, where: str) -> tuple[str, ...]:
    listed = re.sub(r"[\s,]+", "", value.split("#")[0]) if isinstance(value, str) else sequence(value or [], where)
    if unknown := [dim for dim in listed if dim not in design.problem.dims]:
        dims = ", ".join(design.problem.dims)
        raise InputError(f"{where}: the permutation names {unknown[0]!r}, which is not one of {dims}")
    return tuple(listed)


def _with_block(constraints: Constraints, new: LevelConstraint, where: str) -> Constraints:
    """Two entries for one block are put together; what both give is refused."""
    old = next((c for c in constraints.levels if (c.level, c.kind) == (new.level, new.kind)), None)
    if old is None:
        return replace(constraints, levels=(*constraints.levels, new))
    twice = sorted(set(old.factors) & set(new.factors))
    clashes = [f"factor {dim}" for dim in twice]
    clashes += ["permutation"] if old.permutation and new.permutation else []
    clashes += ["split"] if old.split is not None and new.split is not None else []
    if clashes:
        raise InputError(f"{where}: {', '.join(clashes)} given twice; keep one")
    split = new.split if old.split is None else old.split
    factors, unlinked = {**old.factors, **new.factors}, old.no_link_transfer | new.no_link_transfer
    order = old.permutation or new.permutation
    merged = LevelConstraint(new.level, new.kind, factors, order, True, split, unlinked)
    return replace(constraints, levels=tuple(merged if c is old else c for c in constraints.levels))
