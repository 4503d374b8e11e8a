"""A key for what a point says: two points with one key cost the same, in whichever study they are asked for."""

import json
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from crisp_hw.data_files import data_folder
from crisp_hw.exploration.judge import Parts, parts_of
from crisp_hw.exploration.subject import Subject, content_of
from crisp_hw.spec.study import Point

_PACKAGE = Path(__file__).resolve().parents[1]
_BESIDE = (
    "api",
    "cli",
    "command_line",
    "data",
    "dropin",
    "explanation",
    "exploration",
    "returned",
    "schemas",
    "validation",
)
"""Rooms that no figure of a point depends on."""


@cache
def model_version() -> str:
    """16 digits of the sha256 of everything that decides what a point costs: the package's sources and tables.

    >>> len(model_version())
    16
    """
    content = sha256()
    sources = [path for path in _PACKAGE.rglob("*.py") if path.relative_to(_PACKAGE).parts[0] not in _BESIDE]
    # by themselves, as they lie elsewhere in a wheel than in a checkout, of which one version is to have one digest
    for path in (*sorted(sources), *sorted((data_folder("arch") / "energy").rglob("*.yaml"))):
        content.update(f"{path.name} {path.stat().st_size}\n".encode() + path.read_bytes())
    return content.hexdigest()[:16]


class Keys:
    """Keys of the points of one subject; what points share is digested once."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._content: Mapping[str, str] = content_of(subject)

    def key(self, point: Point) -> str:
        """64 hexadecimal digits for a point."""
        parts: Parts = parts_of(self._subject, point)
        pruning = [str(parts.pruning.nm), parts.pruning.block, parts.pruning.sparsity]
        numbers, options = sorted(parts.numbers.items()), sorted(parts.options.items())
        said = [self._content[parts.network], pruning, self._content[parts.arch], numbers, options, self._content[""]]
        return sha256(json.dumps([model_version(), said]).encode()).hexdigest()
