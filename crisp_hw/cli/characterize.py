"""`crisp-hw characterize`."""

from typing import Annotated, Literal

import typer

from crisp_hw.cli.options import DEFAULT_ARCH, FormatOption, SetOption, accelerators_of
from crisp_hw.cli.output import show

Method = Literal["table", "cacti", "accelergy"]  # where the numbers of arrays come from

MethodOption = Annotated[
    Method, typer.Option("--energy", help="The committed grid of CACTI's numbers, CACTI itself, or Accelergy.")
]
NodeOption = Annotated[int, typer.Option("--node", help="Technology node in nm: 22, 32, 45, 65 or 90.")]
OneArchOption = Annotated[str, typer.Option("--arch", "-a", help="Accelerator by name or .yaml path.")]


def characterize(
    arch: OneArchOption = DEFAULT_ARCH,
    energy: MethodOption = "table",
    node: NodeOption = 45,
    setting: SetOption = None,
    form: FormatOption = "table",
) -> None:
    """Energy per action and area of every component of an accelerator, with sources."""
    from crisp_hw import api
    from crisp_hw.report.characterization import characterization_document

    (accelerator,) = accelerators_of([arch], None, setting)
    found = api.characterize(accelerator, energy, node)
    show(characterization_document(accelerator.name, found), form)
