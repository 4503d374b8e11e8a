"""Records as tables of text: how every style of value reads."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from crisp_hw.spec.columns import Column as Column
from crisp_hw.spec.columns import Style, Value

EMPTY = "–"


@dataclass(frozen=True)
class Table:
    """Rows of text under headings, ready for any output."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


def table(title: str, columns: Sequence[Column], records: Iterable[Mapping[str, Value]]) -> Table:
    """The records as text; a column that no record has a value for is left out.

    >>> table("layers", (Column("n", "N", "whole"), Column("b", "block")), [{"n": 4096, "b": None}]).rows
    (('4,096',),)
    """
    given = list(records)
    used = tuple(column for column in columns if any(record.get(column.key) is not None for record in given))
    return Table(plain(title), used, tuple(tuple(cell(record.get(c.key), c.style) for c in used) for record in given))


def cell(value: Value, style: Style = "text") -> str:
    """One value as text, without anything that a terminal would obey.

    >>> [cell(*pair) for pair in ((0.0123456, "number"), (12345.6, "number"), (7.456, "ratio"), (0.25, "share"))]
    ['0.0123', '12,346', '7.46x', '25.0 %']
    >>> cell(None), cell("conv\\x1b[2J")
    ('–', 'conv?[2J')
    """
    if value is None:
        return EMPTY
    if isinstance(value, str):
        return plain(value)
    return _FORMATS[style](value)


def plain(text: str) -> str:
    """Text on one line whose control characters became question marks (names come from files of others).

    >>> plain("two\\nlines")
    'two?lines'
    """
    return "".join(c if c.isprintable() else "?" for c in text)


def _number(value: float) -> str:
    """Three significant digits, but never fewer than the whole part has."""
    if abs(value) >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 0.001 else f"{value:#.3g}".rstrip(".")


_FORMATS: dict[str, Callable[[float], str]] = {
    "text": str,
    "prose": str,
    "whole": lambda value: f"{value:,.0f}",
    "number": _number,
    "ratio": lambda value: f"{value:.2f}x",
    "share": lambda value: f"{100 * value:.1f} %",
}
