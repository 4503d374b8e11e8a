"""Programs of others: run with limits on their time and output, and ended together with their children, always.

A program gets a process group of its own. The group is killed when the program ends, at the limits, on an interrupt,
and, by a shell that waits beside it, when this process dies in whatever way.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from crisp_hw.errors import InputError
from crisp_hw.machine.interrupts import held_back
from crisp_hw.machine.staging import scratch

LOG_BYTES = 16 * 2**20  # a run prints a few hundred lines; beyond this it prints the same thing for ever
SHOWN_LINES = 6  # of a program's output, in an error
_SHORT_S, _LONG_S = 0.002, 0.05  # waits between two looks at a running program, growing from one to the other
_WATCH = 'read -r line; kill -s KILL -- "-$0"'  # its input ends with us

Ending = Literal["exited", "out of time", "log too long"]


@dataclass(frozen=True)
class Finished:
    """How a program ended: `status` is its exit status, negative for a signal as in `subprocess`; `log` a file."""

    ending: Ending
    status: int
    seconds: float
    log: Path


@dataclass(frozen=True)
class Completed:
    """A program that ended by itself: its exit status (negative: killed by that signal) and all that it printed."""

    status: int
    output: str

    @property
    def tail(self) -> str:
        """The last lines of the output on one line, for an error."""
        lines = [" ".join(line.split()) for line in self.output.splitlines() if line.strip()]
        return " / ".join(lines[-SHOWN_LINES:]) or "no output"


def run(
    command: Sequence[str], folder: Path, log: Path, limit_s: float, environment: Mapping[str, str] | None = None
) -> Finished:
    """Run a program without input, its two outputs into one file.

    Parameters
    ----------
    command, folder
        The program with its arguments, and where it runs.
    log
        The file for what it prints; beyond `LOG_BYTES` it is ended.
    limit_s
        Seconds after which it is ended.
    environment
        Its variables; None: ours.

    Raises
    ------
    OSError
        When it cannot be started.

    Examples
    --------
    >>> with scratch() as place:
    ...     done = run(["sh", "-c", "echo hello; exit 3"], place, place / "log", limit_s=10)
    ...     done.ending, done.status, done.log.read_text()
    ('exited', 3, 'hello\\n')
    """
    program: subprocess.Popen[bytes] | None = None
    started = time.monotonic()
    try:
        with contextlib.ExitStack() as watched:
            # An interrupt between the start of a program and the note of its number would leave it running.
            with held_back(), log.open("wb") as sink:
                program = _started(command, folder, sink.fileno(), environment)
                watched.enter_context(_watched(program.pid))
            ending = _wait(program, log, started + limit_s)
    finally:
        if program is not None:
            _end(program)
    return Finished(ending, program.returncode, time.monotonic() - started, log)


def complete(
    command: Sequence[str], folder: Path, limit_s: float, environment: Mapping[str, str] | None = None
) -> Completed:
    """As `run`, for a program that must end by itself; what it printed is read.

    Raises
    ------
    InputError
        When it cannot be started or meets a limit.

    Examples
    --------
    >>> complete(["sh", "-c", "echo done; exit 3"], Path("."), 5)
    Completed(status=3, output='done\\n')
    """
    with scratch() as place:
        try:
            done = run(command, folder, place / "log", limit_s, environment)
        except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
            hint = "check the installation"
            raise InputError(f"{command[0]}: cannot be started ({error.strerror}); {hint}") from error
        match done.ending:
            case "out of time":
                raise InputError(f"{command[0]}: did not end within {limit_s:g} s and was stopped; raise the limit")
            case "log too long":
                raise InputError(f"{command[0]}: printed more than {LOG_BYTES >> 20} MiB and was stopped; look at it")
            case "exited":
                return Completed(done.status, done.log.read_text(encoding="utf-8", errors="replace"))


def _started(
    command: Sequence[str], folder: Path, sink: int, environment: Mapping[str, str] | None
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        list(command),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=sink,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


@contextlib.contextmanager
def _watched(group: int) -> Iterator[None]:
    """Have a shell kill the group when this process is gone; where there is no shell, nobody does."""
    theirs, ours = os.pipe()
    watcher: subprocess.Popen[bytes] | None = None
    try:
        with contextlib.suppress(FileNotFoundError, PermissionError):
            command = ["/bin/sh", "-c", _WATCH, str(group)]
            null = subprocess.DEVNULL
            watcher = subprocess.Popen(command, stdin=theirs, stdout=null, stderr=null, start_new_session=True)
        os.close(theirs)
        yield
    finally:
        if watcher is not None:
            watcher.kill()
            watcher.wait()
        os.close(ours)


def _wait(program: "subprocess.Popen[bytes]", log: Path, deadline: float) -> Ending:
    pause = _SHORT_S
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(timeout=pause)
        if log.stat().st_size > LOG_BYTES:
            return "log too long"
        if program.returncode is not None:
            return "exited"
        if time.monotonic() > deadline:
            return "out of time"
        pause = min(2 * pause, _LONG_S)


def _end(program: "subprocess.Popen[bytes]") -> None:
    """Kill what is left of the process group, children of an ended program too, and reap the program."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left of the group
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()
