"""The document about files that a command has written, where they are its whole answer."""

from collections.abc import Sequence
from pathlib import Path

from crisp_hw.documents.columns import table
from crisp_hw.documents.document import Document
from crisp_hw.spec.columns import Record
from crisp_hw.spec.documents.upkeep import WRITTEN

SCHEMA = "crisp-hw/written/1"


def written_document(files: Sequence[Path], folder: Path) -> Document:
    """One record per file.

    >>> list(written_document([Path("out/fc/mapping.yaml")], Path("out")).records)
    [{'file': 'out/fc/mapping.yaml'}]
    """
    records: list[Record] = [{"file": str(each)} for each in files]
    content = {"schema": SCHEMA, "folder": str(folder), "files": [str(each) for each in files]}
    shown = table("files", WRITTEN.columns, records)
    return Document(f"written to {folder}", (shown,), records=records, content=content)
