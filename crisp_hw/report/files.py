"""Writes an evaluation into a folder, all of its files or none."""

from pathlib import Path
from typing import cast

from crisp_hw.documents.document import json_text, markdown_text
from crisp_hw.documents.tables import csv_text
from crisp_hw.machine.writing import write_all
from crisp_hw.report.evaluation import evaluation_document
from crisp_hw.report.page.evaluation import evaluation_page
from crisp_hw.report.page.page import page_text
from crisp_hw.report.records import Record
from crisp_hw.spec.evaluation import NetworkEvaluation


def save(
    network: NetworkEvaluation, folder: Path, plot: bool = True, form: str = "png", command: str = ""
) -> tuple[Path, ...]:
    """Write totals.csv, layers.csv, levels.csv, result.json, report.md, report.html and, with `plot`, the figures.

    `command` is the command line that asked for it, which the page tells.

    Those are totals, speedup, energy and roofline, each in a file of that form: "png", "svg" or "pdf".

    The folder is made when it does not exist; files of the same names are replaced, others stay. Raises InputError
    when the folder cannot be written, leaving it as it was.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     [path.name for path in save(NetworkEvaluation("nothing", ()), Path(place) / "out", plot=False)]
    ['totals.csv', 'layers.csv', 'levels.csv', 'result.json', 'report.md', 'report.html']
    """
    pictures = _pictures(network, form) if plot else {}
    document = evaluation_document(network)
    totals = cast("list[Record]", document.content["totals"])
    texts = {
        "totals.csv": csv_text(totals),
        "layers.csv": csv_text(document.records),
        "levels.csv": csv_text(cast("list[Record]", document.content["levels"])),
        "result.json": json_text(document),
        "report.md": markdown_text(document, tuple(pictures)),
        "report.html": page_text(evaluation_page(network, command, (totals, document.records))),
    }
    return write_all(folder, {name: text.encode() for name, text in texts.items()} | pictures)


def save_result(network: NetworkEvaluation, path: Path) -> tuple[Path, ...]:
    """Write the whole result alone; raises InputError as `save` does.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     [path.name for path in save_result(NetworkEvaluation("nothing", ()), Path(place) / "r.json")]
    ['r.json']
    """
    return write_all(path.parent, {path.name: result_text(network).encode()})


def result_text(network: NetworkEvaluation) -> str:
    """An evaluation as the text of result.json, from which it can be loaded again (`crisp_hw.results`).

    >>> from crisp_hw.results import read_result_text
    >>> read_result_text(result_text(NetworkEvaluation("nothing", ())), "result.json").name
    'nothing'
    """
    return json_text(evaluation_document(network))


def _pictures(network: NetworkEvaluation, form: str) -> dict[str, bytes]:
    from crisp_hw.report.plots import WHOLE, figure, picture

    return {f"{kind}.{form}": picture(figure(network, kind), form) for kind in WHOLE}
