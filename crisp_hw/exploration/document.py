"""A study as a document: what it is, its front, all of its points."""

from dataclasses import asdict

from crisp_hw.documents.columns import Column, table
from crisp_hw.documents.document import Document, json_text, versions
from crisp_hw.documents.tables import csv_text
from crisp_hw.exploration.study import Study
from crisp_hw.spec.columns import Record, heading
from crisp_hw.spec.documents.studies import POINTS
from crisp_hw.spec.shown import counted
from crisp_hw.spec.vocabulary import columns

SCHEMA = "crisp-hw/exploration/1"


def study_document(study: Study) -> Document:
    """The front as a table, every point as a record."""
    records, ahead = study.records(), study.front_records()
    good = sum(each["state"] == "feasible" for each in records)
    content = {
        "schema": SCHEMA,
        "name": study.name,
        "versions": versions(),
        "axes": [{**asdict(axis), "values": list(axis.values)} for axis in study.space.axes],
        "conditions": list(study.space.conditions),
        "objectives": [asdict(each) for each in study.objectives],
        "interrupted": study.interrupted,
        "front": [each["trial"] for each in ahead],
        "points": records,
    }
    shown = (*(each.name for each in study.space.axes), *(each.name for each in study.objectives))
    title = f"{study.name}: the front of {counted(good, 'feasible point')} of {len(records):,}"
    reasons = dict.fromkeys(str(each["reason"]) for each in records if each["reason"])
    return Document(
        title,
        (),
        {"infeasible": tuple(reasons)[:10]},
        records,
        content,
        answer=(table(title, [_column(key, ahead) for key in ("trial", *shown)], ahead),),
    )


def study_texts(study: Study) -> dict[str, bytes]:
    """The files of a study by name: study.json, points.csv and front.csv."""
    document = study_document(study)
    texts = {
        "study.json": json_text(document),
        "points.csv": csv_text(document.records),
        "front.csv": csv_text(study.front_records()),
    }
    return {name: text.encode() for name, text in texts.items()}


def _column(key: str, records: list[Record]) -> Column:
    """A figure as its column has it; an axis as what its values are."""
    for each in POINTS.columns:
        if each.key == key:
            return each
    try:
        return columns([key])[0]
    except KeyError:
        text = any(isinstance(each.get(key), str) for each in records)
        return Column(key, heading(key), "text" if text else "number")
