"""What a run shows: a progress bar and its result."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from crisp_hw.command_line import voice
from crisp_hw.documents.columns import table
from crisp_hw.documents.document import Document
from crisp_hw.machine.ending import printable
from crisp_hw.spec.columns import Record
from crisp_hw.spec.documents.workloads import RUN
from crisp_prune.job import Outcome
from crisp_prune.options import Job
from crisp_prune.training import Progress

SCHEMA = "crisp-prune/run/1"


@contextmanager
def bars() -> Iterator[Callable[[Progress], None]]:
    """A callback that moves a progress bar on stderr; nothing is drawn when stderr is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console, disable=voice.quiet() or not console.is_terminal) as drawn:
        task = drawn.add_task("scoring", total=None)

        def on_step(progress: Progress) -> None:
            text = f"iteration {progress.iteration}, sparsity {progress.sparsity:.3f}{_learned(progress)}"
            voice.tell(f"step {progress.step} of {progress.total}: {text}")
            drawn.update(task, description=text, completed=progress.step, total=progress.total)

        yield on_step


def _learned(progress: Progress) -> str:
    """Loss and accuracy of the last epoch; empty before there is one."""
    if not progress.rows:
        return ""
    last = progress.rows[-1]
    top1 = "" if last.top1_all is None else f", top-1 {last.top1_all:.3f}"
    return f", loss {last.loss:.3f}{top1}"


def outcome_document(job: Job, outcome: Outcome) -> Document:
    """What a run reached, before and after, and where it lies."""
    before, after = outcome.before, outcome.after
    records: list[Record] = [
        {"when": "before", "sparsity": 0.0, "top1_all": before.top1_all, "top1_classes": before.top1_classes},
        {"when": "after", "sparsity": outcome.sparsity, "top1_all": after.top1_all, "top1_classes": after.top1_classes},
    ]
    said = f"sparsity {outcome.sparsity:.4f} (target {outcome.target:.6g}); {after.samples} samples of validation"
    content = {
        "schema": SCHEMA,
        "file": str(job.out),
        "run_dir": str(job.run_dir),
        "target": outcome.target,
        "samples": after.samples,
        "accuracy": records,
        "budget": None if outcome.budget is None else asdict(outcome.budget),
    }
    told = (said,) if outcome.budget is None else (said, str(outcome.budget))
    return Document("run", (table(str(job.out), RUN.columns, records),), {"in all": told}, records, content)


def say_written(*paths: Path) -> None:
    """One line on stderr about the files that were written."""
    named = [str(path) for path in paths]
    voice.remark(printable(f"wrote {', '.join(named[:-1])}{' and ' if named[:-1] else ''}{named[-1]}") + "\n")


def say_outcome(job: Job) -> None:
    """One line on stderr about what was written."""
    say_written(job.out, job.run_dir / "report.md")
