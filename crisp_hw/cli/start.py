"""The entry point: `crisp-hw`."""

import io
import sys

from crisp_hw.cli.ending import ended
from crisp_hw.cli.quick import quick_run


def main() -> None:
    """Run the command line; ends the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without our dashes shows question marks
    asked = quick_run(sys.argv[1:])
    if asked is not None:
        from crisp_hw.cli.run_model import run_model

        sys.exit(ended(lambda: run_model(asked)))
    from crisp_hw.cli.app import app

    app(prog_name="crisp-hw")
