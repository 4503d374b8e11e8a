"""A design and its mappings to cycles, energy and a verdict: many at once, or one with every count."""

from dataclasses import dataclass

import numpy as np

from crisp_hw.engine.outcome import report
from crisp_hw.engine.part import Part, evaluate_part
from crisp_hw.engine.safs import AmbiguousChoice
from crisp_hw.engine.tiling import Bool, Float, Int, Tiling
from crisp_hw.engine.verdict import Failure, broken_rules
from crisp_hw.errors import InputError, MappingError
from crisp_hw.spec.design import Design, DesignPoint
from crisp_hw.spec.mapping import LoopNest
from crisp_hw.spec.result import Result


@dataclass(frozen=True)
class Batch:
    """Verdict, cycles and energy of a batch of mappings, [b] each; `failures` lists the rules that were broken."""

    valid: Bool
    cycles: Int
    energy_pj: Float
    failures: tuple[Failure, ...] = ()


def evaluate_batch(design: Design, nest: LoopNest, bounds: Int) -> Batch:
    """Evaluate mappings that share a nest: `bounds` is int64[b, L], the bound of each loop, innermost first.

    Every number of a batch equals that of the mapping evaluated alone. Raises InputError where the bounds do not
    multiply to the problem, or the design asks for something that the model does not know.
    """
    bounds = np.ascontiguousarray(bounds, dtype=np.int64)
    _check(design, nest, bounds)
    valid = np.zeros(len(bounds), dtype=bool)
    cycles, energy = np.zeros(len(bounds), dtype=np.int64), np.zeros(len(bounds))
    failures: dict[tuple[str, str | None, str], Failure] = {}
    for rows in _same_structure(bounds):
        for part_rows, part in _evaluate_rows(design, nest, bounds, rows):
            if isinstance(part, MappingError):
                _merge(failures, _unmappable(part, len(part_rows)), part_rows, len(bounds))
                continue
            cycles[part_rows], energy[part_rows], valid[part_rows] = part.cycles, part.energy_pj, True
            for failure in broken_rules(part):
                valid[part_rows] &= ~failure.failed
                _merge(failures, failure, part_rows, len(bounds))
    return Batch(valid, cycles, energy, tuple(failures.values()))


def evaluate(point: DesignPoint) -> Result:
    """Evaluate one design point and report every count.

    Raises InputError as `evaluate_batch`; an invalid mapping is a Result whose `reasons` say why.
    """
    part = evaluate_point(point)
    if isinstance(part, MappingError):
        return Result(False, (str(part),), 0, 0.0, 0.0, None, (), point.assumptions)
    return report(part, broken_rules(part), point.assumptions)


def evaluate_point(point: DesignPoint) -> Part | MappingError:
    """Everything that lies behind the Result of one design point, or why a format does not fit its mapping.

    Raises InputError as `evaluate_batch`.
    """
    bounds = np.array([point.mapping.bounds], dtype=np.int64)
    _check(point.design, point.mapping.nest, bounds)
    ((_, part),) = _evaluate_rows(point.design, point.mapping.nest, bounds, np.array([0]))
    return part


def _check(design: Design, nest: LoopNest, bounds: Int) -> None:
    for dim, size in zip(design.problem.dims, design.problem.bounds, strict=True):
        columns = [j for j, loop in enumerate(nest.loops) if loop.dim == dim]
        product = bounds[:, columns].prod(axis=1)
        if (product != size).any():
            raise InputError(
                f"mapping: the factors of {dim} multiply to {product[product != size][0]}, but the problem has "
                f"{dim} = {size}; imperfect factors are not modelled yet"
            )
    for tensor in design.problem.tensors:
        if not any(tensor.name in keeps for keeps in nest.keeps):
            raise InputError(f"mapping: no level keeps tensor {tensor.name}; let one keep it")
    for (fan_x, fan_y), level in zip(design.architecture.fanouts, design.architecture.levels, strict=True):
        if fan_x < 1 or fan_y < 1:
            raise InputError(
                f"architecture: level {level.name} has a wider mesh than the level inside it; widen that one"
            )


def _same_structure(bounds: Int) -> list[Int]:
    """Row indices grouped by which loops do something."""
    if len(bounds) == 1:
        return [np.array([0])]
    packed = np.packbits(bounds > 1, axis=1)
    _, inverse = np.unique(packed, axis=0, return_inverse=True)
    order = np.argsort(inverse.ravel(), kind="stable")
    return np.split(order, np.flatnonzero(np.diff(inverse.ravel()[order])) + 1)


def _evaluate_rows(design: Design, nest: LoopNest, bounds: Int, rows: Int) -> list[tuple[Int, Part | MappingError]]:
    tiling = Tiling(design.problem, design.architecture, nest, np.ascontiguousarray(bounds[rows].T))
    try:
        return [(rows, evaluate_part(design, tiling))]
    except AmbiguousChoice as ambiguous:
        parts = [rows[ambiguous.choice == choice] for choice in np.unique(ambiguous.choice)]
        return [found for part in parts for found in _evaluate_rows(design, nest, bounds, part)]
    except MappingError as error:
        return [(rows, error)]


def _unmappable(error: MappingError, count: int) -> Failure:
    nothing = np.zeros(count)
    return Failure("", None, str(error), nothing + 1, nothing, nothing == 0)


def _merge(found: dict[tuple[str, str | None, str], Failure], new: Failure, rows: Int, total: int) -> None:
    """Scatter a failure of some rows into one over the whole batch."""
    key = (new.level, new.tensor, new.what)
    blank = Failure(*key, np.zeros(total), np.zeros(total), np.zeros(total, dtype=bool))
    into = found.setdefault(key, blank)
    into.need[rows], into.have[rows], into.failed[rows] = new.need, new.have, new.failed
