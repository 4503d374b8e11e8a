"""The document of an evaluation: totals, a table per accelerator, what was assumed and skipped."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby

from crisp_hw.report import density
from crisp_hw.report.columns import Column, Style, Table, plain, table
from crisp_hw.report.document import Document, versions
from crisp_hw.report.notes import note_line, notes
from crisp_hw.report.records import Record, arch_names, headline, layer_records, total_records
from crisp_hw.spec.evaluation import NetworkEvaluation

SCHEMA = "crisp-hw/result/1"
LAYER = (
    Column("layer", "layer"),
    Column("pattern", "pattern"),
    Column("kept", "kept blocks"),
    Column("density", "density", "share"),
    Column("cycles", "cycles", "whole"),
    Column("dense_cycles", "dense cycles", "whole"),
    Column("speedup", "speedup", "ratio"),
    Column("on_chip_uj", "on chip uJ", "number"),
    Column("energy_ratio", "on-chip gain", "ratio"),
    Column("dram_uj", "DRAM uJ", "number"),
    Column("bound_by", "bound by"),
    Column("utilization", "MACs busy", "share"),
)
TOTAL = (
    Column("arch", "accelerator"),
    Column("layers", "layers", "whole"),
    Column("cycles", "cycles", "whole"),
    Column("dense_cycles", "dense cycles", "whole"),
    Column("speedup", "speedup", "ratio"),
    Column("on_chip_uj", "on chip uJ", "number"),
    Column("metadata_uj", "metadata uJ", "number"),
    Column("overhead_uj", "overhead uJ", "number"),
    Column("energy_ratio", "on-chip gain", "ratio"),
    Column("dram_uj", "DRAM uJ", "number"),
    Column("energy_ratio_with_dram", "gain with DRAM", "ratio"),
    Column("compute_bound_share", "bound by MACs", "share"),
)
LEGEND = (
    "gain is the energy of the dense run divided by that of this run; on chip is everything but DRAM; Bn stands for "
    "blocks of n x n weights",
    "metadata is the energy of accesses to offsets, bitmaps and block indices, in DRAM, too; overhead is the energy of "
    "block index, activation selection and decoders, which Sparseloop does not model; both are part of the energies",
)
SHARES = ("density", "kept_ratio", "utilization", "compute_bound_share")


def layer_tables(title: str, found: Sequence[Record], wide: bool = False) -> tuple[Table, ...]:
    """One table per accelerator with a row per layer, of `layer_records`; `wide` shows every key of the records."""
    columns, records = (_wide(found), found) if wide else (LAYER, [_with_texts(record) for record in found])
    groups = groupby(records, key=lambda record: record["arch"])
    return tuple(table(f"{title} on {arch}", columns, rows) for arch, rows in groups)


def total_table(title: str, records: Sequence[Record], wide: bool = False) -> Table:
    """One row per accelerator, of `total_records`."""
    return table(f"{title}: totals", _wide(records) if wide else TOTAL, records)


def evaluation_document(network: NetworkEvaluation, wide: bool = False) -> Document:
    """Everything that an evaluation says; the records are those of its layers.

    >>> evaluation_document(NetworkEvaluation("nothing", ())).content["schema"]
    'crisp-hw/result/1'
    """
    layers = dict.fromkeys(row.layer for row in network.rows)
    found = notes(network)
    title, records, totals = headline(network), layer_records(network), total_records(network)
    checked, tiles = density.density_records(network), density.tile_records(network)
    remarks = {
        "reading": (*LEGEND, density.LEGEND) if checked else LEGEND,
        "assumptions": tuple(plain(note_line(note, arch_names(network), layers)) for note in found),
        "skipped": tuple(plain(f"{each.name}: {each.reason}") for each in network.skipped),
        "accuracy": accuracy_lines(network.provenance),
        "provenance": tuple(plain(f"{key}: {value}") for key, value in network.provenance.items()),
    }
    content = {
        "schema": SCHEMA,
        "name": network.name,
        "versions": versions(),
        "provenance": dict(network.provenance),
        "totals": totals,
        "layers": records,
        "assumptions": [asdict(note) for note in found],
        "skipped": [asdict(each) for each in network.skipped],
    }
    if checked:
        content["density"] = {"layers": checked, "tiles": tiles}
    tables = (
        *layer_tables(title, records, wide),
        *density.density_tables(checked, tiles),
        total_table(title, totals, wide),
    )
    return Document(title, tables, remarks, records, content)


def accuracy_lines(provenance: Mapping[str, object]) -> tuple[str, ...]:
    """Top-1 before and after pruning in words, where the pruned-model file tells (keys `top1_before`, `top1_after`).

    >>> before, after = ({"top1_all": a, "top1_classes": b, "samples": 50} for a, b in ((0.9, 0.98), (0.8, 0.96)))
    >>> accuracy_lines({"top1_before": before, "top1_after": after})
    ('top-1 among the classes pruned for: 98.0 % before, 96.0 % after', 'top-1 over all outputs: 90.0 % before, ...')
    """
    before, after = (provenance.get(key) for key in ("top1_before", "top1_after"))
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return ()
    said = {"top1_classes": "top-1 among the classes pruned for", "top1_all": "top-1 over all outputs"}
    return tuple(
        f"{words}: {before[key]:.1%} before, {after[key]:.1%} after".replace("%", " %")
        for key, words in said.items()
        if all(isinstance(each.get(key), int | float) for each in (before, after))
    )


def _with_texts(record: Record) -> Record:
    """The record with the two columns that only people read: "2:4 B64" and "3/9"."""
    nm, block, kept, total = (record[key] for key in ("nm", "block", "kept_blocks", "total_blocks"))
    pattern = " ".join(part for part in (nm or "", f"B{block}" if block else "") if isinstance(part, str) and part)
    some = f"{'uneven' if kept is None else kept}/{total}"
    return {**record, "pattern": pattern or "dense", "kept": some if total else None}


def _wide(records: Sequence[Record]) -> tuple[Column, ...]:
    """Every key, headed by its own name; the accelerator stands in the title of a layer table."""
    return tuple(Column(key, key, _style(key, records)) for key in (records[0] if records else {}))


def _style(key: str, records: Sequence[Record]) -> Style:
    if key in SHARES:
        return "share"
    if key == "speedup" or key.startswith("energy_ratio"):
        return "ratio"
    if key.endswith("_uj"):
        return "number"
    return "whole" if any(isinstance(record[key], int) for record in records) else "text"
