"""The mapspace that constraints leave: which factors every loop may take and which orders its block allows.

Perfect factors (every product of factors is the bound of its dimension), or with `Constraints.imperfect` also such as
make the last tile smaller (`imperfect`). What fits the hardware is not decided here: `fits` drops what certainly does
not fit, the engine judges the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crisp_hw.errors import InputError, MappingError, Where
from crisp_hw.mapper.factors import allowed, asked_of, rows_of
from crisp_hw.spec.arch import StorageLevel
from crisp_hw.spec.constraints import Constraints, LevelConstraint
from crisp_hw.spec.design import Design
from crisp_hw.spec.mapping import Loop, LoopNest

BlockKind = Literal["temporal", "spatial"]
FLAGS = ("no_link_transfer", "no_multicast", "no_temporal_reuse", "rmw_first_update")


@dataclass(frozen=True)
class LoopBlock:
    """The temporal or the spatial loops of one level (0 innermost), before their order is chosen.

    The dimensions of `fixed` come first (innermost) in that order, those of `free` follow in any order, those of
    `last` stand outermost in that order; `split` is the number of dimensions along x (None: free; no meaning in a
    temporal block).
    """

    level: int
    kind: BlockKind
    fixed: tuple[str, ...]
    free: tuple[str, ...]
    split: int | None = None
    last: tuple[str, ...] = ()


@dataclass(frozen=True)
class Space:
    """All mappings that constraints allow: `factors[dim]` is int64[f, len(blocks)], one factorization a row.

    `blocks` stand innermost first (a level's spatial block before its temporal block), `keeps[l]` are the tensors
    stored in level l, `no_link_transfer[l]` those that its network does not pass between neighbours; the other flags
    are those of a `LoopNest` (`loop_nest` makes one). A mapping uses at least the share `parallelism` of all lanes, and
    in level l at least `least_words[l]` words (`admit.admitted`).
    """

    design: Design
    constraints: Constraints
    blocks: tuple[LoopBlock, ...]
    factors: Mapping[str, NDArray[np.int64]]
    keeps: tuple[frozenset[str], ...]
    no_link_transfer: tuple[frozenset[str], ...]
    no_multicast: tuple[frozenset[str], ...] = ()
    no_temporal_reuse: tuple[frozenset[str], ...] = ()
    rmw_first_update: tuple[frozenset[str], ...] = ()
    parallelism: float = 0.0
    least_words: tuple[int, ...] = ()

    @property
    def imperfect(self) -> bool:
        """May the last tile of a dimension be smaller?"""
        return self.constraints.imperfect

    @property
    def size(self) -> int:
        """Number of ways to factorize all dimensions; orders and what does not fit are not counted."""
        return prod(len(table) for table in self.factors.values())


def enumerate_space(design: Design, constraints: Constraints) -> Space:
    """All factorizations, orders and splits that `constraints` leave of a design's mapspace.

    A level or dimension that no constraint names is free; a factor of 0 means the full bound. What levels keep must be
    settled: `bypass.spaces` has one space per choice. InputError when a constraint names what the design does not have
    or leaves a choice open, MappingError when a dimension cannot be factorized at all. Meaning of the constraints:
    Timeloop, src/mapping/constraints.cpp and src/mapspaces/subspaces.cpp.

    >>> from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
    >>> from crisp_hw.spec.problem import Problem, Tensor, Term
    >>> chain = Architecture((StorageLevel("RF"), StorageLevel("DRAM", "DRAM")), ComputeLevel())
    >>> vector = Problem("vector", ("K",), (4,), (Tensor("A", ((Term("K"),),)),))
    >>> enumerate_space(Design(chain, vector), Constraints()).factors["K"].tolist()
    [[1, 4], [2, 2], [4, 1]]
    """
    _check_names(design, constraints)
    blocks = _blocks(design, constraints)
    factors, given = {}, [_constraint(design, constraints, block) for block in blocks]
    for dim, bound in zip(design.problem.dims, design.problem.bounds, strict=True):
        rows = rows_of(bound, tuple(asked_of(each, dim) for each in given), constraints.imperfect)
        factors[dim] = _together(rows, dim, (design, constraints, blocks))
        if not len(factors[dim]):
            raise _unfactorable(design, constraints, dim)
    return Space(
        design,
        constraints,
        blocks,
        factors,
        kept(design, constraints),
        no_link_transfer=_flag(design, constraints, "spatial", "no_link_transfer"),
        no_multicast=_flag(design, constraints, "spatial", "no_multicast"),
        no_temporal_reuse=_flag(design, constraints, "temporal", "no_temporal_reuse"),
        rmw_first_update=_flag(design, constraints, "temporal", "rmw_first_update"),
        parallelism=constraints.parallelism,
        least_words=tuple(_least_words(level) for level in design.architecture.levels),
    )


def loop_nest(space: Space, loops: tuple[Loop, ...]) -> LoopNest:
    """The nest of some loops with everything else that the space settles; a flag that no level raises stays empty."""
    flags = (space.no_multicast, space.no_temporal_reuse, space.rmw_first_update)
    no_multicast, no_temporal_reuse, rmw_first_update = (names if any(names) else () for names in flags)
    return LoopNest(
        loops,
        space.keeps,
        space.no_link_transfer,
        no_multicast=no_multicast,
        no_temporal_reuse=no_temporal_reuse,
        rmw_first_update=rmw_first_update,
    )


def constraint_of(constraints: Constraints, level: str, kind: BlockKind) -> LevelConstraint | None:
    """The constraint of one block, None when there is none.

    >>> constraint_of(Constraints((LevelConstraint("RF", "temporal"),)), "RF", "spatial") is None
    True
    """
    return next((c for c in constraints.levels if (c.level, c.kind) == (level, kind)), None)


def _blocks(design: Design, constraints: Constraints) -> tuple[LoopBlock, ...]:
    blocks = []
    kinds: tuple[BlockKind, ...] = ("spatial", "temporal")
    for index, level in enumerate(design.architecture.levels):
        for kind in kinds:
            if kind == "temporal" or prod(design.architecture.fanouts[index]) > 1:
                blocks.append(_block(design, constraint_of(constraints, level.name, kind), index, kind))
    return tuple(blocks)


def kept(design: Design, constraints: Constraints) -> tuple[frozenset[str], ...]:
    """The tensors that every level stores for certain, level 0 innermost; those of `either` are not among them."""
    everything = frozenset(tensor.name for tensor in design.problem.tensors)
    return tuple(
        constraints.keeps.get(level.name, everything) - constraints.either.get(level.name, frozenset())
        for level in design.architecture.levels
    )


def _block(design: Design, constraint: LevelConstraint | None, level: int, kind: BlockKind) -> LoopBlock:
    dims = design.problem.dims
    if constraint is None:
        return LoopBlock(level, kind, (), dims)
    first, last = constraint.permutation, constraint.outermost
    rest = tuple(dim for dim in dims if dim not in (*first, *last))
    if constraint.order_free:
        return LoopBlock(level, kind, first, rest, constraint.split, last)
    return LoopBlock(level, kind, (*first, *rest, *last), (), constraint.split)


def _flag(
    design: Design,
    constraints: Constraints,
    kind: BlockKind,
    name: Literal["no_link_transfer", "no_multicast", "no_temporal_reuse", "rmw_first_update"],
) -> tuple[frozenset[str], ...]:
    """Per level, the tensors for which its block of one kind raises a flag."""
    found = (constraint_of(constraints, level.name, kind) for level in design.architecture.levels)
    return tuple(frozenset(getattr(constraint, name)) if constraint else frozenset() for constraint in found)


def _least_words(level: StorageLevel) -> int:
    """Words that a mapping must use in a level (engine/verdict.py, "words in use")."""
    if level.size_words is None:
        return 0
    return ceil(int(level.size_words / level.multiple_buffering) * level.min_utilization)


def _constraint(design: Design, constraints: Constraints, block: LoopBlock) -> LevelConstraint | None:
    return constraint_of(constraints, design.architecture.levels[block.level].name, block.kind)


def _together(
    rows: NDArray[np.int64], dim: str, where: tuple[Design, Constraints, tuple[LoopBlock, ...]]
) -> NDArray[np.int64]:
    """The rows of a dimension that obey the bounds of several levels together."""
    design, constraints, blocks = where
    for across in constraints.across:
        here = [
            i
            for i, block in enumerate(blocks)
            if (design.architecture.levels[block.level].name in across.levels and block.kind == across.constraint.kind)
        ]
        together = allowed(design.problem.bound(dim), asked_of(across.constraint, dim), constraints.imperfect)
        rows = rows[np.isin(rows[:, here].prod(axis=1), together)]
    return rows


def _check_names(design: Design, constraints: Constraints) -> None:
    levels = {level.name: index for index, level in enumerate(design.architecture.levels)}
    for name in [c.level for c in constraints.levels] + list(constraints.keeps):
        if name not in levels:
            raise InputError(f"they name level {name}, which is not one of {', '.join(levels)}", Where("constraints"))
    blocks = [(c.level, c.kind) for c in constraints.levels]
    for constraint in constraints.levels:
        place = Where("constraints", constraint.level, constraint.kind)
        if blocks.count((constraint.level, constraint.kind)) > 1:
            raise InputError("given twice", place, "merge the two")
        if constraint.kind == "spatial" and prod(design.architecture.fanouts[levels[constraint.level]]) == 1:
            raise InputError("the level feeds one child only", place, "drop the constraint or give it a fanout")
        _check_dims(design, constraint, place)
    _check_keeps(design, constraints)
    if constraints.imperfect and design.sparse.formats:
        form = design.sparse.formats[0]
        what = f"imperfect factors cut tiles of {form.tensor}, whose density Timeloop takes for higher in a format"
        raise InputError(what, Where("constraints", form.level), "search perfect factors")


def _check_dims(design: Design, constraint: LevelConstraint, place: Where) -> None:
    dims = design.problem.dims
    order = (*constraint.permutation, *constraint.outermost)
    for dim in (*constraint.factors, *constraint.at_least, *order):
        if dim not in dims:
            raise InputError(f"dimension {dim} is not one of {', '.join(dims)}", place)
    if len(set(order)) < len(order):
        raise InputError(f"permutation {''.join(order)} names a dimension twice", place)
    if constraint.split is not None and not 0 <= constraint.split <= len(dims):
        raise InputError(f"split {constraint.split} is not between 0 and {len(dims)}", place)
    for dim, factor in constraint.factors.items():
        if factor.value < (0 if factor.relation == "=" else 1):
            raise InputError(f"factor {dim}{factor.relation}{factor.value} must be positive", place)


def _check_keeps(design: Design, constraints: Constraints) -> None:
    names = [tensor.name for tensor in design.problem.tensors]
    for constraint in constraints.levels:
        for flag in FLAGS:
            for name in sorted(getattr(constraint, flag) - set(names)):
                at = Where("constraints", constraint.level, constraint.kind)
                raise InputError(f"{flag} names {name}, which is no tensor", at)
    for level, chosen in [*constraints.keeps.items(), *constraints.either.items()]:
        for name in sorted(chosen - set(names)):
            at = Where("constraints", level)
            raise InputError(f"they keep {name} there, but the tensors are {', '.join(names)}", at)
    outermost = design.architecture.levels[-1].name
    missing = sorted(set(names) - kept(design, constraints)[-1])
    if missing:
        at = Where("constraints", outermost)
        raise InputError(f"the outermost level {outermost} must keep {', '.join(missing)}", at, "add it")
    if open_levels := [level for level, chosen in constraints.either.items() if chosen]:
        said = f"they leave open what {', '.join(open_levels)} keeps"
        raise InputError(said, Where("constraints"), "settle it (bypass.spaces does)")


def _unfactorable(design: Design, constraints: Constraints, dim: str) -> MappingError:
    levels = (*constraints.levels, *(across.constraint for across in constraints.across))
    given = [f"{c.level} {c.kind} {dim}{c.factors[dim]}" for c in levels if dim in c.factors]
    given += [f"{c.level} {c.kind} {dim}>={c.at_least[dim]}" for c in levels if dim in c.at_least]
    bound = design.problem.bound(dim)
    said = f"{design.problem.name}: no factors of {dim} = {bound} obey {'; '.join(given)}"
    return MappingError(said, Where("constraints", key=f"factors.{dim}"), "loosen one of them")
