"""A study as a document: its table, what its pairs say, and the files that are written of it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from crisp_hw.documents.columns import table
from crisp_hw.documents.document import Document
from crisp_hw.machine.writing import write_text
from crisp_hw.spec.columns import Record
from crisp_hw.spec.documents.workloads import STUDY
from crisp_hw.spec.shown import counted
from crisp_prune.lab.cell import Measured
from crisp_prune.lab.results import Pair, Row, pairs_of, rows_of
from crisp_prune.lab.running import Reached
from crisp_prune.lab.study import Study

SCHEMA = "crisp-prune/lab/1"
RESULTS = "results.json"
"""The file that holds every cell, to be kept and compared."""


def study_document(study: Study, reached: Reached, notes: Sequence[str]) -> Document:
    """Means and deviations over the seeds by method, target and classes, and one line for every pair.

    >>> study = Study(schema="crisp-hw/study/1", methods=[], sparsities=[], classes=[])
    >>> study_document(study, Reached((), 0), ()).content["rows"]
    []
    """
    rows = rows_of(reached.rows)
    pairs = pairs_of(reached.rows, study.pairs)
    records = [_record(row) for row in rows]
    sources = sorted({cell.data for cell in reached.rows})
    content = {
        "schema": SCHEMA,
        "data": sources,
        "model": study.model,
        "epochs": study.epochs,
        "rows": records,
        "pairs": [asdict(pair) | {"classes": list(pair.classes)} for pair in pairs],
        "notes": list(notes),
    }
    remarks = {"note": tuple(notes), "pairs": tuple(in_words(pair) for pair in pairs)}
    title = f"{study.model} on {', '.join(sources)}, {counted(study.epochs, 'epoch')}"
    return Document("comparison", (table(title, STUDY.columns, records),), remarks, records, content)


def in_words(pair: Pair) -> str:
    """What a pair of methods says, in percentage points.

    >>> in_words(Pair("a", "b", 0.9, (0, 1), 0.05, 0.0125, "above", 3))
    'a against b at 0.9, 2 classes: +5.00 points, deviation 1.25 (above)'
    >>> in_words(Pair("a", "b", 0.9, (0, 1), 0.05, 0.0, "above"))
    'a against b at 0.9, 2 classes: +5.00 points (above; of one seed, which proves nothing)'
    """
    at = "" if pair.target is None else f" at {pair.target:g}"
    begun = f"{pair.first} against {pair.second}{at}, {len(pair.classes)} classes: {pair.difference * 100:+.2f} points"
    if pair.seeds == 1:
        return f"{begun} ({pair.found}; of one seed, which proves nothing)"
    return f"{begun}, deviation {pair.deviation * 100:.2f} ({pair.found})"


def _record(row: Row) -> Record:
    return asdict(row) | {"classes": len(row.classes)}


def write_results(study: Study, reached: Reached, folder: Path) -> Path:
    """Every cell of a study that is done, with the study itself, as one small JSON file."""
    told = json.dumps(study.model_dump(by_alias=True, exclude_defaults=True), sort_keys=True)
    cells = [dict(sorted(_rounded(cell).items())) for cell in reached.rows]  # layers stand as they ran
    part = "" if len(cells) == reached.cells else f'"part": "{len(cells)} of {reached.cells} cells",\n'
    lines = ",\n".join(json.dumps(cell) for cell in cells)
    text = f'{{"study": {told},\n{part}"cells": [\n{lines}\n]}}\n'
    write_text(folder / RESULTS, text)
    return folder / RESULTS


def _rounded(cell: Measured) -> dict[str, object]:
    """Shares to five digits; the seconds are the machine's and stay out."""
    plain = cell.as_dict()
    plain.pop("seconds")
    layers = {name: round(value, 4) for name, value in cell.by_layer.items()}
    return {key: round(value, 5) if isinstance(value, float) else value for key, value in plain.items()} | {
        "by_layer": layers,
        "trail": [round(value, 5) for value in cell.trail],
    }
