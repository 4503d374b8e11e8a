"""The formats of what is printed, and how the option is told before the parser has read it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

Format = Literal["table", "csv", "json", "md"]
FORMAT = "crisp_hw.format"
"""Where the parser's context keeps the format that its command was asked for."""
FLAGS = ("--format", "-f")


def asks_json(words: Sequence[str]) -> bool:
    """Do the words of a command line ask for JSON? For errors of the parser, which come before it has read them all.

    >>> asks_json(["evaluate", "-f", "json", "--batch", "4"]), asks_json(["evaluate", "-f", "json", "--format=csv"])
    (True, False)
    """
    asked = {value for name, value in pairwise(words) if name in FLAGS}
    asked |= {word.removeprefix(f"{FLAGS[0]}=") for word in words if word.startswith(f"{FLAGS[0]}=")}
    return asked == {"json"}
