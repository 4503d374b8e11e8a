"""Runs a program in a folder, with a limit on its time and on what it writes, and leaves no process behind."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from crisp_hw.backends.timeloop.failure import ToolError

LOG_NAME = "timeloop.log"
LOG_BYTES = 16 * 2**20  # a run prints a few hundred lines; beyond this it prints the same thing for ever
_SHORT_S, _LONG_S = 0.002, 0.05  # waits between two looks at a running program, growing from one to the other

Ending = Literal["exited", "out of time", "log too long"]


@dataclass(frozen=True)
class Finished:
    """How a program ended: `status` is its exit status, negative for a signal as in `subprocess`; `log` a file."""

    ending: Ending
    status: int
    seconds: float
    log: Path


def run(command: Sequence[str], folder: Path, limit_s: float) -> Finished:
    """Run a program in a folder, both outputs into `timeloop.log` there; at the limit its whole process group dies.

    Whatever ends the wait (the limit, an interrupt, an error), the group is killed and the program reaped. Variables
    TIMELOOP_* are not passed on, because some change the numbers. Raises ToolError when the program cannot start.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = run(["sh", "-c", "echo hello; exit 3"], Path(folder), limit_s=10)
    ...     done.ending, done.status, done.log.read_text()
    ('exited', 3, 'hello\\n')
    """
    log = folder / LOG_NAME
    with log.open("wb") as sink:
        try:
            program = subprocess.Popen(
                list(command),
                cwd=folder,
                env=environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ToolError(f"{command[0]} cannot be started ({error.strerror}); run `crisp-hw doctor`") from error
    started = time.monotonic()
    try:
        ending = _wait(program, log, started + limit_s)
    finally:
        _end(program)
    return Finished(ending, program.returncode, time.monotonic() - started, log)


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The variables that a run sees.

    >>> environment({"PATH": "/bin", "TIMELOOP_DISABLE_LINK_TRANSFERS": "1"})
    {'PATH': '/bin', 'TIMELOOP_HIDE_INCONSEQUENTIAL_STATS': '0'}
    """
    kept = {name: value for name, value in given.items() if not name.startswith("TIMELOOP_")}
    return kept | {"TIMELOOP_HIDE_INCONSEQUENTIAL_STATS": "0"}  # or levels without accesses are left out


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
