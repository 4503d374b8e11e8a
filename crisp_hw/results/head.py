"""What a result says of itself before its rows: its schema, and where it comes from."""

import json
from collections.abc import Mapping
from typing import Any

SCHEMA = "crisp-hw/result/2"


def plain_provenance(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """What a network says of itself as JSON has it: lists for tuples, text for what JSON does not know.

    >>> plain_provenance({"classes": (1, 2)})
    {'classes': [1, 2]}
    """
    found: dict[str, Any] = json.loads(json.dumps(dict(provenance), default=str))
    return found
