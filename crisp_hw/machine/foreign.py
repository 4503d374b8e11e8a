"""What the libraries that read files for us have to say, in this project's words: their own never reach a user."""

import re


class Unfit(ValueError):
    """A fault that this program itself found in a file, in words of its own."""


Words = tuple[tuple[str, str], ...]
"""A pattern in what a library says -> what is said instead; the first that is found counts."""

_YAML: Words = (
    (r"could not find expected ':'", "a colon is missing after a key"),
    (r"mapping values are not allowed", "a colon stands where no key can stand"),
    (r"expected ',' or '([\]}])'", r"a comma or \1 is missing"),
    (r"did not find expected key", "a line is not indented like those around it"),
    (r"expected '-' indicator|block sequence entries", "a list is not indented evenly, or stands where none can"),
    (r"tab character", "a tab stands where blanks must indent"),
    (r"cannot start any token", "a character stands where no value can begin"),
    (r"end of (the )?stream", "a text in quotes or a bracket does not end"),
    (r"escape|hexdecimal", "a backslash in double quotes means nothing"),
    (r"UTF-8|UTF-16|codec|octet|surrogate", "it is not UTF-8 text"),
    (r"characters are not allowed|special characters", "it holds a character that no text has"),
    (r"node content", "a value is missing"),
    (r"document start", "something follows the end of the document"),
    (r"\btag\b", "a tag is not written as one"),
    (r"anchor|alias|alphabetic", "an anchor or an alias is not written as one"),
    (r"directive", "a directive is not written as one"),
    (r"block scalar|indentation", "a text of several lines is not indented as one"),
)
_JINJA: Words = (
    (r"^Templates?NotFound: (.{1,80})", r"there is no file \1"),
    (r"'([^']{1,60})' is undefined", r"\1 is not set"),
    (r"has no attribute '([^']{1,60})'", r"there is no \1 in it"),
    (r"has no element (.{1,60})", r"it has no element \1"),
    (r"unknown tag '(\w{1,60})'", r"\1 is no statement of templates"),
    (r"[Nn]o (filter|test) named '(\w{1,60})'", r"there is no \1 \2"),
    (r"unexpected end of template|[Uu]nexpected end", "a statement has no end"),
    (r"unexpected '(.{1,20}?)'", r"\1 stands where it means nothing"),
    (r"expected token", "a bracket, a comma or an end is missing"),
    (r"[Mm]issing end|not closed", "a bracket or a statement has no end"),
    (r"access to attribute '(\w{1,60})'.* unsafe", r"\1 may not be used in templates"),
)
_OBJECTS = "it holds other things than tensors and plain values"
_TORCH: Words = (
    (r"[Ww]eights.only|Unsupported (global|class|operand)|GLOBAL", _OBJECTS),
    (r"size mismatch|Missing key|Unexpected key", "its tensors are not those of the model"),
)
_PYTHON: Words = (
    (r"convert string to float: ('.{0,40}')", r"\1 is no number"),
    (r"invalid literal for int\(\) with base \d+: ('.{0,40}')", r"\1 is no whole number"),
    (r"digits\) for integer", "a whole number has thousands of digits"),
    (r"unsupported operand|not supported between|can only concatenate|must be str", "values of two kinds do not mix"),
    (r"has no attribute '(\w{1,60})'", r"there is no \1 in it"),
    (r"is not callable", "what is called is no function"),
    (r"is not (iterable|subscriptable)", "a single value stands where a list or a mapping must"),
    (r"index out of range|indices must be", "it has no such entry"),
    (r"argument", "a function is called with the wrong values"),
)
_BY_LIBRARY: dict[str, tuple[Words, str]] = {
    "yaml": (_YAML, "its structure cannot be followed"),
    "jinja2": (_JINJA, "something in braces is not understood"),
    "markupsafe": ((), "something in braces is not understood"),
    "torch": (_TORCH, "it is damaged"),
    "pickle": (_TORCH, _OBJECTS),
    "_pickle": (_TORCH, _OBJECTS),
    "safetensors_rust": ((), "its header is damaged, or it was cut off"),
    "zipfile": ((), "it is no whole zip archive"),
    "zlib": ((), "what it packs is damaged"),
    "gzip": ((), "what it packs is damaged"),
    "binascii": ((), "what it packs is damaged"),
    "json": ((), "it is not JSON"),
    "PIL": ((), "it is no picture of a known kind"),
    "xml": ((), "its structure cannot be followed"),
    "tokenize": ((), "it is damaged"),
}
"""What an error of a library's own kind means, and what is said where no pattern is found."""

_BUILT_IN: tuple[tuple[type[BaseException], str], ...] = (
    (EOFError, "it ends early"),
    (UnicodeError, "it is not UTF-8 text"),
    (RecursionError, "it is nested too deeply"),
    (MemoryError, "it takes more memory than there is"),
    (ZeroDivisionError, "it divides by zero"),
    (OverflowError, "a number becomes too large"),
    (ArithmeticError, "it cannot be calculated"),
    (LookupError, "something in it is missing"),
    (NotImplementedError, "it is written in a way that is not read here"),
    (TypeError, "a value in it is of the wrong kind"),
    (ValueError, "a value in it is not what it should be"),
)
_PLAIN = "it is damaged"


def in_our_words(error: BaseException) -> str:
    """What an error of a library means.

    Parameters
    ----------
    error
        What was caught. An `Unfit` is repeated as it is, and what the system says of a file in its own words.

    Examples
    --------
    >>> import json
    >>> try:
    ...     json.loads("{")
    ... except ValueError as error:
    ...     in_our_words(error)
    'it is not JSON'
    >>> in_our_words(Unfit("3 records, not one")), in_our_words(ZeroDivisionError("division by zero"))
    ('3 records, not one', 'it divides by zero')
    """
    if isinstance(error, Unfit):
        return str(error)
    for kind in type(error).__mro__:
        library = kind.__module__.partition(".")[0]
        if library in _BY_LIBRARY:
            words, otherwise = _BY_LIBRARY[library]
            return _translated(error, words) or otherwise
    if found := _translated(error, (*_TORCH, *_PYTHON)):  # torch raises errors of Python's own kinds
        return found
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    if isinstance(error, KeyError) and len(error.args) == 1:
        return f"{str(error.args[0])[:60]!r} is missing in it"
    return next((said for kind, said in _BUILT_IN if isinstance(error, kind)), _PLAIN)


def _translated(error: BaseException, words: Words) -> str:
    """What is said instead; empty where no pattern is found."""
    parts = (getattr(error, name, None) for name in ("context", "problem", "reason"))
    text = " ".join([f"{type(error).__name__}: {error}", *(str(part) for part in parts if part)])
    for pattern, said in words:
        if found := re.search(pattern, text):
            return found.expand(said)
    return ""
