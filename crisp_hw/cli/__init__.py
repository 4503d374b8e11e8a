"""The command `crisp-hw`: parse, call one function of the API, print."""

import gc
from typing import Any

from crisp_hw.cli.start import main

gc.set_threshold(100_000, 20, 50)  # a run makes many objects that stay; to look for garbage often takes a tenth of it

__all__ = ["app", "main"]


def __getattr__(name: str) -> Any:
    """`app`, all commands, when somebody asks for it: to load their parser takes longer than many a run."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from crisp_hw.cli.commands import app

    return app
