"""`crisp-hw workload`."""

from pathlib import Path
from typing import Annotated

import typer

from crisp_hw.cli.completion import workloads
from crisp_hw.cli.new_files import FileArgument, ForceOption, show_mistakes, write_new
from crisp_hw.cli.options import FormatOption
from crisp_hw.cli.output import show, show_table
from crisp_hw.command_line.options import WideOption
from crisp_hw.command_line.program import new_group

app = new_group(
    "List the packaged workloads (layer tables without weights), show one, copy its file, or check one of your own."
)


@app.command("list")
def list_all(form: FormatOption = "table") -> None:
    """List the packaged workloads."""
    from crisp_hw import api
    from crisp_hw.report.networks import workload_list

    show(workload_list([api.load_workload(name) for name in api.list_workloads()]), form)


@app.command("show")
def show_one(
    name: Annotated[str, typer.Argument(help="The workload, by name or .yaml file.", autocompletion=workloads)],
    form: FormatOption = "table",
    wide: WideOption = False,
) -> None:
    """Show the geometry of every layer of a workload."""
    from crisp_hw import api
    from crisp_hw.report.networks import workload_document

    show_table(workload_document(api.load_workload(name)), form, wide)


@app.command("copy")
def copy_one(
    name: Annotated[str, typer.Argument(help="A packaged workload.", autocompletion=workloads)],
    file: FileArgument,
    force: ForceOption = False,
    form: FormatOption = "table",
) -> None:
    """Write the file of a packaged workload, to change its layers."""
    from crisp_hw.workloads import packaged_text

    write_new(file, packaged_text(name), force, form)


@app.command("check")
def check_all(
    files: Annotated[list[Path], typer.Argument(help="Files of layer tables (.yaml).")],
    form: FormatOption = "table",
) -> None:
    """Name every mistake of layer tables, with its line and what is known there.

    The exit code is 2 when there is one.
    """
    from crisp_hw.workloads import mistakes

    show_mistakes({path: mistakes(path) for path in files}, form)
