"""Who judges points: this process, processes beside it (loky), or workers anywhere (Dask distributed).

Each takes some points and gives what they cost as it comes, with the place of the point. A worker that dies loses the
point that it was at, which another one gets.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from crisp_hw.errors import InputError
from crisp_hw.exploration.extra import needed
from crisp_hw.exploration.judge import judge
from crisp_hw.exploration.subject import Subject
from crisp_hw.machine.pool import WorkerLost
from crisp_hw.spec.study import Judged, Point

Crowd = Callable[[Sequence[Point]], Iterator[tuple[int, Judged]]]
"""Judges points, and gives the place and the cost of each as it comes."""
Work = Callable[[Subject, Point], Judged]
"""What is done with a point; workers get it by its name."""
TRIES = 3  # of a point whose worker dies each time; not given; assumed because Dask's allowed-failures is 3, too
_PARENT_S = 0.5  # between two looks whether the parent still lives


@contextmanager
def crowd(workers: Any, subject: Subject, work: Work = judge) -> Iterator[Crowd]:
    """Judges for a number of workers (1: this process) or a client of Dask; they end with the block."""
    if isinstance(workers, int) and not isinstance(workers, bool):
        if workers < 1:
            raise InputError(f"{workers} workers", hint="give 1 or more, or a client of Dask")
        if workers == 1:
            yield lambda points: ((place, work(subject, point)) for place, point in enumerate(points))
            return
        with ExitStack() as stack:
            slots = [_Slot(subject, work) for _ in range(workers)]
            for slot in slots:
                stack.callback(slot.end)
            yield lambda points: _beside(slots, points)
        return
    if not hasattr(workers, "scatter"):
        said = f"workers is {type(workers).__name__}"
        raise InputError(said, hint="give a number of processes, or a dask.distributed.Client")
    scattered = workers.scatter(subject, broadcast=True)
    yield lambda points: _elsewhere(workers, partial(workers.submit, work, scattered, pure=False), points)


def _begin(parent: int) -> None:
    """In a new process: do not hear Ctrl-C, which the driver decides about, and end when the driver is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class _Slot:
    """One process of loky, and a new one where it died: with a pool for each, a killed one takes no other with it."""

    def __init__(self, subject: Subject, work: Work) -> None:
        self._subject, self._work = subject, work
        self._pool: Any = None

    def submit(self, point: Point) -> "Future[Judged]":
        """Begin to judge a point."""
        if self._pool is None:
            loky = needed("loky", "more than one worker")
            self._pool = loky.ProcessPoolExecutor(1, timeout=None, initializer=_begin, initargs=(os.getpid(),))
        running: Future[Judged] = self._pool.submit(self._work, self._subject, point)
        return running

    def lost(self) -> None:
        """The process died."""
        self.end()
        self._pool = None

    def end(self) -> None:
        """End the process, whatever it does."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=True)


def _beside(slots: Sequence[_Slot], points: Sequence[Point]) -> Iterator[tuple[int, Judged]]:
    """Points over processes, one at a time each."""
    free, waiting = list(slots), [(place, TRIES) for place in reversed(range(len(points)))]
    running: dict[Future[Judged], tuple[_Slot, int, int]] = {}
    while waiting or running:
        while free and waiting:
            place, tries = waiting.pop()
            slot = free.pop()
            running[slot.submit(points[place])] = (slot, place, tries)
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for each in done:
            slot, place, tries = running.pop(each)
            free.append(slot)
            error = each.exception()
            if error is None:
                yield place, each.result()
            elif _is_death(error):
                slot.lost()
                if tries == 1:
                    raise _lost(points[place]) from error
                waiting.append((place, tries - 1))
            else:
                raise error


def _is_death(error: BaseException) -> bool:
    """Is it a process that is gone?"""
    return isinstance(error, needed("loky", "more than one worker").process_executor.BrokenProcessPool)


def _lost(point: Point) -> WorkerLost:
    said = ", ".join(f"{name}={value}" for name, value in point.items())
    return WorkerLost(f"{TRIES} workers ended without an answer at {said}", hint="take fewer workers, or 1")


def _raise(future: Any, point: Point, killed: type[Exception]) -> None:
    """Raise what a point of a scheduler ended with."""
    try:
        future.result()
    except killed as error:
        raise _lost(point) from error


def _elsewhere(client: Any, submit: Callable[[Point], Any], points: Sequence[Point]) -> Iterator[tuple[int, Judged]]:
    """Points over the workers of a scheduler, which gives those of one that died to another."""
    distributed = needed("distributed", "a scheduler")
    running = {submit(point): place for place, point in enumerate(points)}
    try:
        # results come over as soon as they are there, however busy this thread is: a worker that dies takes with it
        # what it holds, too
        for each, judged in distributed.as_completed(list(running), with_results=True, raise_errors=False):
            if each.status != "finished":
                _raise(each, points[running[each]], distributed.KilledWorker)
            yield running[each], judged
    except BaseException:
        client.cancel(list(running))
        raise
