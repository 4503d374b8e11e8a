"""The best mapping of a mapspace, with a certificate: proven over all of it, or how far it may be off."""

from dataclasses import replace

import numpy as np

from crisp_hw.engine.arrays import mover
from crisp_hw.errors import InputError, MappingError
from crisp_hw.mapper.bounds import lower
from crisp_hw.mapper.bypass import choices
from crisp_hw.mapper.diagnose import least_violating, nothing_fits
from crisp_hw.mapper.found import ASSUMPTIONS, RESIDUAL, SETTLED, Found, Progress
from crisp_hw.mapper.plan import plan_of
from crisp_hw.mapper.run import MOST_SPACES, Run
from crisp_hw.mapper.sample import MOST_ORDERS, sample
from crisp_hw.mapper.space import Space
from crisp_hw.mapper.stream import Chunk, factorizations
from crisp_hw.mapper.sweep import Sweep, catalog_of
from crisp_hw.mapper.tally import OBJECTIVES, Leader, Tally
from crisp_hw.mapper.watch import Watch
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.design import Design
from crisp_hw.spec.options import SearchOptions

BOUNDED_ONE_BY_ONE = 5_000_000  # factorizations whose bounds are worked out in a few seconds
BOUNDED_SPACES = 256  # whose bounds before anything is searched take some hundredths of a second
BYTES_PER_WORD = 8
COPIES = 12  # of a chunk's factors: joined, repeated, kept, sorted by nest, transposed
ENGINE_ARRAYS = 400  # [b] arrays alive at once in the engine: at most 262 (DSTC, by tracemalloc), and half as many more
CHUNKS = (1024, 65536)  # rows at a time: fewer are slow, more do not help


def search(  # noqa: PLR0913 - what a caller may say of a search
    design: Design,
    constraints: Constraints,
    objective: str = "cycles",
    *,
    options: SearchOptions | None = None,
    progress: Progress | None = None,
    jobs: int = 1,
) -> Found:
    """The best mapping of a design under constraints: fewest cycles, least energy (pJ) or least product of both.

    What levels keep is searched, too, where the constraints leave it open. Equal mappings are ranked by the objective's
    second number. Spaces of few mappings are gone through, larger ones are searched by templates and bounds
    (`mapper.exact`); past a budget, or in large spaces that those do not cover (`plan`), random draws and descent take
    the place of enumeration. Of equal mappings that were evaluated, that with the smallest bounds read from the
    outermost level inwards is taken, then the first by loop order.
    Templates are shared out to `jobs` processes (`mapper.parallel` does more); the result is the same with any number.
    KeyboardInterrupt ends a search with the best so far, if there is one. Raises InputError for an objective or device
    that is not known and MappingError when no mapping is valid, with the mapping that breaks the rules least.

    >>> from crisp_hw.spec.arch import Architecture, ComputeLevel, StorageLevel
    >>> from crisp_hw.spec.problem import Problem, Tensor, Term
    >>> chain = Architecture((StorageLevel("RF", size_words=4), StorageLevel("DRAM", "DRAM")), ComputeLevel())
    >>> a, z = Tensor("A", ((Term("K"),),)), Tensor("Z", ((Term("M"),),), is_output=True)
    >>> found = search(Design(chain, Problem("sums", ("K", "M"), (2, 3), (a, z))), Constraints(), "energy")
    >>> loops = zip(found.mapping.nest.loops, found.mapping.bounds)
    >>> [(loop.level, loop.dim, bound) for loop, bound in loops if bound > 1]  # partial sums stay in RF
    [(0, 'M', 3), (1, 'K', 2)]
    """
    found = choices(design, constraints).spaces
    return search_spaces(found, objective, options=options, progress=progress, jobs=jobs)


