"""`crisp-hw reproduce`: publications computed anew."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from crisp_hw.cli.options import FormatOption
from crisp_hw.cli.output import check_folder, check_plotting, output_option, progress, say_written, show
from crisp_hw.command_line import voice
from crisp_hw.command_line.completion import completing

SHORTFALL = 1  # exit code: computed, and not within what is allowed
FOLDER = Path("reproduced")


@completing
def _names(ctx: typer.Context, incomplete: str) -> Iterable[str]:
    """The publications."""
    from crisp_hw.reproduction import REPRODUCTIONS

    return list(REPRODUCTIONS)


NameArgument = Annotated[
    str, typer.Argument(help="The publication: crisp, crisp-accuracy, dstc, eie or sparseloop.", autocompletion=_names)
]
MasksOption = Annotated[
    Path | None,
    typer.Option("--masks", help="A pruned-model file whose masks are evaluated beside the uniform ones (crisp)."),
]
PruneOption = Annotated[
    str | None,
    typer.Option(
        "--prune",
        help="Options of crisp-prune run, in one text; its masks are taken (crisp).",
    ),
]
ResultsOption = Annotated[
    Path | None,
    typer.Option("--results", help="The results.json of a study of crisp-prune compare (crisp-accuracy)."),
]
ArtifactOption = Annotated[
    Path | None,
    typer.Option("--artifact", help="The folder of the Sparseloop MICRO 2022 artifact (sparseloop)."),
]
OutOption = Annotated[Path, output_option("The folder to write NAME.csv, NAME.md and NAME.png to.", "--out", "-o")]
PlotOption = Annotated[
    bool, typer.Option("--plot/--no-plot", help="Write the figure, too, or do not.", show_default="--plot")
]
JobsOption = Annotated[int | None, typer.Option("--jobs", "-j", help="The number of processes that search.", min=1)]


def reproduce(  # noqa: PLR0913 - the options of a command
    name: NameArgument,
    masks: MasksOption = None,
    prune: PruneOption = None,
    results: ResultsOption = None,
    artifact: ArtifactOption = None,
    out: OutOption = FOLDER,
    plot: PlotOption = True,
    jobs: JobsOption = None,
    form: FormatOption = "table",
) -> None:
    """Compute the figures of a publication anew: its claim, the published figure, ours, the deviation, and why.

    The exit code is 1 when a figure that is judged deviates by more than is allowed.
    """
    from crisp_hw.report.reproduction import reproduction_document, save_reproduction
    from crisp_hw.reproduction import Request
    from crisp_hw.reproduction import reproduce as compute

    check_folder(out)
    if plot:
        check_plotting("--plot")
    with progress() as bar:
        found = compute(name, Request(masks, results, jobs, progress=bar, artifact=artifact, prune=prune))
    say_written(save_reproduction(found, out, plot), out)
    show(reproduction_document(found), form)
    if not found.holds:
        wrong = [each.claim for each in found.claims if each.within is False]
        wrong += [each.name for each in found.bounds if each.within is False]
        voice.complain(f"{name}: not within what is allowed: {', '.join(wrong)}")
        raise typer.Exit(SHORTFALL)
