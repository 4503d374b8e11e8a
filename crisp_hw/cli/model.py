"""`crisp-hw model`."""

from pathlib import Path
from typing import Annotated

import typer

from crisp_hw.cli.explain import ExplainOption
from crisp_hw.cli.options import FormatOption, IncludeOption
from crisp_hw.cli.output import output_option
from crisp_hw.cli.run_model import ModelRun, run_model
from crisp_hw.spec.dialect import Dialect

FilesArgument = Annotated[
    list[Path],
    typer.Argument(help="YAML files of architecture, problem and mapping; sparse optimizations, ERT and ART if any."),
]
OutOption = Annotated[
    Path,
    output_option("Folder for timeloop-model.stats.txt and the others.", "--out", "-o"),
]


DialectOption = Annotated[
    Dialect,
    typer.Option("--dialect", help="Whose numbers: public Timeloop's, the same of 2024, or the MICRO 2022 artifact's."),
]


def model(  # noqa: PLR0913 - the options of a command
    files: FilesArgument,
    out: OutOption = Path(),
    form: FormatOption = "table",
    dialect: DialectOption = "head",
    explain: ExplainOption = None,
    include: IncludeOption = None,
) -> None:
    """Evaluate one mapping from Timeloop's own YAML files, as timeloop-model does."""
    run_model(ModelRun(tuple(files), out, form, dialect, explain, tuple(include or ())))
