"""Many searches: each is made once, looked up first, and on several cores where that pays."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from crisp_hw.errors import InputError
from crisp_hw.machine.pool import WorkerPool, answer_of, forkable, say
from crisp_hw.machine.store import Store
from crisp_hw.mapper.found import Progress, SearchStatus
from crisp_hw.searches.solve import Solved, Task, confirmed, is_kept, recall, solve


class Solve(Protocol):
    """Answers to tasks."""

    def __call__(self, task: Task) -> Solved:
        """The answer to one task; waits for it, or finds it. Raises what the search raised."""

    def announce(self, tasks: Sequence[Task]) -> None:
        """Say which tasks will be asked for, so that other processes may begin them."""


PATIENCE_S = 1.0  # processor seconds that one process searches before it considers starting others
EVERY_S = 1.0  # so often a search is told of, from the first such time on: most of a network take hundredths of it
WORTH_S = 2.0  # searching left that pays for starting Python and NumPy once more per core (about 0.3 s each)
ENOUGH = 8  # searches that pay for two forks: each search takes 0.01 s or more, a fork 0.01 s, measured


@contextmanager
def solving(jobs: int | None = 1, store: Store | None = None, progress: Progress | None = None) -> Iterator[Solve]:
    """Answers to tasks; what is found, and which error is raised, does not depend on `jobs` or the store.

    `jobs` processes search; None: one, and all cores as soon as that pays. Where this process may fork
    (`machine.pool.forkable`) they begin with what is announced; elsewhere they are spawned (the caller's main module
    needs its `if __name__ == "__main__"`). They end with the block, however it ends, and with this process. `progress`
    is told of a search that is waited for, once a second.
    InputError unless `jobs` is positive.
    """
    if jobs is not None and jobs < 1:
        raise InputError(f"{jobs} jobs: give 1 or more")
    solver = _Solver(jobs, store, progress)
    try:
        yield solver
    except BaseException:
        solver.end(at_once=True)
        raise
    solver.end(at_once=False)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Solver:
    """Tasks by key, answered in the order in which they are asked for."""

    def __init__(self, jobs: int | None, store: Store | None, progress: Progress | None = None) -> None:
        self._jobs, self._store, self._progress = jobs, store, progress
        self._known: dict[str, Solved] = {}
        self._waiting: dict[str, Task] = {}
        self._running: dict[str, Future[Solved]] = {}
        self._workers: WorkerPool | None = None
        self._searches, self._seconds = 0, 0.0

    def __call__(self, task: Task) -> Solved:
        if task.key not in self._known:
            self._known[task.key] = self._answer(task)
            self._waiting.pop(task.key, None)
        return self._known[task.key]

    def announce(self, tasks: Sequence[Task]) -> None:
        """Hand what is not kept to forks of this process, where there are or may be some; the rest waits."""
        new = {task.key: task for task in tasks if task.key not in self._waiting and task.key not in self._known}
        self._waiting |= new
        if self._jobs == 1 or not (self._workers or forkable()):
            return
        missing = [task for task in (new if self._workers else self._waiting).values() if not self._kept(task)]
        if self._workers is None:
            many = self._jobs or min(cores(), len(missing))
            if many < 2 or len(missing) < (2 if self._jobs else ENOUGH):
                return
            import crisp_hw.mapper.search  # noqa: F401 - once, before there are copies of this process

            self._workers = WorkerPool(many, forked=True)
        self._hand_over(missing, self._workers)

    def end(self, at_once: bool) -> None:
        """Wait for the processes, or end them without waiting for what they search."""
        if self._workers is not None:
            self._workers.end(at_once)

    def _answer(self, task: Task) -> Solved:
        if task.key not in self._running:
            kept = self._recalled(task)
            if kept is not None:
                return kept
            self._start_workers_if_worthwhile()
        if task.key in self._running:
            return self._waited_for(task.key, self._running.pop(task.key))
        # processor seconds: on a busy machine searches take longer, and so do processes that are started
        start = time.process_time()
        found = solve(task, self._store, self._progress and _OnceASecond(self._progress))
        self._searches, self._seconds = self._searches + 1, self._seconds + time.process_time() - start
        return found

    def _waited_for(self, key: str, running: "Future[Solved]") -> Solved:
        """The answer of a process, and meanwhile what it says of itself."""
        while self._progress and self._workers and not wait([running], EVERY_S).done:
            for status in [status for name, status in self._workers.heard() if name == key][-1:]:
                self._progress(status)
        return answer_of(running)

    def _recalled(self, task: Task) -> Solved | None:
        """What is kept of a task; the engine counts again what is used, until one entry is confirmed."""
        if self._store is None or (kept := recall(task, self._store)) is None:
            return None
        return kept if confirmed(task, kept, self._store) else None

    def _start_workers_if_worthwhile(self) -> None:
        """Hand everything that is not kept yet to other processes, once, if that pays."""
        if self._workers is not None or self._jobs == 1:
            return
        missing = self._missing()
        many = min(self._jobs or cores(), len(missing))
        if many > 1 and (self._jobs is not None or self._pays(len(missing))):
            self._workers = WorkerPool(many, forked=forkable())
            self._hand_over(missing, self._workers)

    def _missing(self) -> list[Task]:
        return [task for task in self._waiting.values() if not self._kept(task)]

    def _hand_over(self, tasks: Sequence[Task], workers: WorkerPool) -> None:
        work = solve if self._progress is None else _solve_aloud
        self._running |= workers.submit_all({each.key: (work, (each, self._store)) for each in tasks})

    def _kept(self, task: Task) -> bool:
        return self._store is not None and is_kept(task, self._store)

    def _pays(self, missing: int) -> bool:
        return self._seconds > PATIENCE_S and self._seconds / self._searches * missing > WORTH_S


@dataclass
class _OnceASecond:
    """Passes on what a search says of itself, once a second, and nothing in the first one."""

    progress: Progress
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._told = self.clock()

    def __call__(self, status: SearchStatus) -> None:
        if (now := self.clock()) >= self._told + EVERY_S:
            self._told = now
            self.progress(status)


def _solve_aloud(task: Task, store: Store | None) -> Solved:
    """What a process does whose parent is to hear of it."""
    return solve(task, store, _OnceASecond(lambda status: say((task.key, status))))
