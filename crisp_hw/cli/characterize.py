"""`crisp-hw characterize`."""

from typing import Annotated, Literal

import typer

from crisp_hw.cli.options import DEFAULT_ARCH, FormatOption, SetOption, accelerators_of
from crisp_hw.cli.output import show

Method = Literal["table", "cacti", "accelergy"]  # where the numbers of arrays come from

MethodOption = Annotated[
    Method,
    typer.Option(
        "--energy",
        help="Where the numbers come from: the committed grid of CACTI's numbers (table), CACTI itself, or Accelergy.",
    ),
]
NodeOption = Annotated[int, typer.Option("--node", help="The technology node in nm: 22, 32, 45, 65 or 90.")]
OneArchOption = Annotated[str, typer.Option("--arch", "-a", help="The accelerator, by name or .yaml file.")]


def characterize(
    arch: OneArchOption = DEFAULT_ARCH,
    energy: MethodOption = "table",
    node: NodeOption = 45,
    setting: SetOption = None,
    form: FormatOption = "table",
) -> None:
    """Print the energy per action and the area of every component of an accelerator, each with its source."""
    from crisp_hw import api
    from crisp_hw.report.characterization import characterization_document

    (accelerator,) = accelerators_of([arch], None, setting)
    found = api.characterize(accelerator, energy, node)
    show(characterization_document(accelerator.name, found), form)
