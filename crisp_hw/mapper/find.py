"""The best mapping over every choice of what levels keep: one exhaustive search per choice, the best of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crisp_hw.engine.evaluate import Batch, evaluate_batch
from crisp_hw.errors import MappingError
from crisp_hw.mapper import search as one
from crisp_hw.mapper.admit import admitted
from crisp_hw.mapper.bypass import choices
from crisp_hw.mapper.space import Space
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.design import Design
from crisp_hw.spec.mapping import LoopNest
from crisp_hw.spec.mapping import Mapping as LoopMapping


@dataclass(frozen=True)
class SearchOptions:
    """How to search: at most `budget` mappings (None: all), from `seed`, in `memory_bytes`, on `device`.

    `front` asks for the mappings that no other beats in both cycles and energy, too.
    """

    budget: int | None = None
    seed: int = 0
    memory_bytes: int = 2**30
    device: str = "numpy"
    front: bool = False


@dataclass(frozen=True)
class Step:
    """How far a search is, and the best so far."""

    done: int
    total: int
    best_cycles: int | None = None
    best_energy_pj: float | None = None


@dataclass(frozen=True)
class FrontPoint:
    """A mapping that no other beats in both cycles and energy."""

    cycles: int
    energy_pj: float
    mapping: LoopMapping


@dataclass(frozen=True)
class Found:
    """The best mapping of a mapspace, and how it was found; `pruned` counts mappings by the rule that dropped them."""

    mapping: LoopMapping
    cycles: int
    energy_pj: float
    objective: str
    candidates: int
    tried: int
    valid: int
    pruned: Mapping[str, int]
    proven: bool
    gap: float | None
    interrupted: bool
    certificate: str
    front: tuple[FrontPoint, ...]
    assumptions: tuple[str, ...]


Progress = Callable[[Step], None]


def search(
    design: Design,
    constraints: Constraints,
    objective: str = "cycles",
    *,
    options: SearchOptions | None = None,
    progress: Progress | None = None,
) -> Found:
    """The best mapping under constraints, open choices of keep and bypass included; every mapping is tried.

    Raises InputError for an objective that is not known and MappingError when no mapping is valid. Ctrl-C returns the
    best mapping so far, when there is one.
    """
    chosen = choices(design, constraints)
    total = sum(space.size for space in chosen.spaces)
    found: list[one.Found] = []
    errors: list[MappingError] = []
    done, interrupted = 0, False
    for space in chosen.spaces:
        try:
            found.append(one.search_space(space, objective, _admitting(space), _told(progress, done, total, found)))
        except MappingError as error:
            errors.append(error)
        except KeyboardInterrupt:
            if not found:
                raise
            interrupted = True
            break
        done += space.size
    if not found:
        raise errors[0]
    return _best(found, objective, total, interrupted)


def _best(found: list[one.Found], objective: str, total: int, interrupted: bool) -> Found:
    def key(each: one.Found) -> tuple[float, ...]:
        scores = one.OBJECTIVES[objective](np.array([each.cycles]), np.array([each.energy_pj]))
        return tuple(float(score[0]) for score in scores)

    best = min(found, key=key)
    tried = sum(each.tried for each in found)
    certificate = (
        f"best of the {tried} mappings tried before it was interrupted"
        if interrupted
        else f"optimal over {tried} mappings, all that may fit"
    )
    assumptions = tuple(text for text in best.assumptions if "not searched" not in text)
    return Found(
        best.mapping,
        best.cycles,
        best.energy_pj,
        objective,
        total,
        tried,
        sum(each.valid for each in found),
        {},
        not interrupted,
        None if interrupted else 0.0,
        interrupted,
        certificate,
        (FrontPoint(best.cycles, best.energy_pj, best.mapping),),
        assumptions,
    )


def _told(progress: Progress | None, before: int, total: int, found: list[one.Found]) -> one.Progress | None:
    if progress is None:
        return None

    def tell(done: int, _: int) -> None:
        best = min(found, key=lambda each: each.cycles, default=None)
        figures = (best.cycles, best.energy_pj) if best else (None, None)
        progress(Step(before + done, total, *figures))

    return tell


def _admitting(space: Space) -> one.Evaluate:
    """The engine, with mappings that use too little of the hardware made invalid."""
    if not space.parallelism:
        return evaluate_batch

    def evaluate(design: Design, nest: LoopNest, bounds: NDArray[np.int64]) -> Batch:
        batch = evaluate_batch(design, nest, bounds)
        rows = np.ones((len(bounds), len(space.blocks), len(design.problem.dims)), dtype=np.int64)
        places = {(block.level, block.kind == "temporal"): index for index, block in enumerate(space.blocks)}
        for column, loop in enumerate(nest.loops):
            place = places[loop.level, loop.kind == "temporal"]
            rows[:, place, design.problem.dims.index(loop.dim)] = bounds[:, column]
        return replace(batch, valid=batch.valid & admitted(space, rows))

    return evaluate
