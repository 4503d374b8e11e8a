"""The option --explain: how one number came about."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from crisp_hw.cli.completion import figures
from crisp_hw.cli.output import Format
from crisp_hw.errors import InputError

if TYPE_CHECKING:
    from crisp_hw.explanation import Explanation
    from crisp_hw.spec.accelerator import Accelerator
    from crisp_hw.spec.descriptors import Descriptor

ExplainOption = Annotated[
    str | None,
    typer.Option(
        "--explain",
        help="Explain how one number came about, instead of printing tables: cycles, energy, MAC, a level (SMEM) or "
        "a tensor in a level (SMEM.A).",
        autocompletion=figures,
    ),
]
STYLES = {"title": "bold", "see": "dim", "answer": "green", "equation": "cyan", "note": "yellow", "text": ""}


def check_single(
    accelerators: "Sequence[Accelerator]", layers: "Sequence[Descriptor]", backend: str = "embedded"
) -> None:
    """InputError unless it is one layer on one accelerator, by the engine that can explain itself."""
    if backend != "embedded":
        raise InputError("--explain tells what the embedded engine computes", hint=f"leave out --backend {backend}")
    if len(accelerators) != 1:
        names = ", ".join(each.name for each in accelerators)
        raise InputError("--explain looks at one accelerator", hint=f"choose one with --arch: {names}")
    if len(layers) != 1:
        names = ", ".join(each.layer.name for each in layers)
        raise InputError("--explain looks at one layer", hint=f"choose one of {len(layers)} with --layers: {names}")


def show_explanation(explanation: "Explanation", form: Format) -> None:
    """Print it: in colours on a terminal, plain elsewhere, as records for CSV and with full precision for JSON."""
    from crisp_hw.documents.document import Document, json_text
    from crisp_hw.documents.tables import csv_text
    from crisp_hw.explanation.text import content, lines, plain_text, records

    match form:
        case "table" if sys.stdout.isatty():
            from rich.console import Console
            from rich.text import Text

            console = Console(soft_wrap=True)
            for line, kind in lines(explanation):
                console.print(Text(line, style=STYLES[kind]))
        case "table":
            sys.stdout.write(plain_text(explanation))
        case "md":
            sys.stdout.write(f"```text\n{plain_text(explanation)}```\n")
        case "json":
            sys.stdout.write(json_text(Document(explanation.subject, (), content=content(explanation))))
        case "csv":
            sys.stdout.write(csv_text(records(explanation)))
