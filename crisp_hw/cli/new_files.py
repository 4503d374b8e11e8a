"""Files to begin with, written where nothing stands yet."""

import re
from pathlib import Path
from typing import Annotated

import typer

from crisp_hw.cli.output import check_output, say_written
from crisp_hw.errors import InputError, Mark, Where

ForceOption = Annotated[bool, typer.Option("--force", help="Replace the file where there is one already.")]
FileArgument = Annotated[Path, typer.Argument(help="The .yaml file to write.", metavar="FILE")]
SUFFIXES = (".yaml", ".yml")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")


def write_new(path: Path, text: str, force: bool) -> None:
    """Write a file; InputError where one stands and `force` does not say that it may go."""
    from crisp_hw.machine.writing import write_all

    at = Where(mark=Mark(str(path)))
    if path.suffix not in SUFFIXES:
        raise InputError("is no name of a YAML file", at, "let it end in .yaml")
    check_output(path)
    if path.exists() and not force:
        raise InputError("is there already", at, "choose another name, or replace it with --force")
    say_written(write_all(path.parent, {path.name: text.encode()}), path.parent)


def name_of(text: str) -> str:
    """A name for an accelerator that is a name of a file, too; InputError for any other."""
    if not _NAME.fullmatch(text):
        raise InputError(f"{text!r} is no name", hint="take letters, digits, and _ . + - behind the first")
    return text
