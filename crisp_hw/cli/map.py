"""`crisp-hw map`."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crisp_hw.cli import output
from crisp_hw.cli.grouped import grouped, share_of
from crisp_hw.cli.options import DataOption, DefineOption, FormatOption, IncludeOption, StrictOption
from crisp_hw.cli.output import (
    NowAndThen,
    check_folder,
    check_no_input,
    check_output,
    output_option,
    say_written,
    show_table,
)
from crisp_hw.cli.run_model import FilesAsked
from crisp_hw.command_line import voice
from crisp_hw.command_line.options import WideOption
from crisp_hw.errors import InputError
from crisp_hw.machine.files import real_path
from crisp_hw.machine.interrupts import ending_as_interrupts
from crisp_hw.spec.options import Objective, SearchOptions

if TYPE_CHECKING:
    from crisp_hw.dropin.map_files import MapBegun
    from crisp_hw.mapper.found import SearchStatus

INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
SO_FAR = "this is the best mapping so far, there may be better ones"
LARGE = 10_000_000  # factorizations; as many are gone through in some seconds (benchmarks/mapper.py)
AT_BOUND = "no mapping has a better objective than this one, but of equal ones there may be better ones"
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}

FilesArgument = Annotated[
    list[Path],
    typer.Argument(
        help="Timeloop's YAML files, or a folder of them: architecture, problem and, where there are any, "
        "constraints, mapper, sparse optimizations, energies (ERT) and areas (ART).",
    ),
]
OutOption = Annotated[
    Path | None,
    output_option(
        "The folder to write map.yaml, map.txt, stats.txt, stats.json and pareto.csv to. Default: this folder; where "
        "FILES lie in it, its folder out, so that *.yaml does not take the new map.yaml for one of FILES.",
        "--out",
        "-o",
    ),
]
ObjectiveOption = Annotated[
    Objective | None,
    typer.Option(
        "--objective",
        help="What to minimise: cycles, energy, or edp, which is cycles times energy. Default: as the mapper document "
        "says, else edp.",
    ),
]
MemoryOption = Annotated[
    str, typer.Option("--memory", help="The most memory that the search may take, such as 512MiB or 2GB.")
]
JobsOption = Annotated[
    int,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        help="The number of processes; they share out what a search that proves has to look at, or the open choices of "
        "what a level keeps and bypasses.",
    ),
]
GapOption = Annotated[
    str,
    typer.Option(
        "--gap",
        help="How far above the best the result may be, such as 5%: the search of a large dense mapspace ends once it "
        "knows that.",
    ),
]
HistoryOption = Annotated[
    Path | None,
    output_option(
        "A CSV file to write the best mapping over time to: seconds, cycles, energy, bound and gap whenever one of "
        "them is better.",
        "--history",
    ),
]
FrontOption = Annotated[
    int,
    typer.Option(
        "--front",
        min=1,
        help="The most mappings to write to pareto.csv: the best, and others that none beats in cycles and energy.",
    ),
]


@grouped
def map_files(  # noqa: PLR0913 - the options of a command
    files: FilesArgument,
    *,
    objective: ObjectiveOption = None,
    out: OutOption = None,
    form: FormatOption = "table",
    wide: WideOption = False,
    front: FrontOption = 1,
    searching: Annotated[SearchOptions, ("budget", "seed", "both_axes", "imperfect", "device")],
    memory: MemoryOption = "1GiB",
    gap: GapOption = "0%",
    jobs: JobsOption = 1,
    history: HistoryOption = None,
    include: IncludeOption = None,
    define: DefineOption = None,
    data: DataOption = None,
    strict: StrictOption = False,
) -> None:
    """Find the best mapping for Timeloop's own YAML files, as timeloop-mapper does."""
    from crisp_hw.dropin import map_files as mapper
    from crisp_hw.machine.writing import write_all
    from crisp_hw.report.mapping import history_text, map_document, texts_of

    given = FilesAsked(tuple(files), tuple(include or ()), tuple(define or ()), tuple(data or ()), strict)
    asked = given.read()
    out = _beside(asked.paths) if out is None else out
    check_folder(out)
    check_no_input(out, ("map.yaml",), asked.paths)
    if history is not None:
        check_output(history)
        check_no_input(history.parent, (history.name,), asked.paths)
    options = replace(searching, memory_bytes=size_of(memory), gap=share_of(gap), front=front > 1)
    with ending_as_interrupts() as came, _watching() as watch:
        found = mapper.map_files(
            asked, objective, options=options, progress=watch, jobs=jobs, began=lambda begun: _say_begun(begun, options)
        )
    texts = texts_of(found, front)
    written = write_all(out, {name: text.encode() for name, text in texts.items()})
    if history is not None:
        write_all(history.parent, {history.name: history_text(found.found).encode()})
    show_table(map_document(found, front), form, wide)
    if form == "table":
        sys.stdout.write(f"\n{texts['map.txt']}")
        sys.stdout.flush()
    say_written(written, out)
    if history is not None:
        say_written((history,), history.parent)
    if "seed" in searching.said and jobs == 1 and found.found.proven and found.found.gap is None:
        voice.note("--seed has no effect: every mapping that may be best was evaluated")
    if found.found.interrupted:
        voice.complain(f"interrupted: {AT_BOUND if found.found.proven else SO_FAR}")
        raise typer.Exit(128 + came[-1] if came else INTERRUPTED)


def _beside(files: tuple[Path, ...]) -> Path:
    """Where the files of a search go: as timeloop-mapper's into this folder, unless the input lies there."""
    here = real_path(Path())
    return Path("out") if any(real_path(file).parent == here for file in files) else Path()


def _say_begun(begun: "MapBegun", options: SearchOptions) -> None:
    """Before a search: what of the files has no effect, and where it may be long how long and how to end it."""
    for text in begun.notes:
        voice.note(text)
    if begun.factorizations < LARGE or options.budget is not None:
        return
    size = f"{begun.factorizations:,} factorizations in {begun.choices:,} ways to keep and bypass"
    why = "" if begun.constrained else ", because no file constrains the mapping"
    voice.note(f"searching {size}{why}; Ctrl-C ends it with the best so far, --budget N after N mappings")


def size_of(text: str) -> int:
    """Bytes: 512MiB, 2GB, 1G or a plain number; InputError for anything else.

    >>> size_of("1GiB"), size_of("2 MB"), size_of("100")
    (1073741824, 2000000, 100)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG]?I?)B?\s*", text.upper())
    if found is None or found[2] not in _UNITS or (size := int(float(found[1]) * _UNITS[found[2]])) < 1:
        raise InputError(f"--memory {text}: is no size", hint="write 1GiB, 512MiB or 2GB")
    return size


@contextmanager
def _watching() -> Iterator[Callable[["SearchStatus"], None] | None]:
    """A bar on stderr with the best so far, a line for each step with -v, and one now and then where stderr is no
    terminal; None with -q.
    """
    if voice.verbose():
        yield lambda step: voice.tell(_line(step))
        return
    if voice.quiet():
        yield None
        return
    if not sys.stderr.isatty():
        lines = NowAndThen(output.LINES_S)
        yield lambda step: voice.note(_line(step)) if lines.due() else None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    best = TextColumn("{task.description}", markup=False)
    columns = (BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), best)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("")
        yield lambda step: bars.update(task, description=step.best, completed=step.done, total=step.total)


def _line(step: "SearchStatus") -> str:
    return f"{step.done:,} of {step.total:,} evaluated, {step.best}"
