"""The installed Timeloop as a backend."""

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
