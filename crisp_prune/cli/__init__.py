"""The command `crisp-prune`: parse, run one job or one dry run, print.

Nothing is loaded here, so that an interrupt is met from the first moment on.
"""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; ends the process."""
    try:
        from crisp_hw.machine.ending import run_program
        from crisp_prune.cli.start import PROGRAM, run

        run_program(PROGRAM, run)
    except KeyboardInterrupt:  # before or after the time in which `run_program` watches
        sys.stderr.write("crisp-prune: interrupted\n")
        sys.exit(130)
