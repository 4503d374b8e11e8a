"""Who answers works: this process, and others beside it once that pays."""

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from types import TracebackType

from crisp_hw.machine.pool import WorkerPool, answer_of
from crisp_hw.mapper.exact.setting import Setting
from crisp_hw.mapper.exact.work import Answer, Work, Worker
from crisp_hw.mapper.space import Space

ALONE_S = 1.0  # of joins in this process before others are started, which takes each of them about as long
PATIENCE_S = 0.5  # so often is progress told while others work


class _Here:
    """The worker of a process that was started for it."""

    worker: Worker | None = None


def begin(spaces: tuple[Space, ...], objective: str, memory_bytes: int, gap: float) -> None:
    """In a new process: get ready for works on some spaces."""
    _Here.worker = Worker(Setting(spaces), objective, memory_bytes, gap)


def answered(work: Work) -> Answer:
    """In such a process: the answer to a work."""
    assert _Here.worker is not None
    return _Here.worker.answer(work)


@dataclass
class Workers:
    """Answers works in the order in which they are given; `jobs` processes at most. `tick` is called while it waits."""

    worker: Worker
    jobs: int
    tick: Callable[[], None]
    alone_s: float = ALONE_S
    stopped: bool = False
    _pool: WorkerPool | None = None
    _since: float = field(default_factory=time.perf_counter)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.end(at_once=error is not None)

    def give(self, work: Work) -> Callable[[], Answer]:
        """Begin with a work; what is returned waits for its answer."""
        if self._pool is None and self.jobs > 1 and time.perf_counter() - self._since >= self.alone_s:
            one = self.worker
            # each may take what one takes: with less memory it would look at pairs in other portions
            told = one.setting.spaces, one.objective, one.memory_bytes, one.gap
            self._pool = WorkerPool(self.jobs, (begin, told))
        if self._pool is None:
            found = self.worker.answer(work)
            self.stopped = found.interrupted
            return lambda: found
        running = self._pool.submit(answered, work)
        return lambda: self._awaited(running)

    def interrupt(self) -> None:
        """Have the others end what they are at."""
        if self._pool is not None:
            self._pool.interrupt()

    def _awaited(self, running: "Future[Answer]") -> Answer:
        try:
            while not running.done():
                wait([running], PATIENCE_S)
                self.tick()
        except KeyboardInterrupt:
            if not running.done():
                self.interrupt()
            return _stopped(running)
        return answer_of(running)


def _stopped(running: "Future[Answer]") -> Answer:
    """What a work had found when it was interrupted."""
    if running.cancel():
        return Answer(None, 0, 0, 0, interrupted=True)
    try:
        return replace(answer_of(running), interrupted=True)
    except KeyboardInterrupt:
        return Answer(None, 0, 0, 0, interrupted=True)
