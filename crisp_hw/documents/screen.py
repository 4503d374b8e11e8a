"""A document as text for a screen of a width: tables that fit it, and lines that end where it does."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from textwrap import fill, wrap

from crisp_hw.documents.columns import EMPTY, Table
from crisp_hw.documents.document import Document
from crisp_hw.documents.tables import fitted, least_width, rich_table, table_width
from crisp_hw.spec.shown import counted

MIN_WIDTH = 40  # characters; below it words would be cut
USUAL_TERMINAL = 80  # characters; where all of 24 lines count
USUAL_WIDTH = 120  # characters of a line where there is no screen, as in a file or a pipe


def screen_width() -> int:
    """Characters of a line: what COLUMNS says, else those of the terminal, else 120."""
    if os.environ.get("COLUMNS", "").isdecimal():
        return max(MIN_WIDTH, int(os.environ["COLUMNS"]))
    return max(MIN_WIDTH, os.get_terminal_size(sys.stdout.fileno()).columns) if sys.stdout.isatty() else USUAL_WIDTH


def screen_text(document: Document, width: int, wide: bool = False, remarks: bool = True) -> str:
    r"""The answer and its summary, then the other tables and the remarks.

    Tables leave out columns until they fit, unless they may be `wide`, and a line says which.

    >>> screen_text(Document("nothing", (), {"skipped": ("relu",)}, more="More: nothing."), 80)
    'skipped:\n  - relu\nMore: nothing.\n'
    """
    lines: list[str] = []
    for tables, said in ((document.answer, document.summary), (document.tables, document.remarks)):
        for content in tables:
            lines += _table_lines(content, width, wide)
        if remarks or not lines:
            lines += remark_lines(said, width)
            lines += [""] if said is document.summary and any(said.values()) and document.tables else []
    if remarks and document.more:
        lines.append(fill(document.more, width))
    while lines and not lines[-1]:
        lines.pop()  # what stands between a table and its remarks, where there are none
    return "".join(f"{line}\n" for line in lines)


def remark_lines(remarks: Mapping[str, tuple[str, ...]], width: int) -> Iterator[str]:
    """Headings, and the lines under them, folded.

    >>> list(remark_lines({"skipped": ("relu",), "nothing": ()}, 80))
    ['skipped:', '  - relu']
    """
    for heading, entries in remarks.items():
        if entries:
            yield f"{heading}:"
            for entry in entries:
                yield fill(entry, width, initial_indent="  - ", subsequent_indent="    ")


def _table_lines(content: Table, width: int, wide: bool) -> Iterator[str]:
    found = fitted(content, table_width(content) if wide else width)
    yield fill(content.title, width)
    if wide or least_width(found.table) <= width:
        yield from _as_table(found.table, max(width, table_width(content)) if wide else width)
    else:
        yield from _as_entries(found.table, width)
    if found.left_out:
        yield from (_left_out([column.heading for column in found.left_out], width), "")


def _as_table(content: Table, width: int) -> Iterator[str]:
    from rich.console import Console

    console = Console(width=width + 1, color_system=None, force_terminal=False)  # rich wants an edge, which is blank
    with console.capture() as captured:
        console.print(rich_table(content))
    yield from (line.rstrip() for line in captured.get().splitlines())


def _as_entries(content: Table, width: int) -> Iterator[str]:
    """A row as lines, for a screen on which its columns do not stand side by side."""
    yield ""
    for row in content.rows:
        yield from wrap(row[0], width, initial_indent=" ", subsequent_indent=" ")
        for column, text in zip(content.columns[1:], row[1:], strict=True):
            if text != EMPTY:
                yield from wrap(f"{column.heading}: {text}", width, initial_indent="   ", subsequent_indent="     ")
    yield ""


def _left_out(headings: Sequence[str], width: int) -> str:
    r"""A line about columns that had to give way, or two on a narrow screen: as many by name as they hold.

    >>> print(_left_out(["ms", "on-chip W", "EDP uJ ms"], 80))
    not shown, for lack of width: ms, on-chip W, EDP uJ ms (--wide shows all)
    >>> print(_left_out(["ms", "on-chip W", "EDP uJ ms"], 40))
    not shown, for lack of width: ms, on-
      chip W, EDP uJ ms (--wide shows all)
    """
    lines = 1 if width >= USUAL_TERMINAL else 2
    for named in range(len(headings), 0, -1):
        more = f" and {len(headings) - named} more" if named < len(headings) else ""
        said = f"not shown, for lack of width: {', '.join(headings[:named])}{more} (--wide shows all)"
        folded = fill(said, width, subsequent_indent="  ")
        if folded.count("\n") < lines:
            return folded
    said = f"not shown, for lack of width: {counted(len(headings), 'column')} (--wide shows all)"
    return fill(said, width, subsequent_indent="  ")
