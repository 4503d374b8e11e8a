"""A study as a document: what it is, its front, all of its points."""

from dataclasses import asdict

from crisp_hw.documents.columns import table
from crisp_hw.documents.document import Document, json_text, versions
from crisp_hw.documents.tables import csv_text
from crisp_hw.exploration.page import study_page
from crisp_hw.exploration.study import Study
from crisp_hw.exploration.words import column_of
from crisp_hw.report.page.page import page_text
from crisp_hw.spec.shown import counted

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
        answer=(table(title, [column_of(key, ahead) for key in ("trial", *shown)], ahead),),
    )


def study_texts(study: Study, command: str = "") -> dict[str, bytes]:
    """The files of a study by name; `command` is the command line that asked for it, which the page tells."""
    document = study_document(study)
    texts = {
        "study.json": json_text(document),
        "points.csv": csv_text(document.records),
        "front.csv": csv_text(study.front_records()),
        "report.html": page_text(study_page(study, command)),
    }
    return {name: text.encode() for name, text in texts.items()}
