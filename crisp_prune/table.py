"""A table as text, as wide as the terminal, and wide enough for long names where there is none."""

import io
import sys
from collections.abc import Iterable, Sequence

PIPE_WIDTH = 160  # characters: a pipe has no width of its own, and long names of layers are not cut at 80


def table_text(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The rows under their headings, without anything that a terminal would obey in a name.

    >>> print(table_text(["layer"], [["[red]conv"]]))
    ┏━━━━━━━━━━━┓
    ┃ layer     ┃
    ┡━━━━━━━━━━━┩
    │ [red]conv │
    └───────────┘
    """
    from rich.console import Console  # takes a while to load, and most runs print no table
    from rich.table import Table
    from rich.text import Text

    shown = Table(*headings)
    for row in rows:
        shown.add_row(*(Text(plain(cell)) for cell in row))
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(shown)
    return captured.get().rstrip("\n")


def plain(text: str) -> str:
    r"""Text whose control characters became question marks.

    >>> plain("two\nlines")
    'two?lines'
    """
    return "".join(c if c.isprintable() else "?" for c in text)
