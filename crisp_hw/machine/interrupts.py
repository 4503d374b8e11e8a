"""Signals that would end the process, held back for the few steps that must not be torn apart."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_HELD = (*ENDING, signal.SIGALRM)  # the alarm repeats what came while a module was loaded (`ending`)


@contextmanager
def held_back() -> Iterator[None]:
    """Take SIGINT, SIGTERM, SIGHUP and SIGALRM only when the block is through; no change in threads but the first.

    Handlers are exchanged instead of signals masked, because a mask holds for one thread, and libraries start others.

    Examples
    --------
    >>> with held_back():
    ...     print("nobody interrupts this")
    nobody interrupts this
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)

    # A handler that was not set from Python (None) cannot be put back, and one that ignores needs no care.
    before = {each: signal.getsignal(each) for each in _HELD}
    changed = {each: handler for each, handler in before.items() if handler not in (None, signal.SIG_IGN)}
    try:
        for each in changed:
            signal.signal(each, note)
        yield
    finally:
        for each in reversed(changed):  # Ctrl-C last: until then it is noted, so that it leaves no other handler out
            signal.signal(each, changed[each])
        for number in dict.fromkeys(came):
            signal.raise_signal(number)


@contextmanager
def ending_as_interrupts() -> Iterator[list[int]]:
    """Let SIGTERM and SIGHUP interrupt the block as Ctrl-C does, so that it can end with what it has by then.

    Gives the list of those that came. An interrupt that leaves the block with any of them ends the process as the
    last would have (SystemExit). In threads other than the first, no change.

    Examples
    --------
    >>> with ending_as_interrupts() as came:
    ...     try:
    ...         signal.raise_signal(signal.SIGTERM)
    ...     except KeyboardInterrupt:
    ...         print("what there is by now is written,", came == [signal.SIGTERM])
    what there is by now is written, True
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        came.append(number)
        handler = signal.getsignal(signal.SIGINT)  # it may wait for the right moment
        if not callable(handler):
            raise KeyboardInterrupt
        handler(signal.SIGINT, frame)

    before = {each: signal.getsignal(each) for each in ENDING if each != signal.SIGINT}
    changed = {each: handler for each, handler in before.items() if handler not in (None, signal.SIG_IGN)}
    for each in changed:
        signal.signal(each, interrupt)
    try:
        yield came
    except KeyboardInterrupt:
        if not came:
            raise
        raise SystemExit(128 + came[-1]) from None
    finally:
        for each, handler in changed.items():
            signal.signal(each, handler)
