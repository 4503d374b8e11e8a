"""What the commands show: a progress bar, the result of a run, the table of a dry run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from crisp_hw.command_line import voice
from crisp_hw.machine.ending import printable
from crisp_prune.job import Outcome
from crisp_prune.options import Job
from crisp_prune.plan import Plan
from crisp_prune.training import Progress


@contextmanager
def bars() -> Iterator[Callable[[Progress], None]]:
    """A callback that moves a progress bar on stderr; nothing is drawn when stderr is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console, disable=voice.quiet() or not console.is_terminal) as drawn:
        task = drawn.add_task("scoring", total=None)

        def on_step(progress: Progress) -> None:
            text = f"iteration {progress.iteration}, sparsity {progress.sparsity:.3f}"
            voice.tell(f"step {progress.step} of {progress.total}: {text}")
            drawn.update(task, description=text, completed=progress.step, total=progress.total)

        yield on_step


def print_outcome(job: Job, outcome: Outcome) -> None:
    """Three lines: what was reached, what it cost, where it lies."""
    before, after = outcome.before, outcome.after
    print(f"sparsity {outcome.sparsity:.4f} (target {job.config.sparsity})")
    print(
        f"top-1 over all outputs {before.top1_all:.4f} -> {after.top1_all:.4f}, "
        f"among the classes {before.top1_classes:.4f} -> {after.top1_classes:.4f} ({after.samples} samples)"
    )
    voice.remark(printable(f"wrote {job.out} and {job.run_dir}/report.md") + "\n")


def print_plan(found: Plan) -> None:
    """The dry run as a table."""
    print(found)
