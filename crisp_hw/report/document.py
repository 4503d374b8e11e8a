"""A whole evaluation as one JSON or markdown document."""

import json
import platform
from dataclasses import asdict

import numpy as np

import crisp_hw
from crisp_hw.report.columns import Table, plain
from crisp_hw.report.notes import notes
from crisp_hw.report.records import layer_records, total_records
from crisp_hw.report.tables import LEGEND, layer_tables, markdown_table, remarks, total_table
from crisp_hw.spec.evaluation import NetworkEvaluation

SCHEMA = "crisp-hw/result/1"


def json_text(network: NetworkEvaluation) -> str:
    """Everything as JSON: records with units in the keys, assumptions, skipped layers, provenance, versions.

    >>> json.loads(json_text(NetworkEvaluation("nothing", ())))["layers"]
    []
    """
    content = {
        "schema": SCHEMA,
        "name": network.name,
        "versions": versions(),
        "provenance": dict(network.provenance),
        "totals": total_records(network),
        "layers": layer_records(network),
        "assumptions": [asdict(note) for note in notes(network)],
        "skipped": [asdict(each) for each in network.skipped],
    }
    return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def markdown_text(network: NetworkEvaluation, pictures: tuple[str, ...] = ()) -> str:
    """Everything as GitHub markdown; `pictures` are file names beside the document.

    >>> print(markdown_text(NetworkEvaluation("nothing", ())).splitlines()[0])
    # nothing
    """
    lines = [f"# {plain(network.name)}", "", *_section(total_table(network)), f"{LEGEND}.", ""]
    for name in pictures:
        lines += [f"![{name.rsplit('.', 1)[0]}]({name})", ""]
    for content in layer_tables(network):
        lines += _section(content)
    for heading, entries in remarks(network):
        lines += [f"## {heading.capitalize()}", "", *(f"- {_escaped(entry)}" for entry in entries), ""]
    made = ", ".join(f"{name} {version}" for name, version in versions().items())
    return "\n".join([*lines, f"Made with {made}.", ""])


def versions() -> dict[str, str]:
    """The versions that the numbers depend on.

    >>> sorted(versions())
    ['crisp-hw', 'numpy', 'python']
    """
    return {"crisp-hw": crisp_hw.__version__, "numpy": np.__version__, "python": platform.python_version()}


def _section(content: Table) -> list[str]:
    return [f"## {plain(content.title)}", "", markdown_table(content), ""]


def _escaped(text: str) -> str:
    """Names of layers may hold what markdown would read as HTML or emphasis."""
    return "".join(f"\\{c}" if c in "\\*_`<[" else c for c in text)
