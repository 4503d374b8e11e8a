"""What stands on a page, and the page itself: a template, and a chart library that is taken from its package."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from crisp_hw.documents.columns import Column, cell
from crisp_hw.report.page.library import LIBRARY, library, licence
from crisp_hw.spec.columns import Record, Value

Spec = Mapping[str, Any]
"""A chart as Vega-Lite writes it."""
WITHOUT = f'charts are left out, because {LIBRARY} is not installed: pip install "crisp-hw[report]"'


@dataclass(frozen=True)
class Card:
    """One number in large letters."""

    title: str
    value: str
    below: str = ""


@dataclass(frozen=True)
class Chart:
    """A chart, and what it shows in words, for whoever does not see it."""

    name: str
    title: str
    words: str
    spec: Spec


@dataclass(frozen=True)
class Cell:
    """A value as it reads, and as it is sorted."""

    text: str
    value: Value
    left: bool


@dataclass(frozen=True)
class Grid:
    """A table whose columns sort it."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Page:
    """A page: cards, charts, tables, texts and masks of which one is chosen, lines that are folded.

    `heat` draws the whole of a mask and what is near, `maskless` says why there is none, `command` is the command line
    that wrote it, if one did.
    """

    title: str
    about: str
    cards: Sequence[Card] = ()
    charts: Sequence[Chart] = ()
    grids: Sequence[Grid] = ()
    chosen: Mapping[str, str] = field(default_factory=dict)
    masks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    heat: Mapping[str, Spec] = field(default_factory=dict)
    maskless: str = ""
    command: str = ""
    folded: Mapping[str, Sequence[str]] = field(default_factory=dict)


def grid(title: str, columns: Sequence[Column], records: Sequence[Record]) -> Grid:
    """Records as a table; a column that no record has a value for is left out.

    >>> grid("t", (Column("n", "N", "whole"), Column("b", "block")), [{"n": 4096, "b": None}]).rows
    ((Cell(text='4,096', value=4096, left=False),),)
    """
    used = [column for column in columns if any(record.get(column.key) is not None for record in records)]
    rows = (
        tuple(Cell(cell(value := record.get(column.key), column.style), value, column.left) for column in used)
        for record in records
    )
    return Grid(title, tuple(used), tuple(rows))


def page_text(page: Page) -> str:
    """The page as HTML.

    >>> "<title>nothing</title>" in page_text(Page("nothing", "about nothing"))
    True
    """
    from jinja2 import Environment

    template = (files("crisp_hw.report.page") / "page.html.j2").read_text(encoding="utf-8")
    script = library() if page.charts or page.masks else ""
    charts = {each.name: {"words": each.words, "spec": each.spec} for each in page.charts}
    made = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(template)
    return made.render(
        page=page,
        library=script,
        licence=licence() if script else "",
        without=WITHOUT if (page.charts or page.masks) and not script else "",
        data=_in_script({"charts": charts if script else {}, "chosen": page.chosen, **_masks(page, script)}),
    )


def _masks(page: Page, script: str) -> dict[str, Any]:
    """The masks, and how each is drawn."""
    return {"masks": page.masks, "heat": page.heat} if script and page.masks else {}


def _in_script(value: object) -> str:
    """JSON that can stand in a script: nothing in it ends one, or begins a comment."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c").replace("\u2028", "").replace("\u2029", "")
