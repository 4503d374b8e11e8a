"""Where a field of an architecture file stands."""

from typing import Any

from crisp_hw.errors import Where
from crisp_hw.machine.positions import MarkedDict, mark_of, mark_of_item


def at_place(document: MarkedDict, *keys: str | int) -> Where:
    """The place of a field, by the keys and places that lead to it; one that is not written has that of what it is in.

    >>> from crisp_hw.machine.yaml_text import read_yaml_text
    >>> (document,) = read_yaml_text("runs:\\n- {when: n > 0}", "a.yaml")
    >>> str(at_place(document, "runs", 0, "when"))
    'a.yaml:2: arch.runs[0].when'
    """
    node: Any = document
    mark, told = mark_of(document), ""
    for key in keys:
        told += f"[{key}]" if isinstance(key, int) else f".{key}" if told else key
        if isinstance(node, dict) and key in node:
            mark, node = mark_of(node, str(key)) or mark_of(node[key]) or mark, node[key]
        elif isinstance(node, list) and isinstance(key, int) and key < len(node):
            mark, node = mark_of_item(node, key) or mark, node[key]
        else:
            node = None
    return Where("arch", key=told, mark=mark)
