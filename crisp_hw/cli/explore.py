"""`crisp-hw explore`: design spaces."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from crisp_hw.cli.options import FormatOption
from crisp_hw.cli.output import check_folder, output_option, say_written, show_table
from crisp_hw.command_line import voice
from crisp_hw.command_line.options import WideOption
from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.spec.shown import counted

INTERRUPTED = 130
FileArgument = Annotated[
    Path, typer.Argument(metavar="SPACE", help="The .yaml file that says what is explored (docs/explore.md).")
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", help="The number of processes that judge points. Default: 1.", min=1)
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler", help="The address of a scheduler of Dask whose workers judge, such as tcp://host:8786."
    ),
]
MethodOption = Annotated[
    Literal["grid", "random", "tpe", "nsga2"] | None,
    typer.Option("--method", metavar="CHOICE", help="How points are chosen: grid, random, tpe or nsga2."),
]
TrialsOption = Annotated[int | None, typer.Option("--trials", help="How many points.", min=1)]
SeedOption = Annotated[int | None, typer.Option("--seed", help="The seed of all that is drawn.", min=0)]
OutOption = Annotated[
    Path | None,
    output_option("The folder to write study.json, points.csv, front.csv and report.html to.", "--out", "-o"),
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store", help="Where points are kept: a folder, or the URL of a database. Default: OUT, if there is one."
    ),
]


def explore(  # noqa: PLR0913 - the options of a command
    space: FileArgument,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    method: MethodOption = None,
    trials: TrialsOption = None,
    seed: SeedOption = None,
    store: StoreOption = None,
    out: OutOption = None,
    form: FormatOption = "table",
    wide: WideOption = False,
) -> None:
    """Evaluate a network at the points of a design space, and print those that no other beats.

    Ctrl-C ends the study and keeps all that was judged; the same command goes on from there.
    """
    from crisp_hw import api
    from crisp_hw.exploration.document import study_document, study_texts
    from crisp_hw.exploration.space_file import located, read_space
    from crisp_hw.machine.writing import write_all

    if workers is not None and scheduler is not None:
        raise InputError("--workers and --scheduler are given", hint="a scheduler has workers of its own; give one")
    check_folder(out)
    said = {"method": method, "trials": trials, "seed": seed}
    asked = {**read_space(space), **{name: value for name, value in said.items() if value is not None}}
    kept = store if store is not None else out
    with _workers(workers, scheduler) as crowd, _watching(asked) as watch:
        try:
            found = api.explore(asked.pop("source"), **asked, store=kept, workers=crowd, progress=watch)
        except InputError as error:
            raise located(error, space) from error
    if out is not None:
        say_written(write_all(out, study_texts(found, voice.command())), out)
    show_table(study_document(found), form, wide)
    if found.interrupted:
        voice.complain(f"interrupted after {counted(len(found), 'point')}; {_going_on(kept)}")
        raise typer.Exit(INTERRUPTED)


def _going_on(kept: str | Path | None) -> str:
    """How an interrupted study goes on."""
    if kept is None:
        return "none of them is kept: give --store or --out, so that the same command goes on from there"
    return f"what was judged is kept in {kept}, and the same command goes on from there"


@contextmanager
def _workers(many: int | None, scheduler: str | None) -> Iterator[Any]:
    """What `explore` takes as workers."""
    if scheduler is None:
        yield many or 1
        return
    from crisp_hw.exploration.extra import needed

    distributed = needed("distributed", "--scheduler")
    try:
        client = distributed.Client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        at = Where(mark=Mark(scheduler))
        raise InputError("no scheduler of Dask answers there", at, "start one with `dask scheduler`") from error
    with client:
        yield client


@contextmanager
def _watching(asked: dict[str, Any]) -> Iterator["Callable[[int, int, Any], None] | None"]:
    """A line on stderr with the best so far, where somebody watches."""
    import sys

    if voice.quiet() or not (voice.verbose() or sys.stderr.isatty()):
        yield None
        return
    from crisp_hw.exploration.progress import Watch

    watch: Watch = Watch(tuple(asked.get("objectives", ())))
    if voice.verbose():
        yield lambda done, many, judged: voice.tell(watch.line(done, many, judged))
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield lambda done, many, judged: status.update(watch.line(done, many, judged))
