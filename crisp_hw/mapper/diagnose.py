"""Why nothing fits: the mapping that breaks the rules least, and the constraint that keeps it from fitting."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.evaluate import Batch
from crisp_hw.engine.validity import RuleCheck
from crisp_hw.errors import MappingError, Where
from crisp_hw.mapper.admit import admitted, shares
from crisp_hw.mapper.fits import limits, tiles
from crisp_hw.mapper.space import Space
from crisp_hw.mapper.stream import factorizations
from crisp_hw.spec.constraints import Factor, LevelConstraint
from crisp_hw.spec.rules import UNITS, Failure, Rule, sentence

Ints = NDArray[np.int64]
_CHUNK_ROWS = 65536
_HELD = (Rule.CAPACITY, Rule.METADATA_CAPACITY, Rule.MIN_UTILIZATION)
"""Rules about what tensors take in a level."""


@dataclass(frozen=True)
class Attempt:
    """A mapping that does not fit, int64[blocks, dims], and the rule that it breaks worst."""

    factors: Ints
    failure: Failure

    @property
    def ratio(self) -> float:
        """How many times over the rule is asked; 1 where it compares no numbers."""
        return ratio(self.failure.need, self.failure.have)


def best_attempt(batch: Batch, rows: Ints) -> Attempt | None:
    """The row of an evaluated batch (int64[b, blocks, dims]) whose worst broken rule is broken least.

    Where no row breaks a rule, the first that takes no cycles; None when there is none. Of equals, the first.
    """
    if not batch.failures:
        return _without_cycles(batch, rows)
    ratios = np.stack([_ratios(check) for check in batch.failures])
    worst = ratios.max(axis=0)
    if not (worst > 0).any():
        return _without_cycles(batch, rows)
    row = int(np.argmin(np.where(worst > 0, worst, np.inf)))
    check = batch.failures[int(np.argmax(ratios[:, row]))]
    return Attempt(rows[row], check.of(row))


def _without_cycles(batch: Batch, rows: Ints) -> Attempt | None:
    empty = np.flatnonzero(batch.cycles == 0)
    return Attempt(rows[empty[0]], Failure(Rule.NO_CYCLES, "")) if len(empty) else None


def ratio(need: float | None, have: float | None) -> float:
    """How many times over something is asked; 1 where it is no matter of two numbers."""
    return 1.0 if need is None or have is None else need / max(1.0, have)


def _ratios(check: RuleCheck) -> NDArray[np.float64]:
    """`ratio` of every row of a batch, 0 where the row obeys the rule."""
    if check.need is None or check.have is None:
        return check.failed.astype(np.float64)
    return np.where(check.failed, check.need / np.maximum(1.0, check.have), 0.0)


def least_violating(space: Space, chunk_rows: int) -> Attempt:
    """The factorization that breaks the necessary conditions of `fits` least (by its worst ratio); of equals the first.

    Every ratio grows with every factor, so that what is worse already than the best so far is dropped unfinished.
    """
    dims = space.design.problem.dims
    best: list[tuple[float, Ints]] = [(np.inf, np.empty(0, dtype=np.int64))]

    def closer(rows: Ints, joined: tuple[str, ...]) -> NDArray[np.bool_]:
        return _worst(space, rows, joined) < best[-1][0]

    for chunk in factorizations(space, chunk_rows, closer):
        worst = _worst(space, chunk.rows, dims)
        row = int(np.argmin(worst))
        if worst[row] < best[-1][0]:
            best.append((float(worst[row]), chunk.rows[row]))
    factors = best[-1][1]
    rules = limits(space, factors[None], dims)
    rule = max(rules, key=lambda limit: limit.need[0] / max(1, limit.have))
    level = space.design.architecture.levels[rule.level].name
    return Attempt(factors, Failure(rule.rule, level, need=float(rule.need[0]), have=float(rule.have)))


def nothing_fits(space: Space, attempt: Attempt) -> MappingError:
    """The error of a space without a valid mapping: the rule broken least, by how much, and what to loosen."""
    problem, broken = space.design.problem, attempt.failure
    size = " ".join(f"{dim}={bound}" for dim, bound in zip(problem.dims, problem.bounds, strict=True))
    start = f"{problem.name} ({size}): none of {space.size} factorizations is valid"
    at = Where("architecture", broken.level) if broken.level else None
    if broken.need is None or broken.have is None or broken.rule not in UNITS:
        return MappingError(f"{start}; the best attempt: {sentence(broken)}", at, failures=(broken,))
    if broken.need <= broken.have:
        return _idle(space, start)
    if broken.rule is Rule.MIN_UTILIZATION:
        said = f"level {broken.level} must have {broken.need:.0f} {UNITS[broken.rule]} and has {broken.have:.0f}"
        return MappingError(f"{start}; in the best attempt {said}", at, "lower its min_utilization", (broken,))
    short = f"level {broken.level} needs {broken.need:.0f} {UNITS[broken.rule]} and has {broken.have:.0f}"
    short += f", {broken.need - broken.have:.0f} too many"
    said = f"{start}; in the best attempt {short}{_tensors(space, attempt)}"
    return MappingError(said, at, _next_step(space, attempt), (broken,))


def _idle(space: Space, start: str) -> MappingError:
    """What keeps mappings out whose lanes and words fit: too little use of the hardware, or the lanes of one axis."""
    best, enough = 0.0, False
    for chunk in factorizations(space, _CHUNK_ROWS):
        best = max(best, float(shares(space, chunk.rows).max()))
        enough = enough or bool(admitted(space, chunk.rows).any())
    if best < space.parallelism:
        wanted = f"the constraints want {100 * space.parallelism:.4g} %"
        said = f"those that fit use at most {100 * best:.4g} % of the lanes, and {wanted}"
        return MappingError(f"{start}; {said}", Where("constraints", key="min"), "lower that")
    if not enough:
        levels = zip(space.design.architecture.levels, space.least_words, strict=True)
        names = " or ".join(level.name for level, least in levels if least)
        said = f"those that fit use too few lanes or leave {names} too empty"
        return MappingError(
            f"{start}; {said}", Where("architecture", key="min_utilization"), "lower min_utilization there"
        )
    said = "those that are left exceed their lanes along x or along y"
    hint = "loosen a split or a permutation, or let a dimension lie along both axes (--both-axes)"
    return MappingError(f"{start}; {said}", Where("constraints"), hint)


def _worst(space: Space, rows: Ints, dims: tuple[str, ...]) -> NDArray[np.float64]:
    ratios = [limit.need / max(1, limit.have) for limit in limits(space, rows, dims)]
    worst: NDArray[np.float64] = np.max([np.zeros(len(rows)), *ratios], axis=0)
    return worst


def _level(space: Space, attempt: Attempt) -> int | None:
    names = [level.name for level in space.design.architecture.levels]
    return names.index(attempt.failure.level) if attempt.failure.level in names else None


def _held(space: Space, attempt: Attempt) -> dict[str, int]:
    """Dense words of the tensors in the level that overflows, largest first; empty when it is not about words."""
    level = _level(space, attempt)
    if level is None or attempt.failure.rule not in _HELD:
        return {}
    words = tiles(space, attempt.factors[None], space.design.problem.dims, level)
    return dict(sorted(((name, int(count[0])) for name, count in words.items()), key=lambda item: -item[1]))


def _tensors(space: Space, attempt: Attempt) -> str:
    listed = ", ".join(f"{name} {words}" for name, words in _held(space, attempt).items())
    return f" (tiles before compression: {listed})" if listed else ""


def _next_step(space: Space, attempt: Attempt) -> str:
    """The constraints that keep the tile of the largest tensor from being split further, or what else to change."""
    held, level = _held(space, attempt), _level(space, attempt)
    if not held or level is None:
        return f"lower the spatial factors above level {attempt.failure.level}, or give it more instances"
    largest = next(iter(held))
    dims = space.design.problem.tensor(largest).dims
    guilty = [text for c in space.constraints.levels for text in _holds(space, c, level, dims)]
    if guilty:
        stuck = f"{largest} cannot be split further under {' and '.join(guilty)}"
        return f"{stuck}: loosen that, or enlarge {attempt.failure.level}"
    return f"no constraint is in the way: enlarge {attempt.failure.level}, or let {largest} bypass it"


def _holds(space: Space, constraint: LevelConstraint, level: int, dims: frozenset[str]) -> list[str]:
    """Factors that keep a tile of these dimensions large: bounded from above outside the level, from below inside."""
    names = [one.name for one in space.design.architecture.levels]
    outside = names.index(constraint.level) > level
    least = [(dim, Factor(">=", value)) for dim, value in constraint.at_least.items()]
    return [
        f"{constraint.level} {constraint.kind} {dim}{factor}"
        for dim, factor in [*constraint.factors.items(), *least]
        if dim in dims and _binds(factor, outside, space.design.problem.bound(dim))
    ]


def _binds(factor: Factor, outside: bool, bound: int) -> bool:
    value = factor.value or bound
    if outside:
        return factor.relation != ">=" and value < bound
    return factor.relation != "<=" and value > 1
