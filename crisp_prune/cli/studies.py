"""`crisp-prune compare`: a progress bar over the cells, the files that are written, and the document."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from crisp_hw.command_line import voice
from crisp_hw.documents.document import Document
from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.ending import printable
from crisp_hw.machine.writing import check_writable
from crisp_prune.cli.output import say_written
from crisp_prune.lab.documents import study_document, write_results
from crisp_prune.lab.figures import draw
from crisp_prune.lab.images import open_images
from crisp_prune.lab.running import Reached, compare, reached
from crisp_prune.lab.study import Study, read_study


def compared(file: Path, out: Path, jobs: int, done: bool = False) -> Document:
    """All cells of a study, its results and figures in the folder `out`; those that are `done` alone, if asked."""
    study = read_study(file)
    check_writable(out)
    if done:
        found = reached(study, out)
        if not found.rows:
            raise InputError(
                "holds no cell of this study", Where(mark=Mark(str(out))), "leave --done out to compute them"
            )
        return _told(study, found, out, (f"{len(found.rows)} of {found.cells} cells are done",))
    notes = tuple(note for note in (open_images(study.data, study.side).note,) if note)
    for note in notes:
        voice.remark(printable(note) + "\n")
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console, disable=voice.quiet() or not console.is_terminal) as drawn:
        task = drawn.add_task("cells", total=None)

        def on_cell(done: int, cells: int) -> None:
            voice.tell(f"cell {done} of {cells}")
            drawn.update(task, completed=done, total=cells)

        found = compare(study, out, jobs, on_cell)
    return _told(study, found, out, notes)


def _told(study: Study, found: Reached, out: Path, notes: Sequence[str]) -> Document:
    """The files that are written, and the document."""
    made = [write_results(study, found, out), *draw(found.rows, out)]
    say_written(*made)
    return study_document(study, found, notes)
