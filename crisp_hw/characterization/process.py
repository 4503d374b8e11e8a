"""A foreign program under a time limit: on expiry, or when we are interrupted, its whole process group is killed."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from crisp_hw.errors import InputError

SHOWN_LINES = 6  # of a program's output, in an error


@dataclass(frozen=True)
class Finished:
    """A program that ended by itself: its exit code (negative: killed by that signal) and all that it printed."""

    code: int
    output: str

    @property
    def tail(self) -> str:
        """The last lines of the output on one line, for an error."""
        lines = [" ".join(line.split()) for line in self.output.splitlines() if line.strip()]
        return " / ".join(lines[-SHOWN_LINES:]) or "no output"


def run_limited(command: Sequence[str], folder: Path, limit_s: float) -> Finished:
    """Runs a command in a folder, without input, for at most `limit_s` seconds.

    The command gets a process group of its own, so that its children die with it. Raises InputError when it cannot be
    started or does not end in time.

    >>> run_limited(["sh", "-c", "echo done; exit 3"], Path("."), 5)
    Finished(code=3, output='done\\n')
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise InputError(f"{command[0]}: cannot be started ({error.strerror}); check the installation") from error
    try:
        output, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{command[0]}: did not end within {limit_s:g} s and was stopped; raise the limit") from error
    finally:
        _end(process)
    return Finished(process.returncode, output.decode("utf-8", errors="replace"))


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill what is left of the group; a group that is gone is what we want."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
