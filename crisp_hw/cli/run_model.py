"""What `crisp-hw model` does, its options read."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crisp_hw.cli.output import Format, check_folder, say_written, show_table
from crisp_hw.command_line import voice
from crisp_hw.spec.dialect import Dialect

if TYPE_CHECKING:
    from crisp_hw.timeloop.stats.detail import Evaluated
    from crisp_hw.timeloop.yaml.documents import InputFiles


@dataclass(frozen=True)
class FilesAsked:
    """The options that say what Timeloop's documents are: files, and folders, settings and files for templates."""

    files: tuple[Path, ...]
    include: tuple[Path, ...] = ()
    define: tuple[str, ...] = ()
    data: tuple[Path, ...] = ()
    strict: bool = False

    def read(self) -> "InputFiles":
        """The input of a run; InputError for settings that are none."""
        from crisp_hw.timeloop.yaml.documents import InputFiles, input_files
        from crisp_hw.timeloop.yaml.variables import template_variables

        held = template_variables((), self.data)
        return input_files(
            InputFiles(self.files, self.include, held, strict=self.strict), template_variables(self.define)
        )


@dataclass(frozen=True)
class ModelRun:
    """The options of `crisp-hw model`."""

    given: FilesAsked
    out: Path | None = None
    form: Format = "table"
    dialect: Dialect = "head"
    explain: str | None = None
    wide: bool = False


def run_model(asked: ModelRun) -> None:
    """Evaluate, write all files or none, and show the result or what explains a figure of it."""
    from crisp_hw.dropin.model import evaluate_files

    out = Path() if asked.out is None and asked.explain is None else asked.out
    check_folder(out)
    evaluated = evaluate_files(asked.given.read(), asked.dialect)
    if asked.explain is not None and asked.wide:
        voice.note("--wide has no effect beside --explain")
    if asked.explain is None:
        from crisp_hw.report.model import model_document

        written = _written(evaluated, out)
        show_table(model_document(evaluated), asked.form, asked.wide)
    else:
        from crisp_hw.cli.explain import show_explanation
        from crisp_hw.explanation import explain  # takes a while to load

        explanation = explain(evaluated.point, asked.explain)
        written = _written(evaluated, out)
        show_explanation(explanation, asked.form)
    if out is not None:
        say_written(written, out)


def _written(evaluated: "Evaluated", out: Path | None) -> tuple[Path, ...]:
    """The files of a run, written all or none; none where no folder is given."""
    if out is None:
        return ()
    from crisp_hw.dropin.model import texts_of
    from crisp_hw.machine.writing import write_all

    return write_all(out, {name: text.encode() for name, text in texts_of(evaluated).items()})
