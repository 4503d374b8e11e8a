"""The door: sub-commands, and what becomes of errors."""

import io
import os
import sys
import traceback
from typing import Annotated

import typer
from typer.core import TyperGroup

import crisp_hw
from crisp_hw.cli import accelerators, networks, searches
from crisp_hw.cli.bundle import bundle, replay
from crisp_hw.cli.characterize import characterize
from crisp_hw.cli.describe import describe
from crisp_hw.cli.evaluate import evaluate, render
from crisp_hw.cli.map import map_files
from crisp_hw.cli.model import model
from crisp_hw.cli.validate import validate
from crisp_hw.cli.verify import doctor, verify
from crisp_hw.errors import CrispError

INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
NO_READER = 141  # 128 + SIGPIPE, the same


class _Door(TyperGroup):
    """Ends every command: an error of the user's making is one sentence and an exit code, never a traceback."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # typer's context is click's
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except CrispError as error:
            if ctx.params.get("debug"):
                traceback.print_exception(error)
            typer.echo(f"crisp-hw: error: {_one_line(str(error))}", err=True)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            typer.echo("crisp-hw: interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from error
        except BrokenPipeError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the final flush fails again
            raise typer.Exit(NO_READER) from error


app = typer.Typer(
    cls=_Door,
    help="A pruned neural network in, trustworthy accelerator numbers out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(evaluate)
app.command()(describe)
app.command()(render)
app.command()(characterize)
app.command()(model)
app.command("map")(map_files)
app.command()(verify)
app.command()(validate)
app.command()(bundle)
app.command()(replay)
app.command()(doctor)
app.add_typer(accelerators.app, name="arch")
app.add_typer(networks.app, name="workload")
app.add_typer(searches.app, name="cache")


def main() -> None:
    """Run the command line (entry point of `crisp-hw`); ends the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without our dashes shows question marks
    app(prog_name="crisp-hw")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"crisp-hw {crisp_hw.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Print the traceback of an error too.")] = False,
) -> None:
    pass


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
