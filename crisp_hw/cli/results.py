"""`crisp-hw report` and `crisp-hw compare`: what was saved, printed again or side by side."""

import re
from pathlib import Path
from typing import Annotated

import typer

from crisp_hw.cli.evaluate import FiguresOption, OutOption, PlotOption, check_output_of, save_all
from crisp_hw.cli.options import ARCH, FormatOption
from crisp_hw.cli.output import show_table
from crisp_hw.cli.shown import NotesOption, PerLayerOption, Shown, WideOption, say_unheard, show_all
from crisp_hw.cli.verify import DIFFERENT
from crisp_hw.errors import InputError

_SAVED = "A result.json, the folder of `crisp-hw evaluate --out`, or a file of `crisp-hw bundle`."
ResultArgument = Annotated[Path, typer.Argument(metavar="RESULT", help=_SAVED)]
SecondArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[B]", help="The second, likewise. Default: A, of which two --arch are compared."),
]
PairOption = Annotated[
    list[str] | None,
    typer.Option(*ARCH, help="Compare this accelerator alone; given twice, the first of A with the second of B."),
]
ToleranceOption = Annotated[
    str, typer.Option("--tolerance", help="By how much a figure of B may differ from that of A, such as 1% or 0.01.")
]
_SHARE = re.compile(r"(\d+\.?\d*|\.\d+)(e[-+]?\d+)?( ?%)?", re.IGNORECASE)


def report(  # noqa: PLR0913 - the options of a command
    result: ResultArgument,
    form: FormatOption = "table",
    per_layer: PerLayerOption = False,
    notes: NotesOption = False,
    wide: WideOption = False,
    out: OutOption = None,
    plot: PlotOption = None,
    figures: FiguresOption = "png",
) -> None:
    """Print a saved result as `crisp-hw evaluate` printed it; with --out, write its tables and figures again."""
    from crisp_hw.bundles.evaluation import read_evaluation

    drawn = check_output_of(out, plot, figures)
    shown = Shown(per_layer, notes, wide)
    say_unheard(shown, form)
    network = read_evaluation(result)
    if out is not None:
        save_all(network, out, drawn, figures)
    show_all(network, form, shown)


def compare(  # noqa: PLR0913 - the options of a command
    a: Annotated[Path, typer.Argument(metavar="A", help=_SAVED)],
    b: SecondArgument = None,
    arch: PairOption = None,
    tolerance: ToleranceOption = "0",
    form: FormatOption = "table",
    wide: WideOption = False,
) -> None:
    """Compare two saved results: per accelerator and layer, every figure of B over that of A, totals first.

    The exit code is 1 when a figure differs by more than the tolerance, or when one of the two alone has a layer.
    """
    from crisp_hw.bundles.evaluation import read_evaluation
    from crisp_hw.report.compared import compare as compare_evaluations
    from crisp_hw.report.comparison import comparison_document

    if b is None and len(arch or ()) != 2:
        raise InputError("one result has nothing to be compared with", hint="give a second, or two --arch of this one")
    first = read_evaluation(a)
    second = first if b is None else read_evaluation(b)
    found = compare_evaluations(first, second, arch or (), _share(tolerance))
    show_table(comparison_document(found, (str(a), str(b or a))), form, wide)
    if not found.equal:
        raise typer.Exit(DIFFERENT)


def _share(text: str) -> float:
    """A share such as 1% or 0.01.

    >>> _share("1%"), _share("0.5")
    (0.01, 0.5)
    """
    if not (found := _SHARE.fullmatch(text.strip())):
        raise InputError(f"--tolerance {text}: is no share", hint="write 1% or 0.01")
    number = float(f"{found[1]}{found[2] or ''}")
    return number / 100 if found[3] else number
