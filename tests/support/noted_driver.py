"""`crisp-hw explore` whose workers note in $CRISP_HW_NOTED when they begin and end a point; run as a program."""

import json
import os
import sys
from functools import partial
from hashlib import sha256

from crisp_hw.exploration.judge import judge


def note(what, point):
    """One line, written at once: lines of several processes do not mix."""
    name = sha256(json.dumps(dict(point)).encode()).hexdigest()[:16]
    file = os.open(os.environ["CRISP_HW_NOTED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{what} {name} {os.getpid()}\n".encode())
    os.close(file)


def noted(subject, point):
    """Judge a point, and note it."""
    note("begin", point)
    found = judge(subject, point)
    note("end", point)
    return found


if __name__ == "__main__":
    import noted_driver

    from crisp_hw.api import design_spaces
    from crisp_hw.cli import main
    from crisp_hw.exploration.workers import crowd

    design_spaces.crowd = partial(crowd, work=noted_driver.noted)
    sys.exit(main())
