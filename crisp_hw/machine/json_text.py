"""JSON text to values: what is wrong with it in one sentence with the line."""

import json
from typing import Any, NoReturn

from crisp_hw.errors import InputError, Mark, Where

_WRONG = {
    "Expecting value": "a value is missing",
    "Expecting property name": "a key in double quotes is missing",
    "Expecting ':'": "a colon is missing after a key",
    "Expecting ','": "a comma is missing",
    "Unterminated string": "a text does not end",
    "Extra data": "something follows the end",
    "Invalid control character": "a text holds a control character",
    "Invalid \\": "a text holds a backslash that means nothing",
    "Illegal trailing comma": "a comma stands before a closing bracket",
}
"""What the parser of the standard library says, by how it begins."""


def read_json_text(text: str, file: str, advice: str = "") -> Any:
    """The value that a JSON text spells; InputError with the line for anything else, `advice` is the next step.

    >>> read_json_text('{"a": 1}', "a.json")
    {'a': 1}
    >>> read_json_text('{"a": 1,', "a.json", "write it again")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: a.json:1: ends in the middle, as if it was not written whole; write it again
    """
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        at = Where(mark=Mark(file, error.lineno))
        if not text.strip():
            raise InputError("is empty", Where(mark=Mark(file)), advice) from error
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
            raise InputError("ends in the middle, as if it was not written whole", at, advice) from error
        wrong = next((words for start, words in _WRONG.items() if error.msg.startswith(start)), "it cannot be read")
        raise InputError(f"is not JSON ({wrong}, column {error.colno})", at, advice) from error
    except RecursionError as error:
        raise InputError("is nested too deeply", Where(mark=Mark(file)), advice) from error
    except _Constant as error:
        raise InputError(f"holds {error.name}, which is no number", Where(mark=Mark(file)), advice) from error
    except ValueError as error:  # Python's limit on the digits of a whole number
        raise InputError("holds a whole number of thousands of digits", Where(mark=Mark(file)), advice) from error


class _Constant(Exception):
    """NaN or an infinity, which JSON does not have."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _no_constant(name: str) -> NoReturn:
    raise _Constant(name)
