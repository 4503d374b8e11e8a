"""`crisp-hw characterize`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from crisp_hw.cli.completion import accelerators
from crisp_hw.cli.options import (
    DEFAULT_ARCH,
    DataOption,
    DefineOption,
    FormatOption,
    IncludeOption,
    SetOption,
    accelerators_of,
)
from crisp_hw.cli.output import Format, check_folder, check_no_input, say_written, show
from crisp_hw.cli.run_model import FilesAsked
from crisp_hw.command_line import voice
from crisp_hw.errors import InputError

Method = Literal["table", "cacti", "accelergy"]  # where the numbers of arrays come from

FilesArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Timeloop's YAML files of an architecture, or a folder of them; ERT.yaml and ART.yaml are written for it."
    ),
]
MethodOption = Annotated[
    Method,
    typer.Option(
        "--energy",
        help="Where the numbers come from: the committed grid of CACTI's numbers (table), CACTI itself (cacti), or "
        "Accelergy (accelergy).",
    ),
]
NodeOption = Annotated[
    int | None,
    typer.Option(
        "--node",
        help="The technology node in nm: 22, 32, 45, 65 or 90. Default: that of the accelerator; of FILES, that of "
        "their attribute `technology`, or 45.",
    ),
]
OneArchOption = Annotated[
    str | None,
    typer.Option(
        "--arch",
        "-a",
        help=f"The accelerator, by name or .yaml file. Default: {DEFAULT_ARCH}.",
        autocompletion=accelerators,
    ),
]
OutOption = Annotated[Path | None, typer.Option("--out", "-o", help="Folder for ERT.yaml and ART.yaml of FILES (.).")]


def characterize(  # noqa: PLR0913 - the options of a command
    files: FilesArgument = None,
    arch: OneArchOption = None,
    energy: MethodOption = "table",
    node: NodeOption = None,
    setting: SetOption = None,
    form: FormatOption = "table",
    out: OutOption = None,
    include: IncludeOption = None,
    define: DefineOption = None,
    data: DataOption = None,
) -> None:
    """Print the energy per action and the area of every component of an accelerator, each with its source.

    For FILES of Timeloop: of the components of their architecture, with an ERT and an ART for timeloop-model.
    """
    asked = FilesAsked(tuple(files or ()), tuple(include or ()), tuple(define or ()), tuple(data or ()))
    if files:
        if arch or setting:
            raise InputError(f"{'--arch' if arch else '--set'} is for accelerators of this program, not for FILES")
        _of_files(asked, (energy, node), form, out or Path())
        return
    if out is not None or include or define or data:
        name = "--out" if out is not None else "--include, -D and --data"
        raise InputError(f"{name}: only for FILES of Timeloop's documents")
    from crisp_hw import api
    from crisp_hw.report.characterization import characterization_document

    (accelerator,) = accelerators_of([DEFAULT_ARCH if arch is None else arch], None, setting)
    found = api.characterize(accelerator, energy, node)
    show(characterization_document(found.name, found.costs), form)


def _of_files(asked: FilesAsked, how: tuple[Method, int | None], form: Format, out: Path) -> None:
    from crisp_hw.dropin.characterize import characterize_files, table_texts
    from crisp_hw.machine.writing import write_all
    from crisp_hw.report.characterization import characterization_document

    check_folder(out)
    given = asked.read()
    check_no_input(out, ("ERT.yaml", "ART.yaml"), given.paths)
    found = characterize_files(given, *how)
    texts = table_texts(found.costs)
    written = write_all(out, {name: text.encode() for name, text in texts.items()})
    show(characterization_document(asked.files[0].name, found.costs), form)
    for note in found.notes:
        voice.note(note)
    say_written(written, out)
