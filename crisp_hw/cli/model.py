"""`crisp-hw model`."""

from pathlib import Path
from typing import Annotated

import typer

from crisp_hw.cli.explain import ExplainOption
from crisp_hw.cli.options import DataOption, DefineOption, FormatOption, IncludeOption, StrictOption
from crisp_hw.cli.output import output_option
from crisp_hw.cli.run_model import FilesAsked, ModelRun, run_model
from crisp_hw.command_line.options import WideOption
from crisp_hw.spec.dialect import Dialect

FilesArgument = Annotated[
    list[Path],
    typer.Argument(
        help="Timeloop's YAML files, or a folder of them: architecture, problem, mapping and, where there are any, "
        "sparse optimizations, energies (ERT) and areas (ART).",
    ),
]
OutOption = Annotated[
    Path | None,
    output_option(
        "The folder to write stats.txt, map.txt, stats.json and the other files of timeloop-model to. Default: this "
        "folder, and with --explain none.",
        "--out",
        "-o",
    ),
]


DialectOption = Annotated[
    Dialect,
    typer.Option(
        "--dialect",
        help="The Timeloop whose numbers are wanted: today's public one (head), the public one of 2024 (head-2024), or "
        "that of Sparseloop's MICRO 2022 artifact (micro22).",
    ),
]


def model(  # noqa: PLR0913 - the options of a command
    files: FilesArgument,
    out: OutOption = None,
    form: FormatOption = "table",
    wide: WideOption = False,
    dialect: DialectOption = "head",
    explain: ExplainOption = None,
    include: IncludeOption = None,
    define: DefineOption = None,
    data: DataOption = None,
    strict: StrictOption = False,
) -> None:
    """Evaluate one mapping from Timeloop's own YAML files, as timeloop-model does."""
    given = FilesAsked(tuple(files), tuple(include or ()), tuple(define or ()), tuple(data or ()), strict)
    run_model(ModelRun(given, out, form, dialect, explain, wide))
