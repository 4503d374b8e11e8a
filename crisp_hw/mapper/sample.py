"""Search of spaces that are too large to enumerate: random factorizations, then descent from the best of them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crisp_hw.mapper.fits import fits
from crisp_hw.mapper.orders import count, visible
from crisp_hw.mapper.space import Space
from crisp_hw.mapper.sweep import Sweep, catalog_of

if TYPE_CHECKING:
    from numpy.random import Generator  # which NumPy loads where it is first asked for

Ints = NDArray[np.int64]

MOST_ORDERS = 64  # of one pattern of loops in a sample, so that no row uses up the budget alone
FIRST_LOOK = 2048  # mappings before templates are searched: some tenths of a second, for a best so far at once
LOOKS = 32  # draws for it: where bounds beat nearly every draw, more would take longer than the search
DRAW = 4096  # rows drawn at once: enough to share loop nests, few against any budget
ESTIMATED = 64  # rows whose orders are counted: a few milliseconds
SHARE_RANDOM = 0.5  # of the budget; what is left goes to descent, whose starts those draws are
FRUITLESS = 50  # draws without a row that fits and is not beaten by its bounds, before a space is given up


def estimate(space: Space) -> float:
    """About how many mappings there are: factorizations times the share of random ones that fits, times their orders.

    What no random one fits into counts every factorization once.
    """
    dims, rng = space.design.problem.dims, np.random.default_rng(0)
    rows = _random(space, rng, min(DRAW, max(space.size, ESTIMATED)))
    kept, seen = rows[fits(space, rows, dims)], visible(space)
    if not len(kept):
        return float(space.size)
    active = kept[rng.permutation(len(kept))[:ESTIMATED]] > 1
    # rows in which the same loops do something have equally many orders
    patterns, rows_each = np.unique(active, axis=0, return_counts=True)
    orders = np.array([count(space, seen, pattern) for pattern in patterns])
    return space.size * len(kept) / len(rows) * float((orders * rows_each).sum() / len(active))


def sample(
    sweeps: tuple[Sweep, ...], seed: int, budget: int, tick: Callable[[], None], draws: int | None = None
) -> None:
    """Evaluate about `budget` mappings: half of them random, in turn in every space, half around the best found.

    Random rows take each dimension's factorization with equal probability, every order of theirs is evaluated. Descent
    replaces the factorization of one dimension of the best row by each other one until none is better. The same seed
    gives the same result. `tick` is called after each step. At most so many `draws` are made.
    """
    rng = np.random.default_rng(seed)
    tally, alive = sweeps[0].tally, dict.fromkeys(range(len(sweeps)), 0)
    made = 0
    while alive and tally.tried < budget * SHARE_RANDOM and made != draws:
        for index in list(alive):
            if made == draws:
                break
            made += 1
            before = tally.tried
            sweeps[index].take(_drawn(sweeps[index], rng))
            alive[index] = 0 if tally.tried > before else alive[index] + 1
            if alive[index] >= FRUITLESS:
                del alive[index]
            tick()
    descend(sweeps, budget, tick)


def first_look(sweeps: tuple[Sweep, ...], seed: int, tick: Callable[[], None]) -> None:
    """A sample before an exhaustive search: one that is interrupted early has a mapping, and bounds something to beat.

    What it passes over counts under no rule, because that search looks at all of it again.
    """
    tally = sweeps[0].tally
    pruned = tally.pruned.copy()
    catalogs = [catalog_of(sweep.catalog.space, MOST_ORDERS, seed) for sweep in sweeps]
    few = [replace(sweep, catalog=each, budget=FIRST_LOOK) for sweep, each in zip(sweeps, catalogs, strict=True)]
    sample(tuple(few), seed, FIRST_LOOK, tick, LOOKS)
    tally.pruned.clear()
    tally.pruned.update(pruned)


def descend(sweeps: tuple[Sweep, ...], budget: int, tick: Callable[[], None]) -> None:
    """Descent from the best mapping so far, until `budget` mappings are evaluated in all."""
    for sweep in sweeps:
        _descend(sweep, budget, tick)


def _drawn(sweep: Sweep, rng: "Generator") -> Ints:
    """Random rows that fit, int64[b, blocks, dims], none twice."""
    rows = np.unique(_random(sweep.catalog.space, rng, DRAW), axis=0)
    return rows[sweep.keep(rows, sweep.catalog.space.design.problem.dims)]


def _random(space: Space, rng: "Generator", many: int) -> Ints:
    """Factorizations int64[b, blocks, dims], each dimension's with equal probability."""
    dims = space.design.problem.dims
    rows: Ints = np.stack([space.factors[d][rng.integers(0, len(space.factors[d]), many)] for d in dims], axis=2)
    return rows


def _descend(sweep: Sweep, budget: int, tick: Callable[[], None]) -> None:
    """Change the leader's factors one dimension at a time, as long as that helps and the budget lasts."""
    space, tally = sweep.catalog.space, sweep.tally
    dims = space.design.problem.dims
    seen: set[bytes] = set()
    while tally.leader is not None and tally.tried < budget:
        before = tally.leader
        row = _row_of(space, sweep)
        if row is None or row.tobytes() in seen:
            return
        seen.add(row.tobytes())
        for rows in _neighbours(space, row):
            sweep.take(rows[sweep.keep(rows, dims)])
            tick()
            if tally.tried >= budget:
                return
        if tally.leader is before:
            return


def _row_of(space: Space, sweep: Sweep) -> Ints | None:
    """The leader's factors int64[blocks, dims], if it lies in this space."""
    leader, dims = sweep.tally.leader, space.design.problem.dims
    if leader is None or leader.mapping.nest.keeps != space.keeps:
        return None
    row = np.ones((len(space.blocks), len(dims)), dtype=np.int64)
    place = {(block.level, block.kind == "temporal"): index for index, block in enumerate(space.blocks)}
    for loop, bound in zip(leader.mapping.nest.loops, leader.mapping.bounds, strict=True):
        row[place[loop.level, loop.kind == "temporal"], dims.index(loop.dim)] = bound
    return row


def _neighbours(space: Space, row: Ints) -> Iterator[Ints]:
    """Rows that differ from one in the factorization of a single dimension, DRAW at a time."""
    for column, dim in enumerate(space.design.problem.dims):
        table = space.factors[dim]
        for start in range(0, len(table), DRAW):
            part = table[start : start + DRAW]
            rows = np.repeat(row[None], len(part), axis=0)
            rows[:, :, column] = part
            yield rows
