"""The document about files that were checked: every mistake with its line."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from crisp_hw.documents.columns import table
from crisp_hw.documents.document import Document
from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.report.records import Record
from crisp_hw.spec.documents.upkeep import MISTAKES

SCHEMA = "crisp-hw/mistakes/1"


def mistakes_document(found: Mapping[Path, Sequence[InputError]]) -> Document:
    """A row per mistake; files without one are named below.

    >>> mistakes_document({Path("a.yaml"): ()}).remarks["without a mistake"]
    ('a.yaml',)
    """
    records = [_record(path, each) for path, mistakes in found.items() for each in mistakes]
    fine = tuple(str(path) for path, mistakes in found.items() if not mistakes)
    files = [{"file": str(path), "mistakes": len(mistakes)} for path, mistakes in found.items()]
    content = {"schema": SCHEMA, "files": files, "mistakes": records}
    tables = (table("mistakes", MISTAKES.columns, records),) if records else ()
    return Document("checked files", tables, {"without a mistake": fine}, records, content)


def _record(path: Path, mistake: InputError) -> Record:
    at = mistake.at or Where()
    mark = at.mark or Mark(str(path))
    place = str(Where(at.document, at.entry, at.key))
    return {
        "file": mark.file,
        "line": mark.line or None,
        "place": place or None,
        "mistake": mistake.reason,
        "hint": mistake.hint or None,
    }
