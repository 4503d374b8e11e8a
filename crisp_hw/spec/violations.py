"""What a schema finds wrong with a value, in this project's words; the schema's library is never quoted."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails

MAPPING = "should be a mapping of fields"
_LIST = "should be a list"
_TEXT = "should be text"
_NUMBER = "should be a number"
_WHOLE = "should be a whole number"
_TRUTH = "should be true or false"

_KINDS = {
    "missing": "is missing",
    "missing_argument": "is missing",
    "union_tag_not_found": "is missing",
    "extra_forbidden": "is not known here",
    "unexpected_keyword_argument": "is not known here",
    "union_tag_invalid": "is not known here",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": "should be a finite number",
    "multiple_of": "should be a multiple of {multiple_of}",
    "greater_than": "should be greater than {gt}",
    "greater_than_equal": "should be greater than or equal to {ge}",
    "less_than": "should be less than {lt}",
    "less_than_equal": "should be less than or equal to {le}",
    "string_type": _TEXT,
    "string_unicode": _TEXT,
    "string_too_short": "should have at least {min_length} characters",
    "string_too_long": "should have at most {max_length} characters",
    "too_short": "should have at least {min_length} values",
    "too_long": "should have at most {max_length} values",
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "iterable_type": _LIST,
    "dict_type": MAPPING,
    "mapping_type": MAPPING,
    "model_type": MAPPING,
    "model_attributes_type": MAPPING,
    "dataclass_type": MAPPING,
    "dataclass_exact_type": MAPPING,
    "none_required": "should be left out",
    "json_invalid": "is not JSON",
    "recursion_loop": "contains itself",
}
"""Our words for a kind of error of the library, with the numbers that it tells."""

_PATTERNS = {
    r"^[1-9]\d*:[1-9]\d*$": "should be N:M, such as 2:4",
    r"^[0-9a-f]{64}$": "should be a sha256, 64 hexadecimal digits",
}
"""What a text that must match a pattern should be, where a pattern has a name."""

MAPPINGS = frozenset(kind for kind, words in _KINDS.items() if words == MAPPING)
"""Kinds of error that ask for a mapping."""


def violation(error: ErrorDetails) -> str:
    """What is wrong, as the end of a sentence whose beginning names the place.

    >>> violation({"type": "greater_than", "loc": ("a",), "msg": "Input ...", "input": -1, "ctx": {"gt": 0}})
    'should be greater than 0'
    """
    context: Mapping[str, Any] = error.get("ctx", {})
    kind = error["type"]
    if kind in ("literal_error", "enum"):
        return f"should be {unquoted(context['expected'])}"
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], f"should look like {context['pattern']}")
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", "")) or "is not accepted here"  # a sentence of our own validators
    words = _KINDS.get(kind, "is not what stands here")
    if kind == "too_short" and context.get("min_length") == 1:
        return "should not be empty"
    try:
        return words.format(**{name: _number(value) for name, value in context.items()})
    except KeyError:  # an error of that name without its numbers
        return "is not what stands here"


def _number(value: Any) -> Any:
    """A whole number without a point."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def unquoted(names: str) -> str:
    """A list of names without quotation marks.

    >>> unquoted("'dense', 'stc' or 'dstc'")
    'dense, stc or dstc'
    """
    return re.sub(r"'([^']*)'", r"\1", names)


def first_violation(errors: list[ErrorDetails]) -> str:
    """The first error with its place as a path of keys.

    >>> first_violation([{"type": "missing", "loc": ("rows", 0, "arch"), "msg": "Field required", "input": {}}])
    'rows.0.arch is missing'
    """
    place = ".".join(str(part) for part in errors[0]["loc"])
    return f"{place} {violation(errors[0])}" if place else f"it {violation(errors[0])}"
