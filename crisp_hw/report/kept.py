"""The document about kept results: where they are, how many of each kind."""

from collections.abc import Sequence
from dataclasses import asdict

from crisp_hw.documents.columns import table
from crisp_hw.documents.document import Document, versions
from crisp_hw.machine.store import StoreInfo
from crisp_hw.spec.documents.upkeep import KEPT

SCHEMA = "crisp-hw/kept/1"


def kept_document(found: Sequence[StoreInfo]) -> Document:
    """A row per kind of results in one folder, and their sums; those of other versions are never read.

    >>> from pathlib import Path
    >>> kept = [StoreInfo(Path("/tmp"), "searches", 12, 3, 60_000), StoreInfo(Path("/tmp"), "cacti", 1, 0, 500)]
    >>> kept_document(kept).content["entries"]
    13
    """
    records = [{**asdict(each), "folder": str(each.folder)} for each in found]
    sums = {key: sum(record[key] for record in records) for key in ("entries", "stale", "size_bytes")}
    kinds = [{"kind": each.kind, "kept": each.entries, "stale": each.stale} for each in found]
    content = {"schema": SCHEMA, "folder": records[0]["folder"], **sums, "kinds": kinds, "versions": versions()}
    return Document("kept results", (table("kept results", KEPT.columns, records),), records=records, content=content)
