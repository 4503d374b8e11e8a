"""What a design and the factors of its mappings must obey before anything is counted."""

import numpy as np

from crisp_hw.engine.content import shape_of
from crisp_hw.engine.tiling import Bool, Int
from crisp_hw.errors import InputError, Where
from crisp_hw.spec.design import Design
from crisp_hw.spec.mapping import LoopNest
from crisp_hw.spec.patterns import Banded
from crisp_hw.spec.problem import Problem, Tensor

WIDEST_BAND = 2**30  # Timeloop adds rows and widths in 32 bits


def check(design: Design, nest: LoopNest, bounds: Int, residuals: Int) -> None:
    """InputError where the factors int64[L, b] do not make the problem, or the design asks for what is not modelled."""
    check_design(design, nest)
    for dim in design.problem.dims:
        _check_factors(design, nest, (bounds, residuals), dim)


def check_design(design: Design, nest: LoopNest) -> None:
    """InputError where the design asks for what is not modelled, or a level keeps too little."""
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
