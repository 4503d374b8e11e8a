"""A document as text for a screen of a width: tables that fit it, and lines that end where it does."""

import os
import sys
from collections.abc import Iterator, Mapping
from textwrap import fill

from crisp_hw.documents.columns import Table
from crisp_hw.documents.document import Document
from crisp_hw.documents.tables import fitted, least_width, rich_table, table_width

MIN_WIDTH = 40  # characters; below it words would be cut
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
    from rich.console import Console

    found = fitted(content, table_width(content) if wide else width)
    room = max(width, table_width(content) if wide else least_width(found.table))
    console = Console(width=room + 1, color_system=None, force_terminal=False)  # rich wants an edge, which is blank
    with console.capture() as captured:
        console.print(rich_table(found.table))
    yield from (line.rstrip() for line in captured.get().splitlines())
    if found.left_out:
        names = ", ".join(column.heading for column in found.left_out)
        yield fill(f"not shown, for lack of width: {names} (--wide shows all)", width, subsequent_indent="  ")
        yield ""
