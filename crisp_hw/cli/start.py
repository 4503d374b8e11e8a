"""The entry point: `crisp-hw`."""

import io
import signal
import sys
from types import FrameType

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
    from crisp_hw.cli.commands import app

    for number in {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:  # Windows has no SIGHUP
        if signal.getsignal(number) == signal.SIG_DFL:  # nohup has it ignored
            signal.signal(number, _leave)
    app(prog_name="crisp-hw")


def _leave(number: int, frame: FrameType | None) -> None:
    """End as an interrupt does, so that no program that was started and no folder that was made is left behind."""
    raise SystemExit(128 + number)
