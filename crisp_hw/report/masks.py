"""The document of a network's masks: what every layer really is, and what its metadata costs in each format."""

from collections.abc import Sequence

from crisp_hw.documents.columns import plain, table
from crisp_hw.documents.document import Document, versions
from crisp_hw.report.notes import gathered, note_line
from crisp_hw.report.records import Record, pattern_record
from crisp_hw.spec.descriptors import Descriptor
from crisp_hw.spec.documents.workloads import MASKS

SCHEMA = "crisp-hw/description/1"
BEYOND = (
    "two rank: N:M of groups of N:M; row patterns: the tightest N:M by row and of how many rows; no packaged "
    "accelerator exploits these two"
)
FORMATS = ("crisp", "csr", "ellpack", "bitmask", "rle")
KBIT = 1e-3
READING = (
    "N:M: the tightest that every group obeys; Bn: blocks of n x n, uneven where block rows keep different numbers; "
    "kbit: 1000 bits of metadata, weights not counted, – where the format cannot hold the mask"
)


def descriptor_records(descriptors: Sequence[Descriptor]) -> list[Record]:
    """One record per layer, all with the same keys; `*_bits` is metadata, None where the format cannot hold the mask.

    >>> from crisp_hw.spec.layer import Layer
    >>> descriptor_records([Descriptor(Layer("fc", "linear", 2, 4), "nm", nnz=4)])[0]["density"]
    0.5
    """
    parts = dict.fromkeys((*FORMATS, *(name for found in descriptors for name in found.metadata_bits)))
    return [_record(found, tuple(parts)) for found in descriptors]


def descriptor_document(title: str, descriptors: Sequence[Descriptor], said: Sequence[str] = ()) -> Document:
    """Tables, remarks and content about the masks of a network; `said` is what was assumed to read it.

    >>> descriptor_document("nothing", ()).records
    []
    """
    records = descriptor_records(descriptors)
    layers = [found.layer.name for found in descriptors]
    found_notes = gathered(("", found.layer.name, note) for found in descriptors for note in found.notes)
    kept, weights = sum(found.nnz for found in descriptors), sum(found.layer.weights for found in descriptors)
    summary = (
        f"{len(descriptors)} layers keep {kept:,} of {weights:,} weights ({kept / weights:.2%})" if weights else ""
    )
    remarks = {
        "reading": (READING, BEYOND),
        "notes": (*said, *(plain(note_line(note, ("",), layers)) for note in found_notes)),
    }
    content = {
        "schema": SCHEMA,
        "name": title,
        "versions": versions(),
        "layers": [{**record, "notes": list(d.notes)} for record, d in zip(records, descriptors, strict=True)],
    }
    shown = (table(title, MASKS.columns, map(_shown, records)),)
    return Document(title, shown, remarks, records, content, summary={"totals": (summary,) if summary else ()})


def _record(found: Descriptor, parts: Sequence[str]) -> Record:
    layer = found.layer
    return {
        "layer": layer.name,
        "kind": layer.kind,
        "role": found.role,
        "rows": layer.rows,
        "columns": layer.columns,
        "nonzeros": found.nnz,
        "density": found.density,
        **pattern_record(found),
        "balanced": found.balanced if found.block else None,
        "block_density": found.block_density,
        "longest_row": found.longest_row,
        "two_rank": None if found.two_rank is None else str(found.two_rank),
        "row_patterns": ", ".join(map(str, found.row_patterns)) or None,
        **{f"{part}_bits": found.metadata_bits.get(part) for part in parts},
    }


def _shown(record: Record) -> Record:
    """The record with what only people read."""
    kept, total, block = (record[key] for key in ("kept_blocks", "total_blocks", "block"))
    bits = {name: record[f"{name}_bits"] for name in FORMATS}
    return {
        **record,
        "matrix": f"{record['rows']} x {record['columns']}",
        "blocks": f"{'uneven' if kept is None else kept}/{total} B{block}" if block else None,
        **{f"{name}_kbit": None if n is None else float(n) * KBIT for name, n in bits.items()},
    }
