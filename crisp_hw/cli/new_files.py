"""Files of accelerators and layer tables: written to begin with, where nothing stands yet, and checked."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from crisp_hw.cli.output import Format, check_output, show, show_written
from crisp_hw.command_line import voice
from crisp_hw.errors import InputError, Mark, Where

ForceOption = Annotated[bool, typer.Option("--force", help="Replace the file where there is one already.")]
FileArgument = Annotated[Path, typer.Argument(help="The .yaml file to write.", metavar="FILE")]
SUFFIXES = (".yaml", ".yml")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")


def write_new(path: Path, text: str, force: bool, form: Format) -> None:
    """Write a file; InputError where one stands and `force` does not say that it may go."""
    from crisp_hw.machine.writing import write_all

    at = Where(mark=Mark(str(path)))
    if path.suffix not in SUFFIXES:
        raise InputError("is no name of a YAML file", at, "let it end in .yaml")
    check_output(path)
    if path.exists() and not force:
        raise InputError("is there already", at, "choose another name, or replace it with --force")
    show_written(write_all(path.parent, {path.name: text.encode()}), path.parent, form)


def name_of(text: str) -> str:
    """A name for an accelerator that is a name of a file, too; InputError for any other."""
    if not _NAME.fullmatch(text):
        raise InputError(f"{text!r} is no name", hint="take letters, digits, and _ . + - behind the first")
    return text


def show_mistakes(found: Mapping[Path, Sequence[InputError]], form: Format) -> None:
    """Print the mistakes of every file, and end the command with the exit code of an error where there is one."""
    from crisp_hw.report.mistakes import mistakes_document

    show(mistakes_document(found), form)
    if many := sum(map(len, found.values())):
        wrong = sum(map(bool, found.values()))
        voice.complain(f"{many} mistake{'s' if many > 1 else ''} in {wrong} of {len(found)} files")
        raise typer.Exit(InputError.exit_code)
