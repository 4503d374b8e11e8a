"""The command `crisp-hw`: parse, call one function of the API, print.

Nothing is loaded here, so that an interrupt is met from the first moment on.
"""

import sys

TYPE_CHECKING = False  # as in typing, which takes a while to load
if TYPE_CHECKING:
    from typing import Any

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; ends the process."""
    try:
        from crisp_hw.cli.start import PROGRAM, run
        from crisp_hw.machine.ending import run_program

        run_program(PROGRAM, run)
    except KeyboardInterrupt:  # before or after the time in which `run_program` watches
        sys.stderr.write("crisp-hw: interrupted\n")
        sys.exit(130)


def __getattr__(name: str) -> "Any":
    """`app`, all commands, when somebody asks for it: to load their parser takes longer than many a run."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from crisp_hw.cli.commands import whole_app

    return whole_app()
