"""Which of Timeloop's programs are installed."""

import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from crisp_hw.backends.timeloop.failure import ToolError

Runner = Literal["timeloop-model", "pytimeloop", "timeloop-mapper"]
RUNNERS: tuple[Runner, ...] = ("timeloop-model", "pytimeloop", "timeloop-mapper")
"""In order of preference: the first writes most, the last has to be pinned to one mapping."""

INSTALL = "build github.com/NVlabs/timeloop and put timeloop-model on PATH, or use the image of docker/Dockerfile.full"


@dataclass(frozen=True)
class Tool:
    """A way to run Timeloop: the start of its command line (documents follow), and the prefix of its output files."""

    runner: Runner
    command: tuple[str, ...]
    prefix: str


def installed() -> dict[Runner, Tool]:
    """Every way that there is on this machine."""
    found: dict[Runner, Tool] = {}
    for runner in RUNNERS:
        tool = _pytimeloop() if runner == "pytimeloop" else _program(runner)
        if tool:
            found[runner] = tool
    return found


def find_tool(runner: Runner | None = None) -> Tool:
    """The runner of that name, or the first that is installed; ToolError says how to get one.

    >>> find_tool("timeloop-modle")
    Traceback (most recent call last):
    ...
    crisp_hw.backends.timeloop.failure.ToolError: there is no way to run Timeloop called timeloop-modle; there are ...
    """
    if runner is not None and runner not in RUNNERS:
        raise ToolError(f"there is no way to run Timeloop called {runner}", hint=f"there are {', '.join(RUNNERS)}")
    tools = installed()
    wanted = [runner] if runner else list(RUNNERS)
    for name in wanted:
        if name in tools:
            return tools[name]
    raise ToolError(f"{' or '.join(wanted)} is not installed", hint=f"{INSTALL}; `crisp-hw doctor` says what is there")


def _program(name: Literal["timeloop-model", "timeloop-mapper"]) -> Tool | None:
    path = shutil.which(name)
    return Tool(name, (path,), name) if path else None


def _pytimeloop() -> Tool | None:
    """The bindings in a child of their own: their C++ ends the whole process on an error."""
    if find_spec("pytimeloop") is None:
        return None
    child = (sys.executable, "-m", "crisp_hw.backends.timeloop.bindings")
    return Tool("pytimeloop", child, "timeloop-model")
