"""`crisp-prune compare`: a progress bar over the cells, the files that are written, and the document."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from crisp_hw.command_line import voice
from crisp_hw.documents.document import Document
from crisp_hw.machine.ending import printable
from crisp_hw.machine.writing import check_writable
from crisp_prune.lab.documents import study_document, write_results
from crisp_prune.lab.figures import draw
from crisp_prune.lab.images import open_images
from crisp_prune.lab.running import compare
from crisp_prune.lab.study import read_study


def compared(file: Path, out: Path, jobs: int) -> Document:
    """All cells of a study, its results and figures in the folder `out`."""
    study = read_study(file)
    check_writable(out)
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

        reached = compare(study, out, jobs, on_cell)
    made = [write_results(study, reached, out), *draw(reached.rows, out)]
    voice.remark(printable(f"wrote {', '.join(str(path) for path in made)}") + "\n")
    return study_document(study, reached, notes)
