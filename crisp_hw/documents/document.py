"""A document: tables and remarks for people, records and content for programs; and its texts."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from crisp_hw.documents.columns import Table, plain
from crisp_hw.documents.tables import markdown_table
from crisp_hw.spec.columns import Record


@dataclass(frozen=True)
class Document:
    """First `answer` and `summary`, then `tables` and `remarks`: lines by their heading, and `more`, on a screen alone.

    `records` is the CSV, `content` the JSON. `long` makes what the JSON holds besides, for programs alone: each on one
    line, and only when JSON is asked for.
    """

    title: str
    tables: tuple[Table, ...]
    remarks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    records: Sequence[Record] = ()
    content: Mapping[str, object] = field(default_factory=dict)
    long: Callable[[], Mapping[str, object]] = dict
    answer: tuple[Table, ...] = ()
    summary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    more: str = ""


def json_text(document: Document) -> str:
    r"""The content as JSON; units stand in the keys.

    >>> json_text(Document("nothing", (), content={"cycles": 1}))
    '{\n  "cycles": 1\n}\n'
    """
    text = json.dumps(dict(document.content), indent=2, allow_nan=False, default=str)
    lines = [f'  "{key}": {_on_one_line(value)}' for key, value in document.long().items()]
    return ",\n".join([text.removesuffix("\n}"), *lines]) + "\n}\n" if lines else text + "\n"


def markdown_text(document: Document, pictures: Sequence[str] = ()) -> str:
    """Tables and remarks as GitHub markdown; `pictures` are file names beside the document.

    >>> print(markdown_text(Document("nothing", (), {"skipped": ("relu",)})).splitlines()[:4])
    ['# nothing', '', '## Skipped', '']
    """
    lines = [f"# {_escaped(plain(document.title))}", ""]
    for name in pictures:
        shown = "" if name.endswith(".pdf") else "!"  # Markdown shows no PDF, and links it
        lines += [f"{shown}[{name.rsplit('.', 1)[0]}]({name})", ""]
    for tables, remarks in ((document.answer, document.summary), (document.tables, document.remarks)):
        for content in tables:
            lines += [f"## {_escaped(content.title)}", "", markdown_table(content), ""]
        for heading, entries in remarks.items():
            if entries:
                lines += [f"## {heading.capitalize()}", "", *(f"- {_escaped(entry)}" for entry in entries), ""]
    made = ", ".join(f"{name} {version}" for name, version in versions().items())
    return "\n".join([*lines, f"Made with {made}.", ""])


def versions() -> dict[str, str]:
    """The versions that the numbers depend on.

    >>> sorted(versions())
    ['crisp-hw', 'numpy', 'python']
    """
    import platform  # these three take longer to load than most documents to write
    from importlib.metadata import PackageNotFoundError, version

    import numpy as np

    try:
        own = version("crisp-hw")
    except PackageNotFoundError:
        own = "not installed"  # a checkout on the path alone
    return {"crisp-hw": own, "numpy": np.__version__, "python": platform.python_version()}


def _on_one_line(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _escaped(text: str) -> str:
    """Names of layers may hold what markdown would read as HTML or emphasis."""
    return "".join(f"\\{c}" if c in "\\*_`<[" else c for c in text)
