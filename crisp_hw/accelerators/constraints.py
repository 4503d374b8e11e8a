"""`constraints` of an architecture file, as the mapper's."""

from collections.abc import Mapping
from typing import Literal

from crisp_hw.accelerators.schema import Constraint
from crisp_hw.spec.arch import Architecture
from crisp_hw.spec.constraints import Constraints, Factor, LevelConstraint
from crisp_hw.spec.runs import ProblemKind, dims_of


def constraints_of(
    architecture: Architecture, given: Mapping[str, Constraint], problem: ProblemKind = "gemm"
) -> Constraints:
    """What the mappings of a problem obey; every level has a constraint (rules).

    Dimensions that the problem does not have are those of other cases of the file.
    """
    dims, levels = dims_of(problem), list[LevelConstraint]()
    for level, fanout in zip(architecture.levels, architecture.fanouts, strict=True):
        rule = given[level.name]
        if fanout != (1, 1):
            levels.append(_spatial(level.name, rule, fanout, dims))
        out = f"not in constraints.{level.name}.temporal"
        closed = {dim: Factor("=", 1, out) for dim in dims if dim not in rule.temporal}
        free = rule.order == "free"
        order = tuple(dim for dim in (rule.inner if free else rule.temporal) if dim in dims)
        levels.append(LevelConstraint(level.name, "temporal", closed, order, order_free=free))
    return Constraints(tuple(levels), {name: frozenset(rule.keep) for name, rule in given.items()})


def _spatial(name: str, rule: Constraint, fanout: tuple[int, int], dims: tuple[str, ...]) -> LevelConstraint:
    """`fill`: the one dimension of an axis takes all its children; `share`: each may take up to all of them."""
    relation: Literal["=", "<="] = "=" if rule.spatial == "fill" else "<="
    x, y = ([dim for dim in named if dim in dims] for named in (rule.x, rule.y))
    open_: dict[str, Factor] = {
        dim: Factor(relation, size, f"{size} children along {axis}, spatial: {rule.spatial}")
        for axis, named, size in zip("xy", (x, y), fanout, strict=True)
        for dim in named
    }
    closed = {dim: Factor("=", 1, f"not in constraints.{name}.x or y") for dim in dims if dim not in open_}
    return LevelConstraint(
        name,
        "spatial",
        {**closed, **open_},
        (*x, *y),
        split=len(x),
        no_link_transfer=frozenset(rule.no_link_transfer),
        no_multicast=frozenset(rule.no_multicast),
    )
