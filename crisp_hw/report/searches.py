"""The document about past searches: where they are, how many."""

from dataclasses import asdict

from crisp_hw.report.columns import Column, table
from crisp_hw.report.document import Document, versions
from crisp_hw.searches.store import StoreInfo

SCHEMA = "crisp-hw/searches/1"
COLUMNS = (
    Column("folder", "folder"),
    Column("entries", "searches", "whole"),
    Column("stale", "of other versions", "whole"),
    Column("size_bytes", "bytes", "whole"),
)


def store_document(info: StoreInfo) -> Document:
    """One row about a folder of searches; those of other versions of the engine are never read.

    >>> from pathlib import Path
    >>> store_document(StoreInfo(Path("/tmp/searches"), 12, 3, 60_000)).records[0]["entries"]
    12
    """
    record = {**asdict(info), "folder": str(info.folder)}
    content = {"schema": SCHEMA, **record, "versions": versions()}
    return Document("past searches", (table("past searches", COLUMNS, [record]),), records=[record], content=content)
