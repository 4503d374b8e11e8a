"""Documents to stdout, in the format that was asked for; pictures and progress beside it."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crisp_hw.command_line import voice
from crisp_hw.command_line.formats import Format as Format
from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.ending import printable

if TYPE_CHECKING:
    from crisp_hw.report.document import Document

MIN_WIDTH = 40  # below it words would be cut
WideOption = Annotated[bool, typer.Option("--wide", help="Show every column in the tables, however wide they become.")]


def show(document: "Document", form: Format, wide: bool = False) -> None:
    """Print a document; with CSV, what does not fit into records goes to stderr.

    Tables leave out columns until they fit the screen, unless they may be `wide`, and say which.
    """
    from crisp_hw.report.document import json_text, markdown_text
    from crisp_hw.report.screen import remark_lines, screen_text
    from crisp_hw.report.tables import csv_text

    match form:
        case "table":
            sys.stdout.write(screen_text(document, screen_width(), wide, not voice.quiet()))
        case "md":
            sys.stdout.write(markdown_text(document))
        case "json":
            sys.stdout.write(json_text(document))
        case "csv":
            sys.stdout.write(csv_text(document.records))
            sys.stdout.flush()
            for remarks in (document.summary, document.remarks):
                voice.remark("".join(f"{line}\n" for line in remark_lines(remarks, screen_width())))


def show_table(document: "Document", form: Format, wide: bool) -> None:
    """Print a document of which every format but the table has every column, so that --wide is about that alone."""
    if wide and form != "table":
        voice.note(f"--wide has no effect with --format {form}, which has everything")
    show(document, form, wide)


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar on stderr while layers are evaluated, a line for each with -v; None where nobody watches."""
    if voice.verbose():
        yield lambda what, done, total: voice.tell(f"{done} of {total} done, now {what}" if done < total else "done")
        return
    if voice.quiet() or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    left = (TextColumn("left"), TimeRemainingColumn(compact=True, elapsed_when_finished=True))
    what = TextColumn("{task.description}", markup=False)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), *left, what)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("")
        yield lambda what, done, total: bars.update(task, description=what, completed=done, total=total)


def check_folder(folder: Path | None) -> None:
    """Refuse an --out that cannot become a folder, before anything is computed."""
    if folder is None:
        return
    if folder.is_file():
        raise InputError("is a file", Where(mark=Mark(str(folder))), "give a folder to --out")
    from crisp_hw.machine.writing import check_writable

    check_writable(folder)


def check_output(path: Path | None) -> None:
    """Refuse a file that cannot be written, before anything is computed."""
    if path is None:
        return
    if path.is_dir():
        raise InputError("is a folder", Where(mark=Mark(str(path))), "give the name of a file")
    from crisp_hw.machine.writing import check_replaceable, check_writable

    check_replaceable(path)
    check_writable(path.parent)


def output_option(what: str, *names: str) -> Any:
    """An option that names a file or folder to write; nothing is no name, though Python takes it for this folder."""
    import typer

    def path(text: str | Path) -> Path:
        if isinstance(text, Path):  # the default, which is parsed too
            return text
        if not text.strip():
            said = f"{names[0]}: an empty name was given for an output"
            raise InputError(said, hint="write . for this folder, or leave it out")
        return Path(text)

    return typer.Option(*names, parser=path, metavar="PATH", help=what)


def check_plotting(why: str) -> None:
    """Refuse pictures where matplotlib is missing, before anything is computed."""
    from crisp_hw.report.figures.style import require_matplotlib

    require_matplotlib(why)


def say_written(files: "tuple[Path, ...]", folder: Path) -> None:
    """One line on stderr about what was written."""
    names = ", ".join(str(path.relative_to(folder)) for path in files) if len(files) <= 9 else f"{len(files)} files"
    voice.remark(f"{printable(f'wrote {names} to {folder}')}\n")


def screen_width() -> int:
    """Characters of a line: those of the terminal, else what COLUMNS says, else 120."""
    if os.environ.get("COLUMNS", "").isdecimal():
        return max(MIN_WIDTH, int(os.environ["COLUMNS"]))
    return max(MIN_WIDTH, os.get_terminal_size(sys.stdout.fileno()).columns) if sys.stdout.isatty() else 120
