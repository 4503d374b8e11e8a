"""All commands of `crisp-hw`, of which a run loads the one that is asked for."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import typer

from crisp_hw.cli.examples import EXAMPLES
from crisp_hw.command_line.program import Program, finish, new_app

PROGRAM = Program(
    "crisp-hw",
    "Compute cycles and energy of pruned neural networks on sparse accelerators, as Timeloop and Sparseloop do.",
    (0, 1, 2, 3, 4, 70, 130, 141),
)
NETWORKS, FILES, CHECKS, STOCK = (
    "Pruned networks",
    "Timeloop's files",
    "Comparing and reproducing",
    "Hardware, workloads, tools",
)


@dataclass(frozen=True)
class CommandSource:
    """Where a command is written, and under which heading of the help it stands; a group has commands of its own."""

    panel: str
    module: str
    function: str
    group: bool = False


COMMANDS = {
    "evaluate": CommandSource(NETWORKS, "evaluate", "evaluate"),
    "explore": CommandSource(NETWORKS, "explore", "explore"),
    "report": CommandSource(NETWORKS, "results", "report"),
    "describe": CommandSource(NETWORKS, "describe", "describe"),
    "render": CommandSource(NETWORKS, "evaluate", "render"),
    "import": CommandSource(NETWORKS, "import_model", "import_model"),
    "points": CommandSource(NETWORKS, "points", "points"),
    "model": CommandSource(FILES, "model", "model"),
    "map": CommandSource(FILES, "map", "map_files"),
    "compare": CommandSource(CHECKS, "results", "compare"),
    "verify": CommandSource(CHECKS, "verify", "verify"),
    "validate": CommandSource(CHECKS, "validate", "validate"),
    "check": CommandSource(CHECKS, "check", "check"),
    "reproduce": CommandSource(CHECKS, "reproduce", "reproduce"),
    "measure": CommandSource(CHECKS, "measure", "measure"),
    "bundle": CommandSource(CHECKS, "bundle", "bundle"),
    "replay": CommandSource(CHECKS, "bundle", "replay"),
    "arch": CommandSource(STOCK, "accelerators", "app", group=True),
    "workload": CommandSource(STOCK, "networks", "app", group=True),
    "characterize": CommandSource(STOCK, "characterize", "characterize"),
    "doctor": CommandSource(STOCK, "verify", "doctor"),
    "cache": CommandSource(STOCK, "cache", "app", group=True),
}
"""By the word that calls them, in the order of the help."""


def app_of(names: Collection[str]) -> typer.Typer:
    """The program with some of its commands.

    >>> [command.name for command in app_of(["doctor"]).registered_commands]
    ['doctor']
    """
    app = new_app(PROGRAM)
    for name, source in COMMANDS.items():
        if name in names:
            found = getattr(import_module(f"crisp_hw.cli.{source.module}"), source.function)
            if source.group:
                app.add_typer(found, name=name, rich_help_panel=source.panel)
            else:
                app.command(name, rich_help_panel=source.panel)(found)
    finish(app, EXAMPLES)
    return app


@cache
def whole_app() -> typer.Typer:
    """The program with all of them."""
    return app_of(COMMANDS)
