"""What Timeloop's documents cannot say of a design point: tensors by mask, blocks or lines, and position skipping."""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import BaseModel, ConfigDict

from crisp_hw.errors import InputError
from crisp_hw.results.densities import Blobs, Count, ShapedEntry, shaped_density, shaped_entry
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.patterns import ByShape, Density
from crisp_hw.spec.problem import FULL, Tensor
from crisp_hw.spec.sparse import ActionOptimization, Condition


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ActionEntry(_Strict):
    """One position skipping: a level, and the targets whose nonzeros it packs."""

    level: str
    targets: list[str]
    at: Count  # its place among the actions of the design


class Beyond(_Strict):
    """The densities of tensors by name, and the position skippings; the documents hold everything else."""

    densities: dict[str, ShapedEntry]
    position_skipping: list[ActionEntry]


def split(point: DesignPoint) -> tuple[DesignPoint, Beyond | None, Blobs]:
    """A point that documents can hold, and what it lacks then (None: nothing); `restored` is the way back.

    Its tensors that are beyond the documents are full there.

    >>> import numpy as np
    >>> from crisp_hw.spec.arch import Architecture, ComputeLevel
    >>> from crisp_hw.spec.mapping import LoopMapping, LoopNest
    >>> from crisp_hw.spec.patterns import Actual
    >>> from crisp_hw.spec.problem import Problem, Term
    >>> a = Tensor("A", ((Term("K"),),), density=Actual(np.array([True, False, True])))
    >>> design = Design(Architecture((), ComputeLevel()), Problem("sum", ("K",), (3,), (a,)))
    >>> plain, beyond, blobs = split(DesignPoint(design, LoopMapping(LoopNest((), ()), ())))
    >>> plain.design.problem.tensor("A").density, list(blobs.values())
    (FixedStructured(density=1.0), [b'\\xa0'])
    """
    design = point.design
    densities: dict[str, ShapedEntry] = {}
    blobs: dict[str, bytes] = {}
    for tensor in design.problem.tensors:
        if isinstance(tensor.density, ByShape):
            densities[tensor.name] = shaped_entry(tensor.density, blobs)
    packs = [
        ActionEntry(level=action.level, targets=[option.target for option in action.options], at=at)
        for at, action in enumerate(design.sparse.actions)
        if action.kind == "position_skipping"
    ]
    if not densities and not packs:
        return point, None, {}
    kept = tuple(action for action in design.sparse.actions if action.kind != "position_skipping")
    plain = _with_densities(design, dict.fromkeys(densities, FULL))
    plain = replace(plain, sparse=replace(design.sparse, actions=kept))
    return replace(point, design=plain), Beyond(densities=densities, position_skipping=packs), blobs


def restored(point: DesignPoint, beyond: Beyond | None, blobs: Blobs) -> DesignPoint:
    """A point of documents with what is beyond them; InputError where that does not fit the documents."""
    if beyond is None:
        return point
    problem, sparse = point.design.problem, point.design.sparse
    if unknown := beyond.densities.keys() - {tensor.name for tensor in problem.tensors}:
        raise InputError(f"{problem.name}: a density for {min(unknown)}, which is no tensor of it")
    design = _with_densities(
        point.design,
        {
            name: _density(problem.tensor(name), _extents(point.design, name), entry, blobs)
            for name, entry in beyond.densities.items()
        },
    )
    actions = list(sparse.actions)
    levels = {level.name for level in design.architecture.levels}
    for each in beyond.position_skipping:
        if each.level not in levels or not set(each.targets) <= {tensor.name for tensor in problem.tensors}:
            raise InputError(f"{problem.name}: position skipping of {each.targets} at {each.level}, which it has not")
        conditions = tuple(Condition(target, ()) for target in each.targets)
        actions.insert(each.at, ActionOptimization(each.level, "position_skipping", conditions))
    return replace(point, design=replace(design, sparse=replace(sparse, actions=tuple(actions))))


def _density(tensor: Tensor, extents: tuple[int, ...], entry: ShapedEntry, blobs: Blobs) -> ByShape:
    if tuple(entry.shape) != extents:
        raise InputError(f"{tensor.name}: a density of shape {entry.shape} for a tensor of {list(extents)}")
    return shaped_density(entry, blobs)


def _extents(design: Design, name: str) -> tuple[int, ...]:
    """Words of a tensor along each rank."""
    problem = design.problem
    ranks = problem.tensor(name).ranks
    return tuple(1 + sum(term.coefficient * (problem.bound(term.dim) - 1) for term in rank) for rank in ranks)


def _with_densities(design: Design, densities: Mapping[str, Density]) -> Design:
    tensors = tuple(
        replace(tensor, density=densities.get(tensor.name, tensor.density)) for tensor in design.problem.tensors
    )
    return replace(design, problem=replace(design.problem, tensors=tensors))
