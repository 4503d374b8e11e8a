"""`crisp-hw arch`."""

from typing import Annotated

import typer

from crisp_hw.cli.options import EnergyOption, FormatOption, SetOption, accelerators_of
from crisp_hw.cli.output import show
from crisp_hw.command_line.program import new_group

app = new_group("List the packaged accelerators, or show every number of one with its source.")


@app.command("list")
def list_all(form: FormatOption = "table") -> None:
    """List the packaged accelerators."""
    from crisp_hw import api
    from crisp_hw.report.hardware import accelerator_list

    show(accelerator_list([api.load_arch(name) for name in api.list_arch()]), form)


@app.command("show")
def show_one(
    name: Annotated[str, typer.Argument(help="The accelerator, by name or .yaml file.")],
    form: FormatOption = "table",
    energy: EnergyOption = None,
    setting: SetOption = None,
) -> None:
    """Show the levels of an accelerator, its numbers with their sources, its scheme, constraints and energies."""
    from crisp_hw.report.hardware import accelerator_document

    (accelerator,) = accelerators_of([name], energy, setting)
    show(accelerator_document(accelerator), form)
