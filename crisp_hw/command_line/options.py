"""Options that every command has, and the format of what is printed."""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from crisp_hw.command_line import voice
from crisp_hw.command_line.formats import FLAGS, FORMAT, Format
from crisp_hw.command_line.job_files import CONFIG

EVERYWHERE = "Of every command"
"""The heading under which `--help` lists the options that all commands have."""


def _remember(ctx: typer.Context, chosen: str) -> str:
    """Note which format the command was asked for where the group of commands finds it, should the command fail."""
    ctx.meta[FORMAT] = chosen
    return chosen


FormatOption = Annotated[
    Format,
    typer.Option(*FLAGS, callback=_remember, help="The format of what is printed to stdout: table, csv, json or md."),
]

WideOption = Annotated[bool, typer.Option("--wide", help="Show every column in the tables, however wide they become.")]


def _verbose(wanted: bool) -> bool:
    if wanted:
        voice.speak("verbose")
    return wanted


def _quiet(wanted: bool) -> bool:
    if wanted:
        voice.speak("quiet")
    return wanted


def _debug(wanted: bool) -> bool:
    if wanted:
        voice.show_tracebacks()
    return wanted


def _flag(what: str, act: Callable[[bool], bool], *names: str) -> Any:
    return typer.Option(*names, callback=act, is_eager=True, help=what, rich_help_panel=EVERYWHERE)


VerboseOption = Annotated[bool, _flag("Say on stderr what happens.", _verbose, "--verbose", "-v")]
QuietOption = Annotated[bool, _flag("Print the answer alone: no notes, no progress.", _quiet, "--quiet", "-q")]
DebugOption = Annotated[bool, _flag("Print the traceback of an error, too.", _debug, "--debug")]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="A YAML file of options of this command, `NAME: VALUE` a line. The command line has priority over it.",
        rich_help_panel=EVERYWHERE,
    ),
]
EACH = {CONFIG: ConfigOption, "verbose": VerboseOption, "quiet": QuietOption, "debug": DebugOption}


def with_options_of_every_command(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same command with --config, -v, -q and --debug, which act when they are read."""
    given = inspect.signature(command)
    kind = inspect.Parameter.KEYWORD_ONLY
    defaults = {CONFIG: None}
    more = [
        inspect.Parameter(name, kind, default=defaults.get(name, False), annotation=told) for name, told in EACH.items()
    ]
    both = [each.replace(kind=kind) for each in given.parameters.values()]

    @functools.wraps(command)
    def run(**values: Any) -> Any:
        return command(**{name: value for name, value in values.items() if name not in EACH})

    run.__annotations__ = {each.name: each.annotation for each in (*both, *more)}
    run.__signature__ = given.replace(parameters=[*both, *more])  # type: ignore[attr-defined]  # typer looks at it
    return run
