"""Any table as rich, as GitHub markdown or as CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crisp_hw.documents.columns import Column, Table, plain
from crisp_hw.spec.columns import Value

if TYPE_CHECKING:
    from rich.table import Table as RichTable

PROSE_WIDTH = 40  # characters that prose gets where there is room
PROSE_LEAST = 24  # and what it needs before other columns give way
PROSE_NARROW = 16  # and where none can give way any more
FORMULAS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last four: their wide forms


def rich_table(content: Table) -> "RichTable":
    """A table for the terminal, without its title: text on the left, numbers on the right, no markup read from names.

    >>> from crisp_hw.documents.columns import Column, table
    >>> rich_table(table("t", (Column("a", "a"),), [{"a": "[red]"}])).row_count
    1
    """
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(
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


@dataclass(frozen=True)
class Fitted:
    """A table that fits a width, and the columns that had to give way."""

    table: Table
    left_out: tuple[Column, ...]


def fitted(content: Table, width: int) -> Fitted:
    """The table without the columns of the highest priorities, as many as it takes to fit the width.

    >>> from crisp_hw.documents.columns import Column, table
    >>> wide = table("t", (Column("a", "a"), Column("b", "b", priority=2)), [{"a": "x" * 50, "b": "y" * 50}])
    >>> [column.key for column in fitted(wide, 80).left_out], fitted(wide, 120).left_out
    (['b'], ())
    """
    needed = _widths(content, PROSE_LEAST)
    giving = sorted((-column.priority, -place) for place, column in enumerate(content.columns) if column.priority)
    left = list(range(len(content.columns)))
    for _, place in giving:
        if _total([needed[each] for each in left]) <= width:
            break
        left.remove(-place)
    rows = tuple(tuple(row[each] for each in left) for row in content.rows)
    kept = tuple(content.columns[each] for each in left)
    return Fitted(replace(content, columns=kept, rows=rows), tuple(c for c in content.columns if c not in kept))


def table_width(content: Table) -> int:
    """Characters that a table needs so that nothing but prose is folded.

    >>> from crisp_hw.documents.columns import Column, table
    >>> table_width(table("t", (Column("a", "a"),), [{"a": "x" * 130}]))
    131
    """
    return _total(_widths(content, PROSE_WIDTH))


def least_width(content: Table) -> int:
    """Characters that a table needs where prose is folded as far as it may be."""
    return _total(_widths(content, PROSE_NARROW))


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + 2 * len(widths) - 1  # a space in front and two between columns


def _widths(content: Table, prose: int) -> list[int]:
    """Characters that every column needs where prose gets so many."""
    widths = [max(map(len, column.heading.split())) for column in content.columns]
    for row in content.rows:
        needed = (_needed(column, text, prose) for column, text in zip(content.columns, row, strict=True))
        widths = [max(pair) for pair in zip(widths, needed, strict=True)]
    return widths


def markdown_table(content: Table) -> str:
    r"""A table in GitHub's markdown, headed by the keys, which are those of CSV and JSON.

    >>> from crisp_hw.documents.columns import Column, table
    >>> print(markdown_table(table("t", (Column("a", "name"), Column("n", "N", "whole")), [{"a": "x|y", "n": 1000}])))
    | a | n |
    |:---|---:|
    | x\|y | 1,000 |
    """
    rule = "|".join(":---" if column.left else "---:" for column in content.columns)
    lines = [_line(column.key for column in content.columns), f"|{rule}|", *map(_line, content.rows)]
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


def _needed(column: Column, text: str, prose: int) -> int:
    return min(len(text), prose) if column.style == "prose" else len(text)


def _line(cells: Iterable[str]) -> str:
    escaped = (cell.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") for cell in cells)
    return f"| {' | '.join(escaped)} |"
