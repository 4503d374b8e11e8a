"""Exhaustive search of a mapspace: every factorization in every order that the engine can tell apart is evaluated."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.evaluate import Batch, evaluate_batch
from crisp_hw.errors import InputError, MappingError
from crisp_hw.mapper.explain import Attempt, best_attempt, explain, least_violating
from crisp_hw.mapper.fits import shrinking_levels
from crisp_hw.mapper.orders import Arrangement, Visible, nests, visible
from crisp_hw.mapper.space import Space, enumerate_space, loop_nest
from crisp_hw.mapper.stream import factorizations
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.design import Design
from crisp_hw.spec.mapping import LoopNest, Mapping

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Evaluate = Callable[[Design, LoopNest, Ints], Batch]
Progress = Callable[[int, int], None]
"""Called with the candidate factorizations that are done and their total."""

CHUNK_ROWS = 65536  # amortises the engine's fixed cost per call; a chunk takes a few tens of MB

ASSUMPTIONS = (
    "the mapper tries perfect factorizations only (no residual tiles)",
    "what each level keeps is taken from the constraints, not searched",
)
"""What the search leaves out or takes for granted."""

OBJECTIVES: dict[str, Callable[[Ints, Floats], tuple[NDArray[np.float64], ...]]] = {
    "cycles": lambda cycles, energy: (cycles.astype(np.float64), energy),
    "energy": lambda cycles, energy: (energy, cycles.astype(np.float64)),
    "edp": lambda cycles, energy: (cycles * energy, cycles.astype(np.float64)),
}
"""What to minimise, most important first; cycles stay exact in a float up to 2**53."""


@dataclass(frozen=True)
class Found:
    """The best mapping of a space; `candidates` counts factorizations, `tried` and `valid` evaluated mappings.

    Candidates that cannot fit are not tried, the others in every order that costs can tell apart.
    """

    mapping: Mapping
    cycles: int
    energy_pj: float
    objective: str
    candidates: int
    tried: int
    valid: int
    assumptions: tuple[str, ...] = ASSUMPTIONS


@dataclass(frozen=True)
class _Leader:
    """The best mapping so far; the smallest `key` wins."""

    key: tuple[tuple[float, ...], tuple[int, ...], tuple[tuple[int, str], ...]]
    mapping: Mapping
    cycles: int
    energy_pj: float


@dataclass(frozen=True)
class _Tally:
    leader: _Leader | None = None
    attempt: Attempt | None = None
    tried: int = 0
    valid: int = 0


@dataclass
class _Catalog:
    """Orders met so far: `arrangements[id]`, and the ids that each pattern of active loops asks for."""

    space: Space
    seen: tuple[Visible, ...]
    arrangements: dict[tuple[Arrangement, ...], int] = field(default_factory=dict)
    patterns: dict[bytes, tuple[int, ...]] = field(default_factory=dict)


def search(
    design: Design,
    constraints: Constraints,
    objective: str = "cycles",
    evaluate: Evaluate = evaluate_batch,
    progress: Progress | None = None,
) -> Found:
    """The best mapping of a design under constraints: fewest cycles, least energy (pJ) or least product of both.

    Equal mappings are ranked by the objective's second number, then by the smallest bounds read from the outermost
    level inwards, then by loop order; nothing is random. Raises InputError for an objective that is not known and
    MappingError when no mapping is valid, with the mapping that breaks the rules least.

    >>> from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
    >>> from crisp_hw.spec.problem import Problem, Tensor, Term
    >>> chain = Architecture((StorageLevel("RF", size_words=4), StorageLevel("DRAM", "DRAM")), ComputeLevel())
    >>> a, z = Tensor("A", ((Term("K"),),)), Tensor("Z", ((Term("M"),),), is_output=True)
    >>> found = search(Design(chain, Problem("sums", ("K", "M"), (2, 3), (a, z))), Constraints(), "energy")
    >>> loops = zip(found.mapping.nest.loops, found.mapping.bounds)
    >>> [(loop.level, loop.dim, bound) for loop, bound in loops if bound > 1]  # partial sums stay in RF
    [(0, 'M', 3), (1, 'K', 2)]
    """
    return search_space(enumerate_space(design, constraints), objective, evaluate, progress)


def search_space(
    space: Space,
    objective: str = "cycles",
    evaluate: Evaluate = evaluate_batch,
    progress: Progress | None = None,
    chunk_rows: int = CHUNK_ROWS,
) -> Found:
    """`search` in a space that exists already; what is found does not depend on `chunk_rows`."""
    if objective not in OBJECTIVES:
        raise InputError(f"objective {objective!r} is not known; choose one of {', '.join(OBJECTIVES)}")
    tally, catalog = _Tally(), _Catalog(space, visible(space))
    for chunk in factorizations(space, chunk_rows):
        for arrangement, rows in _by_nest(catalog, chunk.rows):
            tally = _evaluated(space, tally, (arrangement, rows), objective, evaluate)
        if progress:
            progress(chunk.done, space.size)
    if progress:
        progress(space.size, space.size)
    if tally.leader is None:
        raise MappingError(explain(space, tally.attempt or least_violating(space, chunk_rows), tally.tried))
    best = tally.leader
    return Found(best.mapping, best.cycles, best.energy_pj, objective, space.size, tally.tried, tally.valid)


def _by_nest(catalog: _Catalog, rows: Ints) -> Iterator[tuple[tuple[Arrangement, ...], Ints]]:
    """Rows int64[b, blocks, dims] once per order that their active loops tell apart, together by order."""
    active = rows > 1
    packed = np.packbits(active.reshape(len(rows), -1), axis=1)
    _, first, inverse = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(inverse.reshape(-1), kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(inverse.reshape(-1)[order])) + 1)
    chosen: dict[int, list[Ints]] = {}
    for example, indices in zip(first, members, strict=True):
        for number in _numbers(catalog, active[example]):
            chosen.setdefault(number, []).append(indices)
    arrangements = list(catalog.arrangements)
    for number in sorted(chosen):
        picked = rows[np.sort(np.concatenate(chosen[number]))]
        picked = picked[_within_lanes(catalog.space, arrangements[number], picked)]
        if len(picked):
            yield arrangements[number], picked


def _numbers(catalog: _Catalog, active: NDArray[np.bool_]) -> tuple[int, ...]:
    key = active.tobytes()
    if key not in catalog.patterns:
        known = catalog.arrangements
        found = nests(catalog.space, catalog.seen, active)
        catalog.patterns[key] = tuple(known.setdefault(arrangement, len(known)) for arrangement in found)
    return catalog.patterns[key]


def _within_lanes(space: Space, arrangement: tuple[Arrangement, ...], rows: Ints) -> NDArray[np.bool_]:
    """Which rows keep every level's x and y factors within its fanout; lanes that shrink are left to the engine."""
    keep = np.ones(len(rows), dtype=np.bool_)
    dims, fanouts = space.design.problem.dims, space.design.architecture.fanouts
    for index, block in enumerate(space.blocks):
        if block.kind == "spatial" and block.level not in shrinking_levels(space):
            for axis, have in zip(("x", "y"), fanouts[block.level], strict=True):
                columns = [dims.index(loop.dim) for loop in arrangement[index] if loop.kind == axis]
                keep &= rows[:, index, columns].prod(axis=1) <= have
    return keep


