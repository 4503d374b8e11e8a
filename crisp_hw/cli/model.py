"""`crisp-hw model`."""

from pathlib import Path
from typing import Annotated

import typer

from crisp_hw.cli.explain import ExplainOption, show_explanation
from crisp_hw.cli.options import DialectName, Format, FormatOption
from crisp_hw.cli.output import check_folder, say_written, show

FilesArgument = Annotated[
    list[Path],
    typer.Argument(help="YAML files of architecture, problem and mapping; sparse optimizations, ERT and ART if any."),
]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder for timeloop-model.stats.txt and the others.")]


DialectOption = Annotated[
    DialectName, typer.Option("--dialect", help="Whose numbers: public Timeloop's, or the MICRO 2022 artifact's.")
]


def model(
    files: FilesArgument,
    out: OutOption = Path(),
    form: FormatOption = Format.table,
    dialect: DialectOption = DialectName.head,
    explain: ExplainOption = None,
) -> None:
    """Evaluate one mapping from Timeloop's own YAML files, as timeloop-model does."""
    from crisp_hw.explain import explain as explain_point
    from crisp_hw.model import evaluate_files, texts_of
    from crisp_hw.report.files import write_all
    from crisp_hw.report.model import model_document

    check_folder(out)
    evaluated = evaluate_files(files, dialect.value)
    written = write_all(out, {name: text.encode() for name, text in texts_of(evaluated).items()})
    if explain is None:
        show(model_document(evaluated), form)
    else:
        show_explanation(explain_point(evaluated.point, explain), form)
    say_written(written, out)