def search_spaces(  # noqa: PLR0913 - as `search`
    spaces: tuple[Space, ...],
    objective: str = "cycles",
    *,
    options: SearchOptions | None = None,
    progress: Progress | None = None,
    chunk_rows: int | None = None,
    jobs: int = 1,
) -> Found:
    """`search` in spaces of one design that exist already; the mapping does not depend on `chunk_rows`."""
    if objective not in OBJECTIVES:
        raise InputError(f"objective {objective!r} is not known", hint=f"choose one of {', '.join(OBJECTIVES)}")
    options = options or SearchOptions()
    if options.both_axes:
        raise InputError("both_axes changes the design, not the search", hint="search mapper.axes.both_axes(...)")
    if options.imperfect:
        raise InputError("imperfect changes the mapspace, not the search", hint="search Constraints(imperfect=True)")
    mover(options.device)
    total, tally = sum(space.size for space in spaces), Tally(objective, options.front)
    plan = plan_of(spaces, options)
    budget, whole = plan.budget, plan.budget is None or (total <= plan.budget and options.budget is not None)
    orders = None if whole else MOST_ORDERS
    sweeps = tuple(Sweep(catalog_of(space, orders, options.seed), tally, options.device, budget) for space in spaces)
    with Watch(progress) as watch:
        run = Run(sweeps, total, watch, chunk_rows or rows_within(options.memory_bytes, spaces[0]), jobs)
        if progress is not None and len(spaces) <= BOUNDED_SPACES:
            run.least = _least(spaces, objective)
        interrupted = complete = False
        try:
            complete = plan.exact and chunk_rows is None and run.by_templates(spaces, options)
            if tally.leader is not None:
                pass
            elif budget is None or whole:
                complete = run.enumerate()
            else:
                sample(sweeps, options.seed, budget, run.tick)
                if options.budget is None and not options.front and options.device == "numpy":
                    run.from_seeds(spaces, options, budget)
        except KeyboardInterrupt:
            if tally.leader is None:
                raise
            interrupted = True
    found = _found(spaces, run, complete, interrupted)
    known = tally.leader.scores[0] / (1 + (found.gap or 0.0)) if tally.leader and _bounded(found) else None
    found = replace(found, history=watch.ended(known, found.gap if known is None else found.gap or 0.0))
    return found if found.proven else replace(found, uncovered=plan.uncovered)


def _bounded(found: Found) -> bool:
    return found.proven or found.gap is not None


def _found(spaces: tuple[Space, ...], run: Run, complete: bool, interrupted: bool) -> Found:
    """What a run came to; MappingError when it found nothing valid."""
    tally = run.sweeps[0].tally
    if tally.leader is None:
        raise _nothing(spaces, tally, run.chunk_rows)
    best, objective = tally.leader, tally.objective
    few = len(spaces) <= MOST_SPACES or run.least is None
    gap = _gap(spaces, objective, best, run.chunk_rows) if few and not complete else None
    if not complete and run.least is not None and run.least > 0:
        open_gap = max(0.0, best.scores[0] / run.least - 1.0)
        gap = open_gap if gap is None else min(gap, open_gap)
    return Found(
        best.mapping,
        best.cycles,
        best.energy_pj,
        objective,
        run.total,
        tally.tried,
        tally.valid,
        pruned={rule: count for rule, count in tally.pruned.items() if count},
        proven=complete or gap == 0.0,
        gap=gap,
        interrupted=interrupted,
        front=tally.front,
        assumptions=(*(RESIDUAL if spaces[0].imperfect else ASSUMPTIONS), *([SETTLED] if len(spaces) == 1 else [])),
    )


def rows_within(memory_bytes: int, space: Space) -> int:
    """Rows at a time that keep a search within some memory."""
    per_row = BYTES_PER_WORD * (COPIES * len(space.blocks) * len(space.design.problem.dims) + ENGINE_ARRAYS)
    least, most = CHUNKS
    if memory_bytes < least * per_row:
        raise InputError(f"a search needs {least * per_row} bytes of memory, not {memory_bytes}", hint="allow more")
    return min(most, memory_bytes // per_row)


def _gap(spaces: tuple[Space, ...], objective: str, best: Leader, chunk_rows: int) -> float | None:
    """How far the best may lie above anything in the spaces, as a share of their lower bound.

    The least bound of all factorizations that may fit, where there are few enough to go through, else of none at all.
    """
    few = sum(each.size for each in spaces) <= BOUNDED_ONE_BY_ONE
    least = _least(spaces, objective, chunk_rows if few else None)
    return None if least is None else best.scores[0] / least - 1.0


def _least(spaces: tuple[Space, ...], objective: str, chunk_rows: int | None = None) -> float | None:
    """A bound of all mappings, by no factorization or by all that may fit, some at a time; None: not known."""
    least = np.inf
    for space in spaces:
        none = Chunk(np.ones((1, len(space.blocks), 0), dtype=np.int64), 0)
        for chunk in factorizations(space, chunk_rows) if chunk_rows else (none,):
            bound = lower(space, chunk.rows, space.design.problem.dims[: chunk.rows.shape[2]])
            least = min(least, float(OBJECTIVES[objective](bound.cycles, bound.energy_pj)[0].min()))
    return float(least) if 0 < least < np.inf else None


def _nothing(spaces: tuple[Space, ...], tally: Tally, chunk_rows: int) -> MappingError:
    """Why no mapping is valid: the attempt that breaks the rules least."""
    if tally.attempt is not None and tally.attempt_space is not None:
        return nothing_fits(tally.attempt_space, tally.attempt)
    attempts = [(least_violating(space, chunk_rows), space) for space in spaces]
    attempt, space = min(attempts, key=lambda pair: pair[0].ratio)
    return nothing_fits(space, attempt)
