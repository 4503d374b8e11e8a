"""`crisp-hw evaluate` and `crisp-hw render`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from crisp_hw.cli.explain import ExplainOption, check_single, show_explanation
from crisp_hw.cli.grouped import grouped
from crisp_hw.cli.options import FormatOption, Inputs, Searching
from crisp_hw.cli.output import (
    can_plot,
    check_folder,
    check_plotting,
    output_option,
    progress,
    say_written,
    show_written,
)
from crisp_hw.cli.shown import NotesOption, PerLayerOption, Shown, WideOption, say_unheard, show_all
from crisp_hw.command_line import voice
from crisp_hw.errors import InputError
from crisp_hw.spec.options import EvaluateOptions

if TYPE_CHECKING:
    from crisp_hw.spec.evaluation import NetworkEvaluation

OutOption = Annotated[
    Path | None,
    output_option("The folder to write tables, figures and the whole result (result.json) to.", "--out", "-o"),
]
PlotOption = Annotated[
    bool | None, typer.Option("--plot/--no-plot", help="Write figures to --out, too, or do not.", show_default="--plot")
]
FiguresOption = Annotated[
    Literal["png", "svg", "pdf"], typer.Option("--figures", help="The form of the figures in --out.")
]


@grouped
def evaluate(  # noqa: PLR0913 - the options of a command
    inputs: Inputs,
    options: EvaluateOptions,
    form: FormatOption = "table",
    per_layer: PerLayerOption = False,
    notes: NotesOption = False,
    wide: WideOption = False,
    out: OutOption = None,
    plot: PlotOption = None,
    figures: FiguresOption = "png",
    explain: ExplainOption = None,
) -> None:
    """Compute the cycles and energy of a pruned network on accelerators, each layer with its best mapping."""
    from crisp_hw import api
    from crisp_hw.sources import resolve, select, sized

    source, accelerators, layers = inputs.source(), inputs.accelerators(options.energy), inputs.layers
    drawn = check_output_of(out, plot, figures)
    shown = Shown(per_layer, notes, wide)
    say_unheard(shown, form, explain)
    if explain is not None:
        check_single(accelerators, select(sized(resolve(source)).descriptors, layers), options.backend)
    with progress() as bar:
        network = api.evaluate(source, accelerators, layers=layers, options=options, progress=bar).network
    if out is not None:
        save_all(network, out, drawn, figures)
    if explain is not None:
        from crisp_hw.explanation import explain_row

        show_explanation(explain_row(network.rows[0], explain), form)
        return
    show_all(network, form, shown)


@grouped
def render(
    out: Annotated[
        Path,
        output_option("The folder to write to; the documents of a layer go to OUT/ARCH/LAYER/.", "--out", "-o"),
    ],
    inputs: Inputs,
    searching: Searching,
    front_end: Annotated[
        Literal["v4"] | None,
        typer.Option(help="Write for timeloopfe's 0.4 front end (pytimeloop) instead of Timeloop's flattened form."),
    ] = None,
    form: FormatOption = "table",
) -> None:
    """Write every layer with its best mapping as Timeloop's YAML files."""
    from crisp_hw import api

    source, accelerators = inputs.source(), inputs.accelerators(searching.energy)
    check_folder(out)
    with progress() as bar:
        found = api.evaluate(source, accelerators, layers=inputs.layers, options=searching, progress=bar)
    show_written(api.render(found, out, front_end), out, form)


def check_output_of(out: Path | None, plot: bool | None, figures: str) -> bool:
    """Refuse what could not be written, before anything is computed, and name what has no effect.

    Returns whether pictures are drawn: those that nobody asked for by name are left out where matplotlib is missing.
    """
    check_folder(out)
    if figures != "png" and (out is None or plot is False):
        raise InputError(
            f"--figures {figures} is the form of the pictures in a folder", hint="give --out, and no --no-plot"
        )
    if plot is False and out is None:
        voice.note("--no-plot has no effect: without --out there are no pictures")
    if plot and out is None:
        raise InputError("--plot writes pictures into a folder", hint="give one with --out")
    if out is None or plot is False:
        return False
    if plot is None and figures == "png" and not can_plot():
        voice.note('no pictures are written: matplotlib is missing; pip install "crisp-hw[plot]"')
        return False
    check_plotting("--plot" if plot else f"--figures {figures}")
    return True


def save_all(network: "NetworkEvaluation", out: Path, plot: bool, figures: str) -> None:
    """Write everything of an evaluation into a folder, and say so."""
    from crisp_hw.report.files import save

    say_written(save(network, out, plot, figures, voice.command()), out)
