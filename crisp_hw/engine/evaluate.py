"""A design and its mappings to cycles, energy and a verdict: many at once, or one with every count."""

from dataclasses import dataclass, replace

import numpy as np

from crisp_hw.engine.arrays import Bool, Float, Int, distinct, mover, on_host
from crisp_hw.engine.content import shape_of
from crisp_hw.engine.counted import Counted, counted_of
from crisp_hw.engine.result import report
from crisp_hw.engine.safs import AmbiguousChoice
from crisp_hw.engine.tiling import Tiling
from crisp_hw.engine.validity import RuleCheck, RuleKey, broken_rules, certain
from crisp_hw.errors import InputError, Where
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.mapping import LoopNest
from crisp_hw.spec.patterns import Banded
from crisp_hw.spec.problem import Problem, Tensor
from crisp_hw.spec.result import Result, unmapped
from crisp_hw.spec.rules import Unmappable

CHUNK = {True: 8192, False: 2**20}  # mappings at a time: what stays in the caches of a CPU; what fills a GPU
WIDEST_BAND = 2**30  # Timeloop adds rows and widths in 32 bits


@dataclass(frozen=True)
class Batch:
    """Verdict, cycles and energy of a batch of mappings, [b] each; `failures` lists the rules that were broken."""

    valid: Bool
    cycles: Int
    energy_pj: Float
    failures: tuple[RuleCheck, ...] = ()


def evaluate_batch(
    design: Design, nest: LoopNest, bounds: Int, residuals: Int | None = None, device: str = "numpy"
) -> Batch:
    """Evaluate mappings that share a nest: `bounds` is int64[b, L], the bound of each loop, innermost first.

    `residuals`, of the same shape, are for imperfect factors (see `spec.mapping.Mapping`); mappings that have any are
    walked one by one, which is slow. Every number of a batch equals that of the mapping evaluated alone, on every
    `device` (`arrays.DEVICES`). Raises InputError where the bounds do not multiply to the problem, the device is not
    there, or the design asks for something that the model does not know.
    """
    here = np.ascontiguousarray(bounds.T, dtype=np.int64)
    rest = here if residuals is None else np.ascontiguousarray(residuals.T, dtype=np.int64)
    _check(design, nest, here, rest)
    count = here.shape[1]
    valid = np.zeros(count, dtype=bool)
    cycles, energy = np.zeros(count, dtype=np.int64), np.zeros(count)
    failures: dict[RuleKey, RuleCheck] = {}
    for rows in _same_structure(here, rest, CHUNK[device == "numpy"]):
        for part_rows, counted in _evaluate_rows(design, nest, (here, rest), rows, device):
            if isinstance(counted, Unmappable):
                _merge(failures, certain(counted.failure, len(part_rows)), part_rows, count)
                continue
            cycles[part_rows], energy[part_rows] = on_host(counted.cycles), on_host(counted.energy_pj)
            valid[part_rows] = True
            for check in broken_rules(counted):
                valid[part_rows] &= ~check.failed
                _merge(failures, check, part_rows, count)
    return Batch(valid, cycles, energy, tuple(failures.values()))


def evaluate(point: DesignPoint) -> Result:
    """Evaluate one design point and report every count.

    Raises InputError as `evaluate_batch`; an invalid mapping is a Result whose `reasons` say why.
    """
    counted = evaluate_point(point)
    if isinstance(counted, Unmappable):
        return unmapped((counted.failure,), point.assumptions)
    return report(counted, broken_rules(counted), point.assumptions)


def evaluate_point(point: DesignPoint) -> Counted | Unmappable:
    """Everything that lies behind the Result of one design point, or why a format does not fit its mapping.

    Raises InputError as `evaluate_batch`.
    """
    mapping = point.mapping
    bounds = np.array(mapping.bounds, dtype=np.int64)[:, None]
    residuals = bounds if mapping.residuals is None else np.array(mapping.residuals, dtype=np.int64)[:, None]
    _check(point.design, mapping.nest, bounds, residuals)
    ((_, counted),) = _evaluate_rows(point.design, mapping.nest, (bounds, residuals), np.array([0]))
    return counted


def _check(design: Design, nest: LoopNest, bounds: Int, residuals: Int) -> None:
    for dim in design.problem.dims:
        _check_factors(design, nest, (bounds, residuals), dim)
    for tensor in design.problem.tensors:
        if not any(tensor.name in keeps for keeps in nest.keeps):
            raise InputError(f"no level keeps tensor {tensor.name}", Where("mapping"), "let one keep it")
        if design.sparse.active or not isinstance(tensor.density, Banded):
            _check_shape(design.problem, tensor)
    for (fan_x, fan_y), level in zip(design.architecture.fanouts, design.architecture.levels, strict=True):
        if fan_x < 1 or fan_y < 1:
            at = Where("architecture", level.name)
            raise InputError("it has a wider mesh than the level inside it", at, "widen that one")


def _check_shape(problem: Problem, tensor: Tensor) -> None:
    """A density that knows its tensor must belong to this one, whose tiles must not overlap."""
    shape = shape_of(tensor.density)
    if shape is None and not isinstance(tensor.density, Banded):
        return
    if any(len(rank) != 1 or abs(rank[0].coefficient) != 1 for rank in tensor.ranks):
        raise InputError(
            f"{problem.name} gives it ranks of several terms, whose tiles overlap",
            Where("problem", tensor.name),
            "a density by mask blocks or band needs a tensor with one dimension per rank",
        )
    extents = tuple(problem.bound(rank[0].dim) for rank in tensor.ranks)
    if isinstance(tensor.density, Banded):
        _check_band(problem, tensor.name, tensor.density.band_width, extents)
    elif shape is not None and extents != shape:
        raise InputError(
            f"it is {' x '.join(map(str, extents))} words in {problem.name}, but its density is for "
            f"{' x '.join(map(str, shape))}",
            Where("problem", tensor.name),
            "give the mask in the problem's coordinates",
        )


