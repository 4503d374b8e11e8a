"""A field of a dataclass that is an option of the command line too: stated once, with the help it shows there."""

from dataclasses import MISSING, field
from typing import Any


def option(text: str, default: Any = MISSING, spelled: str = "", may_be_left_out: bool = False) -> Any:
    """The field: `spelled` is its name on the command line where that differs, `may_be_left_out` says that the command
    line has a default of its own for a field that has none.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Options:
    ...     epochs: int = option("of fine-tuning", 50)
    >>> Options()
    Options(epochs=50)
    """
    return field(default=default, metadata={"help": text, "spelled": spelled, "may_be_left_out": may_be_left_out})