def _evaluated(
    space: Space, tally: _Tally, work: tuple[tuple[Arrangement, ...], Ints], objective: str, evaluate: Evaluate
) -> _Tally:
    """The tally after evaluating rows in one order."""
    arrangement, rows = work
    dims = space.design.problem.dims
    nest = loop_nest(space, tuple(loop for block in arrangement for loop in block))
    columns = [i * len(dims) + dims.index(loop.dim) for i, block in enumerate(arrangement) for loop in block]
    bounds = rows.reshape(len(rows), -1)[:, columns]
    batch = evaluate(space.design, nest, bounds)
    # 0 cycles: less than one MAC at work on average, which Timeloop truncates to none; no mapping to recommend
    valid = batch.valid & (batch.cycles > 0)
    tally = replace(tally, tried=tally.tried + len(rows), valid=tally.valid + int(valid.sum()))
    if not valid.any():
        attempt = best_attempt(batch, rows) if tally.leader is None else None
        closer = attempt and (tally.attempt is None or attempt.ratio < tally.attempt.ratio)
        return replace(tally, attempt=attempt) if closer else tally
    scores = OBJECTIVES[objective](batch.cycles, batch.energy_pj)
    row = _smallest(valid, scores, rows)
    key = (
        tuple(float(score[row]) for score in scores),
        tuple(int(bound) for bound in rows[row].reshape(-1)[::-1]),
        tuple((dims.index(loop.dim), loop.kind) for loop in reversed(nest.loops)),
    )
    if tally.leader is not None and tally.leader.key < key:
        return tally
    mapping = Mapping(nest, tuple(int(bound) for bound in bounds[row]))
    return replace(tally, leader=_Leader(key, mapping, int(batch.cycles[row]), float(batch.energy_pj[row])))


def _smallest(valid: NDArray[np.bool_], scores: tuple[Floats, ...], rows: Ints) -> int:
    """The valid row with the smallest scores; of equals the one with the smallest bounds, outermost loop first."""
    chosen = np.flatnonzero(valid)
    for score in scores:
        chosen = chosen[score[chosen] == score[chosen].min()]
    flat = rows[chosen].reshape(len(chosen), -1)
    return int(chosen[np.lexsort(flat.T)[0]])