def _check_band(problem: Problem, name: str, width: int, extents: tuple[int, ...]) -> None:
    """Timeloop: banded-distribution.cpp, SetWorkloadTensorSize, with the width in 32 bits."""
    if len(extents) != 2 or extents[0] != extents[1] or not 0 <= width < WIDEST_BAND:
        raise InputError(
            f"it is {' x '.join(map(str, extents))} words in {problem.name} with a band of {width} beside the diagonal",
            Where("problem", name),
            "a banded tensor is a square matrix, and its band no wider",
        )


def _check_factors(design: Design, nest: LoopNest, factors: tuple[Int, Int], dim: str) -> None:
    """The loops over a dimension must count to its size, as digits of bounds of which the last number is all residuals.

    Bounds and residuals are int64[L, b].
    Timeloop: mapping/parser.cpp, and nest-analysis.cpp InitNumSpatialElems for the residual of a spatial loop.
    """
    problem = design.problem
    (bounds, residuals), size = factors, problem.bound(dim)
    columns = [j for j, loop in enumerate(nest.loops) if loop.dim == dim]
    if residuals is bounds and (bounds[columns].min(initial=1) > 0) and (bounds[columns].prod(axis=0) == size).all():
        return
    if ((residuals < 1) | (residuals > bounds))[columns].any():
        raise InputError(
            f"a residual of {dim} is not between 1 and the factor", Where("mapping", key=f"factors.{dim}"), "make it so"
        )
    last = np.zeros(bounds.shape[1], dtype=np.int64)
    outside = np.zeros(bounds.shape[1], dtype=bool)
    for j in reversed(columns):
        last = last * bounds[j] + residuals[j] - 1
        if nest.loops[j].kind != "temporal" and ((residuals[j] < bounds[j]) & ~outside).any():
            level = design.architecture.levels[nest.loops[j].level].name
            raise InputError(
                f"the residual of the spatial loop over {dim} needs a loop over {dim} outside it",
                Where("mapping", level, f"factors.{dim}"),
                "give the loop its residual as its factor",
            )
        outside |= (bounds[j] > 1) | (_stands_in(nest, bounds, j) & (dim == problem.dims[-1]))
    if (last + 1 != size).any():
        raise InputError(
            f"the factors of {dim} multiply to {last[last + 1 != size][0] + 1}, but the problem has {dim} = {size}",
            Where("mapping", key=f"factors.{dim}"),
            f"change a factor, or give one a residual ({dim}=5,3: 3 in the last round)",
        )


def _stands_in(nest: LoopNest, bounds: Int, j: int) -> Bool:
    """Is j the loop that Timeloop keeps for a level without any loop in time, one over the last dimension?"""
    level = nest.loops[j].level
    here = [k for k, loop in enumerate(nest.loops) if loop.level == level and loop.kind == "temporal"]
    idle: Bool = (bounds[here] == 1).all(axis=0) & (j in here)
    return idle


def _same_structure(bounds: Int, residuals: Int, most: int) -> list[Int]:
    """Indices of mappings, at most `most` at a time, grouped by which loops do something and whether one is ragged."""
    if bounds.shape[1] == 1:
        return [np.array([0])]
    flags = bounds > 1
    if residuals is not bounds:
        flags = np.concatenate([flags, (residuals != bounds).any(axis=0, keepdims=True)])
    if (flags == flags[:, :1]).all():
        groups = [np.arange(bounds.shape[1])]
    else:
        packed = np.packbits(flags, axis=0).astype(np.int64)
        _, which = distinct(list(packed))
        order = np.argsort(which, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(which[order])) + 1)
    return [rows[start : start + most] for rows in groups for start in range(0, len(rows), most)]


def _evaluate_rows(
    design: Design, nest: LoopNest, factors: tuple[Int, Int], rows: Int, device: str | None = None
) -> list[tuple[Int, Counted | Unmappable]]:
    bounds, residuals = factors
    whole = len(rows) == bounds.shape[1]
    here, rest = (each if whole else np.ascontiguousarray(each[:, rows]) for each in factors)
    perfect = residuals is bounds or bool((here == rest).all())
    weighed = any(len(action.options) > 1 for action in design.sparse.actions)  # by entries, with bits or without
    here, costs_only = mover(device or "numpy")(here), device is not None and not weighed
    tiling = Tiling(
        design.problem, design.architecture, nest, here, None if perfect else rest, design.rules, costs_only
    )
    try:
        return [(rows, counted_of(design, tiling))]
    except AmbiguousChoice as ambiguous:
        parts = [rows[ambiguous.choice == choice] for choice in np.unique(ambiguous.choice)]
        return [found for part_rows in parts for found in _evaluate_rows(design, nest, factors, part_rows, device)]
    except Unmappable as error:
        return [(rows, error)]


def _merge(found: dict[RuleKey, RuleCheck], new: RuleCheck, rows: Int, total: int) -> None:
    """Scatter a rule that some rows break into one over the whole batch."""
    into = found.get(new.key)
    if into is None:
        need, have = (None if each is None else np.zeros(total) for each in (new.need, new.have))
        into = found[new.key] = replace(new, failed=np.zeros(total, dtype=bool), need=need, have=have)
    into.failed[rows] = new.failed
    for whole, part in ((into.need, new.need), (into.have, new.have)):
        if whole is not None and part is not None:
            whole[rows] = part
