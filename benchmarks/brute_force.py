"""The best of a small mapspace by the search, by templates, and by every mapping one after the other.

Every factorization in every order on every axis is evaluated, with no knowledge of the model.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations, product
from math import factorial, prod
from operator import add
from pathlib import Path

import numpy as np
from drawn_spaces import Case, drawn
from numpy.typing import NDArray

from crisp_hw.engine.evaluate import Part, evaluate_nests
from crisp_hw.errors import MappingError
from crisp_hw.mapper.admit import admitted
from crisp_hw.mapper.exact.covers import uncovered
from crisp_hw.mapper.exact.search import Exact
from crisp_hw.mapper.fits import fits
from crisp_hw.mapper.search import search
from crisp_hw.mapper.space import LoopBlock, Space, loop_nest
from crisp_hw.mapper.tally import OBJECTIVES, Tally
from crisp_hw.spec.mapping import Loop
from crisp_hw.spec.options import SearchOptions

LEAST, MOST_NESTS = 1500, 4000  # mappings, so that over 1,000 are valid in most spaces; nests, at a third of a ms each
# the same of kinds in which formats do not fit many nests, or nearly every mapping has a nest of its own
SIZES = {"by shape": (2000, 12_000), "three fanouts": (1300, 24_000)}
TOGETHER = 400  # nests that are evaluated at once
EACH = 16  # of so many nests one is looked at for the number of mappings
SAME = 1e-9  # sums of floats in another order differ by less than that of themselves
Ints = NDArray[np.int64]
Scores = tuple[float, ...]


@dataclass(frozen=True)
class Compared:
    """The best scores of one space by brute force (of how many valid mappings), by search, and by templates.

    None is no valid mapping; `covered` is None where templates cover the space, else why they do not.
    """

    kind: str
    seed: int
    objective: str
    valid: int
    brute: Scores | None
    searched: Scores | None
    templates: Scores | None
    covered: str | None
    brute_s: float
    search_s: float

    @property
    def differs(self) -> str:
        """What is wrong; empty where all agree."""
        wrong = "" if same(self.brute, self.searched) else f"the search says {self.searched}"
        if self.covered is None and not same(self.brute, self.templates):
            wrong += f"{' and ' if wrong else ''}templates say {self.templates}"
        return f"{wrong}, brute force {self.brute}" if wrong else ""


def same(one: Scores | None, other: Scores | None) -> bool:
    """Are the scores equal up to the rounding of floats, or both None?"""
    return bool(one is other is None or (one and other and np.allclose(one, other, rtol=SAME, atol=0)))


def right_size(case: Case, least: int | None = None, most_nests: int | None = None) -> bool:
    """Neither so small that it shows nothing, nor so large that brute force takes many seconds.

    Mappings count that may be valid, what the constraints, the lanes and the sizes of dense tiles leave, by a sample.
    """
    usual = SIZES.get(case.kind, (LEAST, MOST_NESTS))
    wanted, most = usual[0] if least is None else least, usual[1] if most_nests is None else most_nests
    if sum(map(nests_of, case.spaces)) > most:
        return False
    nests = mappings = 0
    for space in case.spaces:
        for rows, arrangement in every_nest(space):
            nests += 1
            if nests % EACH:
                continue
            fine = admitted(space, rows) & on_the_mesh(space, rows, arrangement)
            mappings += EACH * int((fine & fits(space, rows, space.design.problem.dims)).sum())
    return mappings >= wanted


def each_compared(names: list[tuple[str, int]], device: str, kept: Path | None) -> Iterator[Compared]:
    """The spaces of some kinds and seeds, from the file where they are there, which keeps the others as they come."""
    lines = kept.read_text(encoding="utf-8").splitlines() if kept is not None and kept.exists() else []
    known = {(each.kind, each.seed): each for each in map(from_line, lines)}
    for kind, seed in names:
        if (kind, seed) not in known:
            found = known[kind, seed] = compared(drawn(kind, seed, right_size), device)
            if kept is not None:
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(found)) + "\n")
        yield known[kind, seed]


def from_line(line: str) -> Compared:
    """What a line of such a file says."""
    data = json.loads(line)
    scores = {name: data[name] and tuple(data[name]) for name in ("brute", "searched", "templates")}
    return Compared(**{**data, **scores})


def compared(case: Case, device: str = "numpy") -> Compared:
    """One space by all ways."""
    start = time.process_time()
    brute, valid = brute_force(case)
    brute_s, start = time.process_time() - start, time.process_time()
    try:
        found = search(case.design, case.constraints, case.objective, options=SearchOptions(device=device))
        searched = _scores(case.objective, np.array([found.cycles]), np.array([found.energy_pj]))[0]
    except MappingError:
        searched = None
    search_s, spaces = time.process_time() - start, case.spaces
    why, templates = uncovered(spaces[0]), None
    if why is None:
        tally = Tally(case.objective)
        Exact(spaces, tally, lambda *_: None).run()
        templates = None if tally.leader is None else tuple(tally.leader.scores)
    named = case.kind, case.seed, case.objective
    return Compared(*named, valid, brute, searched, templates, why, brute_s, search_s)


def _scores(objective: str, cycles: Ints, energy_pj: NDArray[np.float64]) -> list[Scores]:
    return list(zip(*(score.tolist() for score in OBJECTIVES[objective](cycles, energy_pj)), strict=True))


def brute_force(case: Case) -> tuple[Scores | None, int]:
    """The best scores (None: no mapping is valid) of how many valid mappings."""
    best: list[Scores] = []
    valid = 0
    for space in case.spaces:
        for parts in _together(space):
            done = evaluate_nests(space.design, parts)
            good = done.valid & (done.cycles > 0)
            valid += int(good.sum())
            best = sorted([*best, *_scores(case.objective, done.cycles[good], done.energy_pj[good])])[:1]
    return (best[0] if best else None), valid


def _together(space: Space) -> Iterator[list[Part]]:
    """Every mapping that is on the mesh, those of some hundred nests at a time."""
    dims, parts = space.design.problem.dims, list[Part]()
    for rows, arrangement in every_nest(space):
        rows = rows[admitted(space, rows) & on_the_mesh(space, rows, arrangement)]
        if not len(rows):
            continue
        loops = tuple(loop for block in arrangement for loop in block)
        columns = [i * len(dims) + dims.index(loop.dim) for i, block in enumerate(arrangement) for loop in block]
        parts.append((loop_nest(space, loops), rows.reshape(len(rows), -1)[:, columns]))
        if len(parts) == TOGETHER:
            yield parts
            parts = []
    yield parts


def every_nest(space: Space) -> Iterator[tuple[Ints, tuple[tuple[Loop, ...], ...]]]:
    """Factorizations int64[b, blocks, dims] that loop over the same places, with each arrangement of those loops."""
    dims = space.design.problem.dims
    rows = np.array([np.stack(each, axis=1) for each in product(*(space.factors[dim] for dim in dims))])
    patterns, which = np.unique((rows > 1).reshape(len(rows), -1), axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        active = pattern.reshape(rows.shape[1:])
        blocks = [[dim for dim, on in zip(dims, each, strict=True) if on] for each in active]
        options = [
            list(arrangements(block, here, [dim for dim in dims if dim not in here]))
            for block, here in zip(space.blocks, blocks, strict=True)
        ]
        for arrangement in product(*options):
            yield rows[which.ravel() == number], arrangement


def nests_of(space: Space) -> int:
    """How many nests `every_nest` has: by how many dimensions loop in every block, so many ways."""
    ways = Counter({(0,) * len(space.blocks): 1})
    for factors in space.factors.values():
        patterns = np.unique(factors > 1, axis=0).astype(int).tolist()
        taken = Counter[tuple[int, ...]]()
        for (loops, many), pattern in product(ways.items(), patterns):
            taken[tuple(map(add, loops, pattern))] += many
        ways = taken
    splits = [block.kind == "spatial" for block in space.blocks]
    return sum(
        many * prod(factorial(n) * (n + 1 if split else 1) for n, split in zip(loops, splits, strict=True))
        for loops, many in ways.items()
    )


def on_the_mesh(space: Space, rows: Ints, arrangement: Sequence[tuple[Loop, ...]]) -> NDArray[np.bool_]:
    """Which factorizations need no more lanes along an axis than each level fans out (timeloop-mapper's rule).

    timeloop-model, and so the engine, minds the lanes of all levels together (src/mapspaces/uber.cpp:
    AssignSpatialTilingDirections).
    """
    dims, fanouts = space.design.problem.dims, space.design.architecture.fanouts
    fine = np.ones(len(rows), dtype=np.bool_)
    for place, loops in enumerate(arrangement):
        for axis, lanes in zip("xy", fanouts[space.blocks[place].level], strict=True):
            along = [dims.index(loop.dim) for loop in loops if loop.kind == axis]
            fine &= rows[:, place, along].prod(axis=1) <= lanes
    return fine


def arrangements(block: LoopBlock, here: list[str], idle: list[str]) -> Iterator[tuple[Loop, ...]]:
    """Every order of a block's loops, and of a spatial block every split into x (the inner loops) and y.

    Loops of bound 1 stand innermost: the mapspace does not move them (docs/mapper.md).
    """
    for order in permutations(here):
        if block.kind == "temporal":
            yield tuple(Loop(block.level, dim, "temporal") for dim in (*idle, *order))
            continue
        for along_x in range(len(order) + 1):
            kinds = ("x",) * (len(idle) + along_x) + ("y",) * (len(order) - along_x)
            loops = zip((*idle, *order), kinds, strict=True)
            yield tuple(Loop(block.level, dim, "x" if kind == "x" else "y") for dim, kind in loops)
