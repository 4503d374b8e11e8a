"""`crisp-hw arch`."""

from pathlib import Path
from typing import Annotated

import typer

from crisp_hw.cli.completion import accelerators
from crisp_hw.cli.new_files import FileArgument, ForceOption, name_of, show_mistakes, write_new
from crisp_hw.cli.options import DEFAULT_ARCH, EnergyOption, FormatOption, SetOption, accelerators_of
from crisp_hw.cli.output import output_option, show, show_table
from crisp_hw.command_line.options import WideOption
from crisp_hw.command_line.program import new_group
from crisp_hw.errors import InputError

app = new_group("List the packaged accelerators, show every number of one, begin one of your own, and check it.")


@app.command("list")
def list_all(form: FormatOption = "table") -> None:
    """List the packaged accelerators."""
    from crisp_hw import api
    from crisp_hw.report.hardware import accelerator_list

    show(accelerator_list([api.load_arch(name) for name in api.list_arch()]), form)


@app.command("show")
def show_one(
    name: Annotated[str, typer.Argument(help="The accelerator, by name or .yaml file.", autocompletion=accelerators)],
    form: FormatOption = "table",
    wide: WideOption = False,
    energy: EnergyOption = None,
    setting: SetOption = None,
) -> None:
    """Show the levels of an accelerator, its numbers with their sources, its scheme, constraints and energies."""
    from crisp_hw.report.hardware import accelerator_document

    (accelerator,) = accelerators_of([name], energy, setting)
    show_table(accelerator_document(accelerator), form, wide)


@app.command("copy")
def copy_one(
    name: Annotated[str, typer.Argument(help="A packaged accelerator.", autocompletion=accelerators)],
    file: FileArgument,
    force: ForceOption = False,
    form: FormatOption = "table",
) -> None:
    """Write the file of a packaged accelerator in full, to change whatever it says; it is named as FILE is."""
    from crisp_hw.accelerators.templates import full_text

    write_new(file, full_text(_packaged(name), name_of(file.stem)), force, form)


@app.command("new")
def new_one(
    name: Annotated[str, typer.Argument(help="The name of the new accelerator.")],
    base: Annotated[
        str,
        typer.Option("--from", help="The packaged accelerator that it is like.", autocompletion=accelerators),
    ] = DEFAULT_ARCH,
    file: Annotated[
        Path | None, output_option("The .yaml file to write. Default: NAME.yaml in this folder.", "--out", "-o")
    ] = None,
    force: ForceOption = False,
    form: FormatOption = "table",
) -> None:
    """Write a short file that extends a packaged accelerator, with examples of how to change its numbers."""
    from crisp_hw.accelerators.templates import short_text

    text, path = short_text(name_of(name), _packaged(base)), Path(f"{name}.yaml") if file is None else file
    if path.stem == base:
        said = f"{path.name} would extend itself, because `extends: {base}` means the file beside it"
        raise InputError(said, hint="choose another name, or another file with --out")
    write_new(path, text, force, form)


@app.command("check")
def check_all(
    files: Annotated[list[Path], typer.Argument(help="Files of accelerators (.yaml).")],
    form: FormatOption = "table",
) -> None:
    """Name every mistake of files of accelerators, with its line and what is known there.

    The exit code is 2 when there is one.
    """
    from crisp_hw.accelerators.check import mistakes

    show_mistakes({path: mistakes(path) for path in files}, form)


def _packaged(name: str) -> str:
    """A name of the list; InputError for files, which whoever has them can copy by himself."""
    from crisp_hw.accelerators import list_arch
    from crisp_hw.meanings import accelerator_hint

    if name not in list_arch():
        hint = accelerator_hint(name, list_arch()) or f"there are {', '.join(list_arch())}"
        raise InputError(f"no packaged accelerator {name}", hint=hint)
    return name
