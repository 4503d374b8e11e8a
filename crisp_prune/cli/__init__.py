"""The command `crisp-prune`: parse, run one job or one dry run, print."""

from crisp_prune.cli.start import main

__all__ = ["main"]
