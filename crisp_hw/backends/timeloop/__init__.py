"""The installed Timeloop as a backend."""

from typing import TYPE_CHECKING

from crisp_hw.machine.lazily import lazily

if TYPE_CHECKING:
    from crisp_hw.backends.timeloop.failure import ToolError
    from crisp_hw.backends.timeloop.run import Settings, TimeloopRun, evaluate, run_documents, run_point
    from crisp_hw.backends.timeloop.tools import RUNNERS, Runner, Tool, find_tool, installed

__all__ = [
    "RUNNERS",
    "Runner",
    "Settings",
    "TimeloopRun",
    "Tool",
    "ToolError",
    "evaluate",
    "find_tool",
    "installed",
    "run_documents",
    "run_point",
]

_PLACES = {
    "ToolError": "crisp_hw.backends.timeloop.failure",
    "Settings": "crisp_hw.backends.timeloop.run",
    "TimeloopRun": "crisp_hw.backends.timeloop.run",
    "evaluate": "crisp_hw.backends.timeloop.run",
    "run_documents": "crisp_hw.backends.timeloop.run",
    "run_point": "crisp_hw.backends.timeloop.run",
    "RUNNERS": "crisp_hw.backends.timeloop.tools",
    "Runner": "crisp_hw.backends.timeloop.tools",
    "Tool": "crisp_hw.backends.timeloop.tools",
    "find_tool": "crisp_hw.backends.timeloop.tools",
    "installed": "crisp_hw.backends.timeloop.tools",
}
__getattr__ = lazily(__name__, _PLACES)
