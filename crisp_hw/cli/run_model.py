"""What `crisp-hw model` does, its options read."""

from dataclasses import dataclass
from pathlib import Path

from crisp_hw.cli.output import Format, check_folder, say_written, show
from crisp_hw.spec.dialect import Dialect


@dataclass(frozen=True)
class ModelRun:
    """The options of `crisp-hw model`."""

    files: tuple[Path, ...]
    out: Path = Path()
    form: Format = "table"
    dialect: Dialect = "head"
    explain: str | None = None
    include: tuple[Path, ...] = ()


def run_model(asked: ModelRun) -> None:
    """Evaluate, write all files or none, and show the result or what explains a figure of it."""
    from crisp_hw.dropin.model import evaluate_files, texts_of
    from crisp_hw.machine.writing import write_all
    from crisp_hw.timeloop.yaml.documents import InputFiles

    check_folder(asked.out)
    evaluated = evaluate_files(InputFiles(asked.files, asked.include), asked.dialect)
    if asked.explain is None:
        from crisp_hw.report.model import model_document

        written = write_all(asked.out, {name: text.encode() for name, text in texts_of(evaluated).items()})
        show(model_document(evaluated), asked.form)
    else:
        from crisp_hw.cli.explain import show_explanation
        from crisp_hw.explanation import explain  # takes a while to load

        written = write_all(asked.out, {name: text.encode() for name, text in texts_of(evaluated).items()})
        show_explanation(explain(evaluated.point, asked.explain), asked.form)
    say_written(written, asked.out)
