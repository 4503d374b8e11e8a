"""Progress, the checks of outputs before anything is computed, and what is said of written files."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisp_hw.command_line import voice
from crisp_hw.command_line.answers import show as show
from crisp_hw.command_line.answers import show_table as show_table
from crisp_hw.command_line.formats import Format as Format
from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.ending import printable
from crisp_hw.machine.files import real_path

if TYPE_CHECKING:
    from rich.progress import Progress

LINES_S = 10.0  # not given; assumed because a search of minutes is to be seen alive, and its log to stay readable


@dataclass
class NowAndThen:
    """Says how far something is in lines on stderr, where no bar can be drawn: one in so many seconds, none at once.

    >>> times = iter((0.0, 3.0, 12.0, 13.0, 25.0))
    >>> lines = NowAndThen(10.0, lambda: next(times))
    >>> [lines.due() for _ in range(4)]
    [False, True, False, True]
    """

    every_s: float
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._said = self.clock()

    def due(self) -> bool:
        """Is it time for a line? Then the next is due in so many seconds."""
        now = self.clock()
        if now < self._said + self.every_s:
            return False
        self._said = now
        return True


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar on stderr while layers are evaluated, a line for each with -v, and a line now and then where stderr is no
    terminal; None with -q.
    """

    def said(what: str, done: int, total: int) -> str:
        return f"{done} of {total} done, now {what}" if done < total else "done"

    if voice.verbose():
        yield lambda what, done, total: voice.tell(said(what, done, total))
        return
    if voice.quiet():
        yield None
        return
    if not sys.stderr.isatty():
        lines = NowAndThen(LINES_S)
        yield lambda what, done, total: voice.note(said(what, done, total)) if lines.due() else None
        return
    with ExitStack() as shown:
        # a display that draws itself has a thread, beside which no process may fork (`machine.pool.forkable`), so that
        # it begins with the layers, once other processes are there; while files are read, a line stands still
        loading = shown.enter_context(_bars(moving=False))
        loading.add_task("loading", total=None)
        loading.refresh()
        moving: list[Progress] = []

        def update(what: str, done: int, total: int) -> None:
            if not moving:
                loading.stop()
                moving.append(shown.enter_context(_bars(moving=True)))
                moving[0].add_task(what, total=total)
            moving[0].update(moving[0].task_ids[0], description=what, completed=done, total=total)

        yield update


def _bars(moving: bool) -> "Progress":
    """A bar on stderr, which draws itself ten times a second, or stands still."""
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
    return Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=moving)


def check_folder(folder: Path | None) -> None:
    """Refuse an --out that cannot become a folder, before anything is computed."""
    if folder is None:
        return
    if folder.is_file():
        raise InputError("is a file", Where(mark=Mark(str(folder))), "give a folder to --out")
    from crisp_hw.machine.writing import check_writable

    check_writable(folder)


def check_no_input(folder: Path, names: tuple[str, ...], files: tuple[Path, ...]) -> None:
    """Refuse an --out in which a file to write would replace one of the input, before anything is computed."""
    read = {real_path(file) for file in files}
    for name in names:
        if real_path(folder / name) in read:
            raise InputError(
                "would be replaced, and is one of FILES", Where(mark=Mark(str(folder / name))), "give --out"
            )


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


def can_plot() -> bool:
    """Is matplotlib installed?"""
    from crisp_hw.report.figures.style import has_matplotlib

    return has_matplotlib()


def check_plotting(why: str) -> None:
    """Refuse pictures where matplotlib is missing, before anything is computed."""
    from crisp_hw.report.figures.style import require_matplotlib

    require_matplotlib(why)


def show_written(files: "tuple[Path, ...]", folder: Path, form: Format) -> None:
    """The answer of a command whose answer is files: their names, where another form than the table is asked for."""
    if form != "table":
        from crisp_hw.report.written import written_document

        show(written_document(files, folder), form)
    say_written(files, folder)


def say_written(files: "tuple[Path, ...]", folder: Path) -> None:
    """One line on stderr about what was written."""
    names = ", ".join(str(path.relative_to(folder)) for path in files) if len(files) <= 10 else f"{len(files)} files"
    voice.remark(f"{printable(f'wrote {names} to {folder}')}\n")
