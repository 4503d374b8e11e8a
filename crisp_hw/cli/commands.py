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
class Place:
    """Where a command is written, and under which heading of the help it stands; a group has commands of its own."""

    panel: str
    module: str
    name: str
    group: bool = False


COMMANDS = {
    "evaluate": Place(NETWORKS, "evaluate", "evaluate"),
    "explore": Place(NETWORKS, "explore", "explore"),
    "report": Place(NETWORKS, "results", "report"),
    "describe": Place(NETWORKS, "describe", "describe"),
    "render": Place(NETWORKS, "evaluate", "render"),
    "import": Place(NETWORKS, "import_model", "import_model"),
    "points": Place(NETWORKS, "points", "points"),
    "model": Place(FILES, "model", "model"),
    "map": Place(FILES, "map", "map_files"),
    "compare": Place(CHECKS, "results", "compare"),
    "verify": Place(CHECKS, "verify", "verify"),
    "validate": Place(CHECKS, "validate", "validate"),
    "check": Place(CHECKS, "check", "check"),
    "reproduce": Place(CHECKS, "reproduce", "reproduce"),
    "measure": Place(CHECKS, "measure", "measure"),
    "bundle": Place(CHECKS, "bundle", "bundle"),
    "replay": Place(CHECKS, "bundle", "replay"),
    "arch": Place(STOCK, "accelerators", "app", group=True),
    "workload": Place(STOCK, "networks", "app", group=True),
    "characterize": Place(STOCK, "characterize", "characterize"),
    "doctor": Place(STOCK, "verify", "doctor"),
    "cache": Place(STOCK, "cache", "app", group=True),
}
"""By the word that calls them, in the order of the help."""


def app_of(names: Collection[str]) -> typer.Typer:
    """The program with some of its commands.

    >>> [command.name for command in app_of(["doctor"]).registered_commands]
    ['doctor']
    """
    app = new_app(PROGRAM)
    for name, place in COMMANDS.items():
        if name in names:
            found = getattr(import_module(f"crisp_hw.cli.{place.module}"), place.name)
            if place.group:
                app.add_typer(found, name=name, rich_help_panel=place.panel)
            else:
                app.command(name, rich_help_panel=place.panel)(found)
    finish(app, EXAMPLES)
    return app


@cache
def whole_app() -> typer.Typer:
    """The program with all of them."""
    return app_of(COMMANDS)
