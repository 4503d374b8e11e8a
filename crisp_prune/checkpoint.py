"""Checkpoints: written whole or not at all, read without running any code that they might hold."""

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.foreign import in_our_words
from crisp_hw.machine.writing import replacing, unwritable

UNREADABLE = (UnpicklingError, RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError)
"""What torch.load raises for a file that is damaged or holds other things."""


def save_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Save tensors and plain values; an existing file is replaced only by a complete one, flushed to the disk.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(Path(folder) / "run.ckpt", {"step": 3})
    ...     load_checkpoint(Path(folder) / "run.ckpt")
    {'step': 3}
    """
    make_folder(path.parent)
    with replacing(path, durable=True) as temporary, temporary.open("wb") as file:
        torch.save(dict(content), file)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents; InputError when the system refuses."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error


def load_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint, on the CPU; InputError when the file is missing, damaged or holds other things."""
    where = Where(mark=Mark(str(path)))
    if not path.exists():
        raise InputError("no such file", where)
    if not path.is_file():
        raise InputError("is no regular file", where, "give a file of tensors")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise InputError(f"not a readable file of tensors and plain values ({in_our_words(error)})", where) from error
    if not isinstance(content, dict):
        raise InputError(f"holds a {type(content).__name__}, no named values", where, "give a file of named tensors")
    return content
