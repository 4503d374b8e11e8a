"""Processes that work beside this one, on the executor of the standard library.

What joblib and loky add to it (reuse between calls, pickling of closures) is not needed here, and what is needed they
lack: workers that end at once with their parent, in whatever way that dies, and that do not hear Ctrl-C, which the
parent alone decides about. Both are a pipe and an event below.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from types import FrameType, TracebackType
from typing import Any, TypeVar

from crisp_hw.errors import CrispError
from crisp_hw.machine.interrupts import ENDING

Answer = TypeVar("Answer")


class WorkerLost(CrispError):
    """A worker is gone (exit code 4: it was not the user's input)."""

    exit_code = 4


def forkable() -> bool:
    """May this process fork? A fork starts in milliseconds, with everything that is loaded; a new Python in 0.4 s.

    On Linux alone, where no library of the system forbids it, and with no other thread of Python, which might hold a
    lock that nobody in the copy gives back; also such threads count that `threading` knows nothing of. Those of NumPy's
    OpenBLAS end before a fork, by its own handler; those of PyTorch's OpenMP do not.
    """
    alone = threading.active_count() == 1 and len(sys._current_frames()) == 1
    return sys.platform == "linux" and alone and "torch" not in sys.modules


class WorkerPool:
    """Processes; they live on a pipe whose other end closes when this process ends or wants them gone.

    Leaving the block waits for what is under way; leaving it by an error ends the workers at once. Spawned processes
    need the `if __name__ == "__main__"` of the caller's main module; `forked` ones do not, and are for a process that
    is `forkable`. Every process calls the function `first`, if there is one, with its arguments before anything else.
    """

    def __init__(
        self, many: int, first: tuple[Callable[..., None], tuple[Any, ...]] | None = None, forked: bool = False
    ) -> None:
        context = get_context("fork" if forked else "spawn")
        theirs, self._lifeline = context.Pipe(duplex=False)
        self._interrupted = context.Event()
        copied = self._lifeline if forked else None
        self._heard, self._saying = context.Pipe(duplex=False)
        os.set_blocking(self._saying.fileno(), False)
        ends = _Ends(theirs, self._interrupted, self._saying)
        self._pool = ProcessPoolExecutor(many, context, _begin, (ends, first, copied))

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(at_once=error is not None)

    def submit_all(self, calls: dict[str, tuple[Callable[..., Answer], tuple[Any, ...]]]) -> dict[str, Future[Answer]]:
        """Begin some calls, by name.

        Once for a pool of spawned processes, because the executor watches those that it knows by then; forks are all
        there from the first call on.
        """
        with _without_interrupts():  # which the processes inherit: Ctrl-C is for this one to handle
            running: dict[str, Future[Answer]] = {
                name: self._pool.submit(_work, function, arguments) for name, (function, arguments) in calls.items()
            }
            self._pool.submit(int)  # the executor watches those processes that it knew when it last got work: all, now
            return running

    def submit(self, function: Callable[..., Answer], *arguments: Any) -> Future[Answer]:
        """Begin one more call; for calls that follow each other, where `submit_all` is for all at once."""
        with _without_interrupts():
            return self._pool.submit(_work, function, arguments)

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in all calls that are under way or begin later."""
        self._interrupted.set()

    def heard(self) -> list[Any]:
        """What the calls said of themselves (`say`) since this was last asked."""
        found = []
        while self._heard.poll():
            found.append(self._heard.recv())
        return found

    def end(self, at_once: bool) -> None:
        """Wait for the workers, or end them without waiting for their calls."""
        if at_once:
            self._lifeline.close()
        self._pool.shutdown(wait=True, cancel_futures=at_once)
        for each in (self._lifeline, self._heard, self._saying):
            each.close()


def answer_of(running: Future[Answer]) -> Answer:
    """What a call returned or raised; WorkerLost where its process is gone."""
    try:
        return running.result()
    except BrokenProcessPool as error:
        said = "a process that searched ended without an answer (killed, or out of memory)"
        raise WorkerLost(said, hint="take fewer jobs, or 1") from error


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold SIGINT back; one that comes meanwhile is handled afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Here:
    """What a worker knows about itself."""

    busy = False
    interrupted: Event | None = None
    saying: Connection | None = None


def say(news: Any) -> None:
    """In a call of a worker: tell the process that waits for it (`WorkerPool.heard`).

    What finds the pipe full is dropped. It is shared by all workers, so `news` must be short: what is no longer than
    PIPE_BUF (POSIX: at least 512 bytes; Linux: 4096) is written whole or not at all.
    """
    if _Here.saying is not None:
        with suppress(BlockingIOError):
            _Here.saying.send(news)


@dataclass(frozen=True)
class _Ends:
    """A worker's ends of what leads to its parent."""

    lifeline: Connection
    interrupted: Event
    saying: Connection


def _begin(
    ends: _Ends,
    first: tuple[Callable[..., None], tuple[Any, ...]] | None = None,
    copied: Connection | None = None,
) -> None:
    """In a new process: end it at once when the other end of the pipe is closed; pass the parent's interrupts on.

    `copied` is that other end, of which a fork has a copy: as long as one is open, nobody hears the parent's end.
    """
    lifeline, interrupted = ends.lifeline, ends.interrupted
    _Here.interrupted, _Here.saying = interrupted, ends.saying
    if copied is not None:
        copied.close()

    def live_on() -> None:
        try:
            lifeline.recv_bytes()
        except (EOFError, OSError):
            os._exit(1)

    def listen() -> None:
        interrupted.wait()
        os.kill(os.getpid(), signal.SIGUSR1)  # a real signal, which ends waiting too; SIGINT is blocked here

    def interrupt(number: int, frame: FrameType | None) -> None:
        if _Here.busy:
            raise KeyboardInterrupt

    signal.signal(signal.SIGUSR1, interrupt)
    for each in ENDING:  # which reach a whole group of processes; the parent decides what follows, and ends this one
        signal.signal(each, signal.SIG_IGN)
    for work in (live_on, listen):
        threading.Thread(target=work, daemon=True).start()
    if first is not None:
        function, arguments = first
        function(*arguments)


def _work(function: Callable[..., Answer], arguments: tuple[Any, ...]) -> Answer:
    """One call in a worker."""
    try:
        _Here.busy = True
        if _Here.interrupted is not None and _Here.interrupted.is_set():
            raise KeyboardInterrupt
        return function(*arguments)
    finally:
        _Here.busy = False
