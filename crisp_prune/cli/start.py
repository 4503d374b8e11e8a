"""The entry point: `crisp-prune`. Loads nothing but what an ending needs; the rest is loaded inside of it."""

import signal
import sys

from crisp_prune.cli.ending import ended, leave_on_interrupt


def main() -> None:
    """Run the command line; ends the process."""
    leave_on_interrupt()
    code = ended(_run)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is said and written: the way out is not interrupted again
    sys.exit(code)


def _run() -> None:
    """Load the commands, and run the one asked for."""
    from crisp_prune.cli.commands import app

    app(prog_name="crisp-prune")
