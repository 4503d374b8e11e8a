"""One factory for both programs, so that they speak one dialect."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated

import typer

from crisp_hw.command_line.boundary import Boundary
from crisp_hw.command_line.options import DebugOption, QuietOption, VerboseOption, with_options_of_every_command
from crisp_hw.command_line.parsing import Command, Group
from crisp_hw.command_line.placeholders import with_placeholders

EXIT_CODES = {
    0: "the command is done",
    1: "a comparison found a difference",
    2: "a file, an option or a value is refused",
    3: "no mapping fits",
    4: "an outside tool or the machine failed",
    70: "a defect of this program",
    130: "interrupted",
    141: "nobody reads the output any more",
}


@dataclass(frozen=True)
class Program:
    """What a program is called, what it is for, and the exit codes that it has."""

    name: str
    help: str
    codes: tuple[int, ...]


def new_app(program: Program) -> typer.Typer:
    """The program without its commands: -h, -V, -v, -q, --debug, completion, and one end for every error."""
    boundary = type("Boundary", (Boundary,), {"program": program.name})
    codes = "; ".join(f"{code} {EXIT_CODES[code]}" for code in program.codes)
    app = typer.Typer(
        cls=boundary,
        help=program.help,
        epilog=f"Exit codes: {codes}.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    def version(wanted: bool) -> None:
        if wanted:
            # Both packages have one version, which stands above all rooms: read when asked for, imported by none.
            typer.echo(f"{program.name} {import_module('crisp_hw').__version__}")
            raise typer.Exit

    @app.callback()
    def options(
        version: Annotated[
            bool, typer.Option("--version", "-V", callback=version, is_eager=True, help="Print the version and exit.")
        ] = False,
        verbose: VerboseOption = False,
        quiet: QuietOption = False,
        debug: DebugOption = False,
    ) -> None:
        pass

    return app


def new_group(what: str) -> typer.Typer:
    """A group of commands below a program, such as `crisp-hw arch`."""
    return typer.Typer(cls=Group, help=what, no_args_is_help=True)


def finish(app: typer.Typer, examples: Mapping[str, tuple[str, ...]]) -> None:
    """Give every command its examples, by the words that call it, and the options that all commands have.

    To be called once, when all commands are registered. Groups are shared: those of a program that was made before
    have theirs.
    """
    for words, command in commands_of(app):
        if command.cls is Command:
            continue
        command.cls = Command
        if command.callback is not None:
            command.callback = with_options_of_every_command(command.callback)
            with_placeholders(command.callback)
        if words in examples:
            command.epilog = "\n\n".join(("Examples:", *(each.replace("[", r"\[") for each in examples[words])))


def commands_of(app: typer.Typer, before: str = "") -> Iterator[tuple[str, typer.models.CommandInfo]]:
    """Every command of a program, with the words that call it."""
    for command in app.registered_commands:
        name = command.name or getattr(command.callback, "__name__", "").replace("_", "-")
        yield f"{before}{name}", command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            yield from commands_of(group.typer_instance, f"{before}{group.name} ")
