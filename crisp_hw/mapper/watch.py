"""A search as it is told: at least once a second, and what was best when."""

import threading
import time
from dataclasses import dataclass, field, replace
from types import TracebackType

from crisp_hw.mapper.found import Moment, Progress, SearchStatus

EVERY_S = 1.0  # at the latest so long after something was told it is told again


@dataclass
class Watch:
    """Passes on what a search says of itself, again after a second without news, and keeps when it was better.

    The second is that of the clock: whatever the search is at, a thread beside it repeats the last state. What
    `progress` raises there, the search gets at its next word.
    """

    progress: Progress | None
    every_s: float = EVERY_S
    history: list[Moment] = field(default_factory=list)
    _last: SearchStatus | None = None
    _told: float = 0.0
    _start: float = field(default_factory=time.perf_counter)
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None
    _raised: BaseException | None = None

    def __enter__(self) -> "Watch":
        if self.progress is not None:
            self._thread = threading.Thread(target=self._repeat, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def tell(self, status: SearchStatus) -> None:
        """The state of the search by now."""
        if self._raised is not None:
            raised, self._raised = self._raised, None
            raise raised
        self._note(status)
        with self._lock:
            self._last, self._told = status, time.perf_counter()
            if self.progress is not None:
                self.progress(status)

    def _note(self, status: SearchStatus) -> None:
        """Keep what is better than what was there, and once a second how near the bound has come."""
        if status.best_cycles is None or status.best_energy_pj is None:
            return
        seconds, before = time.perf_counter() - self._start, self.history[-1] if self.history else None
        best = status.best_cycles, status.best_energy_pj
        late = before is not None and status.bound != before.bound and seconds >= before.seconds + self.every_s
        if before is None or (before.cycles, before.energy_pj) != best or late:
            self.history.append(Moment(seconds, *best, status.bound, status.gap))

    def ended(self, bound: float | None, gap: float | None) -> tuple[Moment, ...]:
        """What was best when, up to now, with what is known at the end."""
        if not self.history:
            return ()
        last = replace(self.history[-1], seconds=time.perf_counter() - self._start, bound=bound, gap=gap)
        return (*self.history, last)

    def _repeat(self) -> None:
        while not self._over.wait(max(0.01, self._told + self.every_s - time.perf_counter())):
            with self._lock:
                due = self._last is not None and time.perf_counter() >= self._told + self.every_s
                if due and self._last is not None and self.progress is not None and self._raised is None:
                    try:
                        self.progress(self._last)
                    except BaseException as error:  # noqa: BLE001 - the search raises it at its next word
                        self._raised = error
                if due or self._last is None:
                    self._told = time.perf_counter()
