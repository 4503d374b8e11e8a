"""The formats of what is printed, and how the option is told before the parser has read it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, get_args

Format = Literal["table", "csv", "json", "md"]
FORMAT = "crisp_hw.format"
"""Where the parser's context keeps the format that its command was asked for."""
FLAGS = ("--format", "-f")


def asks_json(words: Sequence[str]) -> bool:
    """Do the words of a command line ask for JSON, misspelt or not? For errors of the parser, which come before it has
    read them all.

    >>> asks_json(["evaluate", "-f", "json", "--batch", "4"]), asks_json(["evaluate", "-f", "json", "--format=csv"])
    (True, False)
    >>> asks_json(["evaluate", "-f", "jsn"]), asks_json(["evaluate", "-fJSON"]), asks_json(["evaluate", "-f", "cvs"])
    (True, True, False)
    """
    long, short = FLAGS
    asked = {value for name, value in pairwise(words) if name in FLAGS}
    asked |= {word.removeprefix(f"{long}=") for word in words if word.startswith(f"{long}=")}
    asked |= {word.removeprefix(short) for word in words if word.startswith(short) and word != short}
    return {_meant(each) for each in asked} == {"json"}


def _meant(asked: str) -> str | None:
    """The format that a word names, or that it is a misspelling of."""
    from difflib import get_close_matches  # errors alone need it

    return next(iter(get_close_matches(asked.lower(), get_args(Format), 1)), None)
