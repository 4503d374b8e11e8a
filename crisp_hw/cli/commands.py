"""Sub-commands, and what becomes of errors."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import crisp_hw
from crisp_hw.cli import accelerators, cache, networks
from crisp_hw.cli.bundle import bundle, replay
from crisp_hw.cli.characterize import characterize
from crisp_hw.cli.describe import describe
from crisp_hw.cli.evaluate import evaluate, render
from crisp_hw.cli.faults import FORMAT, telling
from crisp_hw.cli.map import map_files
from crisp_hw.cli.model import model
from crisp_hw.cli.parsing import PARSER_ERROR, each_once, in_a_sentence
from crisp_hw.cli.start import PROGRAM
from crisp_hw.cli.validate import validate
from crisp_hw.cli.verify import doctor, verify
from crisp_hw.machine.ending import ended

PASSING = (typer.Exit, typer.Abort, PARSER_ERROR)  # what the parser itself says and ends


class ErrorBoundary(TyperGroup):
    """Ends every command: an error of the user's making is one sentence and an exit code, never a traceback.

    Typer ends interrupts and closed pipes in its own way, which is to say nothing; so they are met before it sees them.
    """

    def make_context(self, *args: Any, **more: Any) -> Any:
        """Read the options; help and version are printed here."""
        found: list[Any] = []
        made = super().make_context
        if code := ended(PROGRAM, lambda: in_a_sentence(lambda: found.append(made(*args, **more))), passing=PASSING):
            raise typer.Exit(code)
        return found[0]

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # typer's context is click's
        """Run the command."""
        debug = bool(ctx.params.get("debug"))
        invoke = super().invoke
        if code := ended(
            PROGRAM,
            lambda: telling(lambda: in_a_sentence(lambda: invoke(ctx)), lambda: ctx.meta.get(FORMAT) == "json"),
            debug,
            PASSING,
        ):
            raise typer.Exit(code)
        return None


EXIT_CODES = (
    "Exit codes: 0 the command is done; 1 a comparison found a difference; 2 a file, an option or a value is refused; "
    "3 no mapping fits; 4 an outside tool or the machine failed; 70 a defect of this program; 130 interrupted; 141 "
    "nobody reads the output any more."
)
NETWORKS, FILES, CHECKS, STOCK = (
    "Pruned networks",
    "Timeloop's files",
    "Comparing and reproducing",
    "Hardware, workloads, tools",
)

app = typer.Typer(
    cls=ErrorBoundary,
    help="Compute cycles and energy of pruned neural networks on sparse accelerators, as Timeloop and Sparseloop do.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (evaluate, describe, render):
    app.command(rich_help_panel=NETWORKS)(command)
app.command(rich_help_panel=FILES)(model)
app.command("map", rich_help_panel=FILES)(map_files)
for command in (verify, validate, bundle, replay):
    app.command(rich_help_panel=CHECKS)(command)
app.add_typer(accelerators.app, name="arch", rich_help_panel=STOCK)
app.add_typer(networks.app, name="workload", rich_help_panel=STOCK)
app.command(rich_help_panel=STOCK)(characterize)
app.command(rich_help_panel=STOCK)(doctor)
app.add_typer(cache.app, name="cache", rich_help_panel=STOCK)
each_once(app, accelerators.app, networks.app, cache.app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"crisp-hw {crisp_hw.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Print the traceback of an error, too.")] = False,
) -> None:
    pass
