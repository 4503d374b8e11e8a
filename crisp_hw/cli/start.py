"""What `crisp-hw` runs: the short way for `crisp-hw model`, else the general parser."""

import gc
import sys

PROGRAM = "crisp-hw"
SELDOM = (50_000, 20, 50)  # allocations between collections: 7 % less time in an evaluation of ResNet-50, measured


def run() -> None:
    """Read the command line and run what it asks for."""
    from crisp_hw.cli.quick import quick_run

    gc.set_threshold(*SELDOM)

    asked = quick_run(sys.argv[1:])
    if asked is not None:
        from crisp_hw.cli.run_model import run_model
        from crisp_hw.command_line.faults import telling

        telling(lambda: run_model(asked), lambda: asked.form == "json")
        return
    from crisp_hw.cli.commands import COMMANDS, app_of
    from crisp_hw.command_line import voice

    voice.remember([PROGRAM, *sys.argv[1:]])
    # to load all commands takes as long as a small evaluation; help, completion and mistakes need them
    asked_for = [word for word in sys.argv[1:2] if word in COMMANDS]
    app_of(asked_for or COMMANDS)(prog_name=PROGRAM)
