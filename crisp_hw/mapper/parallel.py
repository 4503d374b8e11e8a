"""The search of one mapspace on several cores: what levels keep is settled, each choice is searched by a process."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace

import numpy as np

from crisp_hw.errors import InputError, MappingError
from crisp_hw.machine.pool import WorkerPool, answer_of
from crisp_hw.mapper.bypass import spaces
from crisp_hw.mapper.found import Found, Progress, SearchStatus
from crisp_hw.mapper.plan import plan_of
from crisp_hw.mapper.search import search
from crisp_hw.mapper.tally import OBJECTIVES, FrontPoint, undominated
from crisp_hw.mapper.watch import Watch
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.design import Design
from crisp_hw.spec.options import SearchOptions


@dataclass
class _Answers:
    """What the processes have said so far; `total` counts the factorizations of all choices."""

    total: int
    sizes: dict["Future[Found]", int]
    found: list[Found] = field(default_factory=list)
    errors: list[MappingError] = field(default_factory=list)
    done: int = 0
    interrupted: bool = False


@dataclass(frozen=True)
class ParallelSearch:
    """`search` by `jobs` processes: a template at a time where templates prove (`exact.workers`), else a choice of keep
    and bypass at a time. One process does one choice where every mapping is gone through.

    A budget and the memory are divided, so that with a budget other mappings are tried than by one process; without
    one the mapping has the same score. Processes are spawned (the caller's main module needs its `if __name__ ==
    "__main__"`). Ctrl-C ends all of them and returns the best so far. Raises InputError unless `jobs` is positive, and
    as `search`.
    """

    jobs: int = 1

    def __call__(
        self,
        design: Design,
        constraints: Constraints,
        objective: str = "cycles",
        options: SearchOptions | None = None,
        progress: Progress | None = None,
    ) -> Found:
        """The best mapping; arguments as of `search`."""
        if self.jobs < 1:
            raise InputError(f"{self.jobs} jobs", hint="give 1 or more")
        chosen = spaces(design, constraints)
        many = min(self.jobs, len(chosen))
        if many == 1 or plan_of(chosen, options or SearchOptions()).exact:  # what one choice finds ends the others
            return search(design, constraints, objective, options=options, progress=progress, jobs=self.jobs)
        share = _share(options or SearchOptions(), len(chosen), many)
        calls = {
            str(place): (_search, (design, space.constraints, objective, share)) for place, space in enumerate(chosen)
        }
        with Watch(progress) as watch, WorkerPool(many) as pool:
            running = pool.submit_all(calls)
            sizes = {each: space.size for each, space in zip(running.values(), chosen, strict=True)}
            answers = _gather(sizes, watch.tell, pool.interrupt)
        return replace(_merged(answers, objective, share.front), history=watch.ended(None, None))


def _search(design: Design, constraints: Constraints, objective: str, options: SearchOptions) -> Found:
    """What a process does."""
    return search(design, constraints, objective, options=options)


def _share(options: SearchOptions, choices: int, many: int) -> SearchOptions:
    budget = None if options.budget is None else max(1, options.budget // choices)
    return replace(options, budget=budget, memory_bytes=options.memory_bytes // many)


def _gather(running: dict["Future[Found]", int], progress: Progress | None, interrupt: Callable[[], None]) -> _Answers:
    """The answers as they come; after Ctrl-C, which is passed on, those of the searches that are under way."""
    answers = _Answers(sum(running.values()), running)
    waiting = set(running)
    while waiting:
        try:
            ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for each in ended:
                _take(answers, each)
            if progress:
                progress(_step(answers))
        except KeyboardInterrupt:
            answers.interrupted = True
            interrupt()
            waiting = {each for each in waiting if not each.cancel()}
    return answers


def _step(answers: _Answers) -> SearchStatus:
    best = min(answers.found, key=lambda found: found.cycles, default=None)
    figures = (best.cycles, best.energy_pj) if best else (None, None)
    return SearchStatus(answers.done, answers.total, *figures)


def _take(answers: _Answers, ended: "Future[Found]") -> None:
    answers.done += answers.sizes[ended]
    try:
        found = answer_of(ended)
    except MappingError as error:
        answers.errors.append(error)
    except KeyboardInterrupt:
        answers.interrupted = True
    else:
        answers.found.append(found)
        answers.interrupted |= found.interrupted


def _merged(answers: _Answers, objective: str, front: bool) -> Found:
    if not answers.found:
        raise KeyboardInterrupt if answers.interrupted else answers.errors[0]
    best = min(answers.found, key=lambda found: (*_score(objective, found), str(found.mapping)))
    pruned = Counter[str]()
    for each in answers.found:
        pruned.update(each.pruned)
    proven = all(each.proven for each in answers.found) and not answers.interrupted
    return replace(
        best,
        candidates=answers.total,
        tried=sum(each.tried for each in answers.found),
        valid=sum(each.valid for each in answers.found),
        pruned=dict(pruned),
        proven=proven,
        gap=None,
        interrupted=answers.interrupted,
        front=_front([point for each in answers.found for point in each.front]) if front else best.front,
    )


def _score(objective: str, found: Found) -> tuple[float, float]:
    first, second = OBJECTIVES[objective](np.array([float(found.cycles)]), np.array([found.energy_pj]))
    return float(first[0]), float(second[0])


def _front(points: list[FrontPoint]) -> tuple[FrontPoint, ...]:
    """The points that no other beats, fewest cycles first."""
    kept = undominated(np.array([each.cycles for each in points]), np.array([each.energy_pj for each in points]))
    return tuple(points[place] for place in kept)
