"""How a command ends: an error of the user's making is one sentence and an exit code, never a traceback."""

import os
import sys
import traceback
from collections.abc import Callable

from crisp_hw.errors import CrispError

INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
NO_READER = 141  # 128 + SIGPIPE, the same


def ended(command: Callable[[], object], debug: bool = False) -> int:
    """Run a command to its end; its exit code, what went wrong said on stderr (with `debug`, the traceback too).

    >>> ended(lambda: None)
    0
    """
    try:
        command()
        sys.stdout.flush()
    except CrispError as error:
        if debug:
            traceback.print_exception(error)
        sys.stderr.write(f"crisp-hw: error: {_one_line(str(error))}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("crisp-hw: interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the final flush fails again
        return NO_READER
    return 0


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
