"""`crisp-hw characterize`."""

from enum import StrEnum
from typing import Annotated

import typer

from crisp_hw.cli.options import DEFAULT_ARCH, Format, FormatOption, SetOption, accelerators_of
from crisp_hw.cli.output import show


class Method(StrEnum):
    """Where the numbers of arrays come from."""

    table = "table"
    cacti = "cacti"
    accelergy = "accelergy"


MethodOption = Annotated[
    Method, typer.Option("--energy", help="The committed grid of CACTI's numbers, CACTI itself, or Accelergy.")
]
NodeOption = Annotated[int, typer.Option("--node", help="Technology node in nm: 22, 32, 45, 65 or 90.")]
OneArchOption = Annotated[str, typer.Option("--arch", "-a", help="Accelerator by name or .yaml path.")]


def characterize(
    arch: OneArchOption = DEFAULT_ARCH,
    energy: MethodOption = Method.table,
    node: NodeOption = 45,
    setting: SetOption = None,
    form: FormatOption = Format.table,
) -> None:
    """Energy per action and area of every component of an accelerator, with sources."""
    from crisp_hw import api
    from crisp_hw.report.characterization import characterization_document

    (accelerator,) = accelerators_of([arch], None, setting)
    found = api.characterize(accelerator, energy.value, node)
    show(characterization_document(accelerator.name, found), form)
