"""Any table as rich, as GitHub markdown or as CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from crisp_hw.report.columns import Column, Table, plain
from crisp_hw.report.records import Value

if TYPE_CHECKING:
    from rich.table import Table as RichTable

MIN_WIDTH = 120
PROSE_WIDTH = 40
FORMULAS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last four: their wide forms


def rich_table(content: Table) -> "RichTable":
    """A table for the terminal: text on the left, numbers on the right, no markup read from names.

    >>> from crisp_hw.report.columns import Column, table
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
        wraps = position == 0 or column.style == "prose"
        heading = Text(column.heading.replace(" ", "\n"))  # narrow columns: a word a line
        shown.add_column(heading, justify="left" if column.left else "right", overflow="fold", no_wrap=not wraps)
    for row in content.rows:
        shown.add_row(*(Text(text) for text in row))
    return shown


def table_width(content: Table) -> int:
    """Characters that a table needs so that nothing but prose is folded, at least 120.

    >>> from crisp_hw.report.columns import Column, table
    >>> table_width(table("t", (Column("a", "a"),), [{"a": "x" * 130}]))
    132
    """
    widths = [max(map(len, column.heading.split())) for column in content.columns]
    for row in content.rows:
        needed = (_needed(column, text) for column, text in zip(content.columns, row, strict=True))
        widths = [max(pair) for pair in zip(widths, needed, strict=True)]
    return max(MIN_WIDTH, sum(widths) + 2 * len(widths))


def markdown_table(content: Table) -> str:
    r"""A table in GitHub's markdown.

    >>> from crisp_hw.report.columns import Column, table
    >>> print(markdown_table(table("t", (Column("a", "name"), Column("n", "N", "whole")), [{"a": "x|y", "n": 1000}])))
    | name | N |
    |:---|---:|
    | x\|y | 1,000 |
    """
    rule = "|".join(":---" if column.left else "---:" for column in content.columns)
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
    writer.writerows({key: harmless(value) for key, value in record.items()} for record in records)
    return text.getvalue()


def harmless(value: Value) -> Value:
    r"""A cell that no spreadsheet takes for a formula and no terminal obeys; numbers stay what they are.

    Names come from files of others. Text that begins as formulas do (= + - @) gets an apostrophe in front, unless it
    is a number; control characters become question marks.

    >>> [harmless(value) for value in ("=HYPERLINK(1)", "-1.5", "-x", "two\nlines", -1.5, None)]
    ["'=HYPERLINK(1)", '-1.5', "'-x", 'two?lines', -1.5, None]
    """
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if text.lstrip().startswith(FORMULAS) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _needed(column: Column, text: str) -> int:
    return min(len(text), PROSE_WIDTH) if column.style == "prose" else len(text)


def _line(cells: Iterable[str]) -> str:
    escaped = (cell.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") for cell in cells)
    return f"| {' | '.join(escaped)} |"
