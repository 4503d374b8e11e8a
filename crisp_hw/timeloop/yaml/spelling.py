"""Keys that a program passes over because it knows them under another spelling (docs/model.md, section 12, D3).

Public Timeloop takes hyphens and underscores for the same since 2023. The program of 2022 looks up every key as it
stands in its source: some with hyphens, some with underscores, and what is spelled otherwise it never sees.
"""

from typing import Any

from crisp_hw.errors import Mark
from crisp_hw.machine.positions import derived, like, mark_of
from crisp_hw.timeloop.yaml.fields import Node

HYPHENATED: dict[str, set[str]] = {
    # what commit ee66b62 looks up with hyphens alone, spelled with underscores here
    "architecture": {
        *("word_bits", "cluster_size", "cluster_area", "min_utilization", "multiple_buffering"),
        *("num_ports", "num_banks"),
        *("vector_access_energy", "addr_gen_energy", "adder_energy", "network_word_bits", "network_type"),
        *("energy_per_hop", "router_energy", "tile_width", "wire_energy"),
    },
    "problem": set(),
    "sparse_optimizations": {
        *("representation_format", "action_optimization", "compute_optimization", "rank_application_order"),
        *("metadata_word_bits", "payload_word_bits", "flattened_rankIDs"),
    },
}
EITHER = {"block_size"}
"""Looked up in both spellings."""

NEEDED = {"data_spaces", "read_write", "condition_on"}
"""Looked up with hyphens, too, but read here in either spelling: without them that program stops, or takes an output
for an input, so that there is no other number to follow.
"""

LATER = {"energy_per_ingress", "network_fill_latency", "network_drain_latency"}
"""Of networks, and younger than that program (D12, D13)."""


def as_spelled(documents: Any) -> tuple[Any, tuple[str, ...]]:
    """Documents without the keys that the program of 2022 passes over, and a note for each of these.

    >>> rank = {"format": "B", "flattened_rankIDs": [["N"]]}
    >>> as_spelled({"sparse_optimizations": {"ranks": [rank]}})
    ({'sparse_optimizations': {'ranks': [{'format': 'B'}]}}, ('sparse_optimizations: flattened_rankIDs: ...',))
    """
    passed: dict[tuple[str, str], list[Mark | None]] = {}
    heard = {
        key: _heard(value, str(key).replace("-", "_"), passed) if str(key).replace("-", "_") in HYPHENATED else value
        for key, value in documents.items()
    }
    return derived(documents, heard), tuple(_note(*place, marks) for place, marks in passed.items())


def _heard(value: Any, document: str, passed: dict[tuple[str, str], list[Mark | None]]) -> Any:
    if isinstance(value, list):
        return like(value, [_heard(item, document, passed) for item in value])
    if not isinstance(value, dict):
        return value
    kept: Node = {}
    for key, item in value.items():
        if _is_heard(str(key), document):
            kept[key] = _heard(item, document, passed)
            continue
        passed.setdefault((document, str(key)), []).append(mark_of(value, key))
    return derived(value, kept)


def _is_heard(key: str, document: str) -> bool:
    """Does the program of 2022 look up a key in this spelling (or is it none that Timeloop knows)?"""
    name = key.replace("-", "_")
    if name in LATER:
        return document != "architecture"
    if name in EITHER or name in NEEDED:
        return True
    return (key != name) == (name in HYPHENATED[document]) or "_" not in name


def _note(document: str, key: str, marks: list[Mark | None]) -> str:
    first = marks[0] or document
    times = f", {len(marks)} times" if len(marks) > 1 else ""
    if key.replace("-", "_") in LATER:
        return f"{first}: {key}{times}: younger than the program of 2022, without effect in this dialect"
    name = key.replace("-", "_")
    known = name.replace("_", "-") if name in HYPHENATED[document] else name
    return f"{first}: {key}{times}: the program of 2022 knows {known} alone, without effect in this dialect"
