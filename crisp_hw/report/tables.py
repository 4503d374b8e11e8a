"""The tables of an evaluation, and any table as rich, as GitHub markdown or as CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from crisp_hw.report.columns import Column, Style, Table, plain, table
from crisp_hw.report.notes import note_line, notes
from crisp_hw.report.records import Record, Value, layer_records, total_records
from crisp_hw.spec.evaluation import NetworkEvaluation

if TYPE_CHECKING:
    from rich.table import Table as RichTable

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
    Column("energy_ratio", "on-chip gain", "ratio"),
    Column("dram_uj", "DRAM uJ", "number"),
    Column("energy_ratio_with_dram", "gain with DRAM", "ratio"),
    Column("compute_bound_share", "bound by MACs", "share"),
)
MIN_WIDTH = 120
LEGEND = "gain: energy of the dense run over this one; on chip: everything but DRAM; B16: blocks of 16 x 16"
SHARES = ("density", "kept_ratio", "utilization", "compute_bound_share")


def layer_tables(network: NetworkEvaluation, wide: bool = False) -> tuple[Table, ...]:
    """One table per accelerator with a row per layer; `wide` shows every key of the records.

    >>> layer_tables(NetworkEvaluation("nothing", ()))
    ()
    """
    found = layer_records(network)
    columns, records = (_wide(found), found) if wide else (LAYER, [_with_texts(record) for record in found])
    groups = groupby(records, key=lambda record: record["arch"])
    return tuple(table(f"{network.name} on {arch}", columns, rows) for arch, rows in groups)


def total_table(network: NetworkEvaluation, wide: bool = False) -> Table:
    """One row per accelerator: the sums over its layers.

    >>> total_table(NetworkEvaluation("nothing", ())).title
    'nothing: totals'
    """
    records = total_records(network)
    return table(f"{network.name}: totals", _wide(records) if wide else TOTAL, records)


def remarks(network: NetworkEvaluation) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What must be said besides the numbers: (heading, lines) for assumptions and for skipped layers.

    >>> remarks(NetworkEvaluation("nothing", (), assumptions=("one sample",)))
    (('assumptions', ('one sample',)),)
    """
    assumed = tuple(plain(note_line(note, network)) for note in notes(network))
    skipped = tuple(plain(f"{each.name}: {each.reason}") for each in network.skipped)
    return tuple(part for part in (("assumptions", assumed), ("skipped", skipped)) if part[1])


def rich_table(content: Table) -> "RichTable":
    """A table for the terminal: text on the left, numbers on the right, no markup read from names.

    >>> rich_table(table("t", (Column("a", "a"),), [{"a": "[red]"}])).row_count
    1
    """
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(
        title=Text(content.title),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        collapse_padding=True,
        pad_edge=False,
    )
    for position, column in enumerate(content.columns):
        left, first = column.style == "text", position == 0
        heading = Text(column.heading.replace(" ", "\n"))  # narrow columns: a word a line
        shown.add_column(heading, justify="left" if left else "right", overflow="fold", no_wrap=not first)
    for row in content.rows:
        shown.add_row(*(Text(text) for text in row))
    return shown


def table_width(content: Table) -> int:
    """Characters that a table needs so that nothing in it is folded or cut, at least 120.

    >>> table_width(table("t", (Column("a", "a"),), [{"a": "x" * 130}]))
    132
    """
    columns = zip(*content.rows, strict=True)
    widths = [max(map(len, (*c.heading.split(), *cells))) for c, cells in zip(content.columns, columns, strict=False)]
    return max(MIN_WIDTH, sum(widths) + 2 * len(widths))


def markdown_table(content: Table) -> str:
    r"""A table in GitHub's markdown.

    >>> print(markdown_table(table("t", (Column("a", "name"), Column("n", "N", "whole")), [{"a": "x|y", "n": 1000}])))
    | name | N |
    |:---|---:|
    | x\|y | 1,000 |
    """
    rule = "|".join(":---" if column.style == "text" else "---:" for column in content.columns)
    lines = [_line(column.heading for column in content.columns), f"|{rule}|", *map(_line, content.rows)]
    return "\n".join(lines)


def csv_text(records: Sequence[Mapping[str, Value]]) -> str:
    r"""Records as CSV with full precision; None is an empty cell.

    >>> csv_text([{"layer": "fc", "speedup": 2.5, "block": None}])
    'layer,speedup,block\nfc,2.5,\n'
    """
    if not records:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def _line(cells: Iterable[str]) -> str:
    escaped = (cell.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") for cell in cells)
    return f"| {' | '.join(escaped)} |"


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
