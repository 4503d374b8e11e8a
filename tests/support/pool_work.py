"""What workers are given to do in tests: a room that their processes find wherever the suite was started."""

import os
import time
from pathlib import Path

from crisp_hw.machine.pool import say


def note(path):
    """Write the number of the process that works, and give the path back."""
    Path(path).write_text(str(os.getpid()))
    return path


def hang(path):
    """Say who works, then wait to be interrupted."""
    note(path)
    try:
        time.sleep(300)
    except KeyboardInterrupt:
        return "interrupted"


def die(_):
    """End without an answer, as a process does that is killed."""
    os._exit(7)


def chatter(many):
    """Say so many things of itself, whether anybody listens or not."""
    for number in range(many):
        say(number)
    return many
