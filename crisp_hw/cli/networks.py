"""`crisp-hw workload`."""

from typing import Annotated

import typer

from crisp_hw.cli.options import FormatOption
from crisp_hw.cli.output import show

app = typer.Typer(help="Workloads: which there are, and the layers of one.", no_args_is_help=True)


@app.command("list")
def list_all(form: FormatOption = "table") -> None:
    """The packaged workloads."""
    from crisp_hw import api
    from crisp_hw.report.networks import workload_list

    show(workload_list([api.load_workload(name) for name in api.list_workloads()]), form)


@app.command("show")
def show_one(
    name: Annotated[str, typer.Argument(help="Name, or path of a .yaml file.")],
    form: FormatOption = "table",
) -> None:
    """Every layer as geometry."""
    from crisp_hw import api
    from crisp_hw.report.networks import workload_document

    show(workload_document(api.load_workload(name)), form)
