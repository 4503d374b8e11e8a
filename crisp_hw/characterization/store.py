"""Results of slow tools, kept by content hash in the user's cache folder."""

import json
import os
import tempfile
from pathlib import Path


def cache_folder() -> Path:
    """$XDG_CACHE_HOME/crisp-hw, or ~/.cache/crisp-hw (XDG Base Directory Specification; a relative path is ignored).

    >>> cache_folder().name
    'crisp-hw'
    """
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".cache") / "crisp-hw"


def load(kind: str, key: str) -> dict[str, object] | None:
    """The record kept under a hash; None when there is none, or none that can be read whole.

    >>> load("cacti", "0" * 64) is None
    True
    """
    try:
        record = json.loads(_path(kind, key).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # absent or damaged: the tool is asked again
    return record if isinstance(record, dict) else None


def save(kind: str, key: str, record: dict[str, object]) -> None:
    """Keep a record: written beside its place under its own name, then renamed, so that readers see all or nothing.

    A cache that cannot be written (a read-only home, a full disk) only costs time, so that is not an error.
    """
    path = _path(kind, key)
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{key[:16]}.", suffix=".tmp")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(record, file, indent=1, sort_keys=True)
        Path(temporary).replace(path)
    except OSError:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def _path(kind: str, key: str) -> Path:
    return cache_folder() / kind / key[:2] / f"{key}.json"
