"""How a command ends: with one sentence and an exit code, never with a traceback."""

import errno
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from crisp_hw.errors import CrispError

INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
NO_READER = 141  # 128 + SIGPIPE, the same


def leave_on_interrupt() -> None:
    """Until something is at stake, an interrupt ends the process at once: imports do not survive an exception well."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, b"crisp-prune: interrupted\n")
    os._exit(INTERRUPTED)


def interruptible(command: Callable[[], object]) -> int:
    """As `ended`; an interrupt is an exception from here on, so that files are closed and nothing is left half done."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return ended(command)


def ended(command: Callable[[], object]) -> int:
    """Run a command to its end; its exit code, what went wrong said on stderr.

    >>> ended(lambda: None)
    0
    """
    try:
        code = _code(command)
        sys.stdout.flush()
        return code
    except CrispError as error:
        return _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted; a run that had begun continues with --resume", INTERRUPTED)
    except BrokenPipeError:
        _drop_output()
        return NO_READER
    except OSError as error:
        _drop_output()
        return _say(_sentence(error), 1)
    except ModuleNotFoundError as error:
        if error.name == "torch":
            return _say('this needs PyTorch; pip install "crisp-hw[torch]"', 1)
        return _say(f"{error}; install it", 1)
    except MemoryError:
        return _say("the memory is used up; take smaller batches, or a smaller model", 1)


def _code(command: Callable[[], object]) -> int:
    """The exit code of a command, which typer hands over as an exception."""
    try:
        command()
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    return 0


def _sentence(error: OSError) -> str:
    """What the system refused, where, and what helps."""
    said = error.strerror or str(error)
    place = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return f"{place}{said}; free some space, then continue with --resume"
        case errno.EMFILE | errno.ENFILE:
            return f"{place}{said}; raise the limit (ulimit -n 256 or more)"
    return f"{place}{said}"


def _say(text: str, code: int) -> int:
    """One line on stderr, whatever the text holds."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    try:
        sys.stderr.write(f"crisp-prune: {line}\n")
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    return code


def _drop_output() -> None:
    """What is left in the buffer of stdout goes nowhere, or the final flush would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
