"""The command `crisp-hw`: parse, call one function of the API, print."""

from crisp_hw.cli.app import app, main

__all__ = ["app", "main"]
