"""What a public function was given, where it takes no such value: one sentence, whatever the function."""

import os
from collections.abc import Iterable
from dataclasses import fields
from difflib import get_close_matches
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from crisp_hw.errors import InputError

_PLAIN = (bool, int, float, str, bytes)
_LONGEST = 40  # characters of a value that a sentence repeats


def wrong_kind(what: str, value: Any, accepted: str, hint: str = "") -> InputError:
    """The error to raise for a value of a kind that is not accepted; `hint` says more than "give one of these".

    >>> raise wrong_kind("layers", 7, 'a glob such as "layer4.*"')
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: layers is 7, an int; give a glob such as "layer4.*"
    """
    return InputError(f"{what} is {told(value)}", hint=hint or f"give {accepted}")


def told(value: Any) -> str:
    """A value as a sentence tells it: short ones themselves, of all others the kind.

    >>> told(42), told(None), told([1, 2]), told("")
    ('42, an int', 'None', 'a list', "'', a str")
    """
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = type(value).__name__
    kind = f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
    if not isinstance(value, _PLAIN):
        return kind
    said = repr(value) if not isinstance(value, str | bytes) else repr(value[:_LONGEST])
    return f"{said if len(said) <= _LONGEST + 2 else f'{said[:_LONGEST]}...'}, {kind}"


_SAID = {bool: "True or False", int: "a whole number", float: "a number", str: "text", NoneType: "None"}
"""The kinds of fields that are held against their annotation, in the words of a sentence."""

_WRONG = object()


def settled(record: Any) -> None:
    """Hold the fields of a new dataclass against their annotations; numbers of NumPy and paths become plain values.

    Annotations of numbers, text, truth, None and choices of words count, others are left alone. InputError for a value
    that its annotation does not have; the sentence names the field and what it takes.
    """
    kinds = get_type_hints(type(record))
    for each in fields(record):
        value = getattr(record, each.name)
        found = of_kind(each.name, value, kinds[each.name])
        if found is not value:
            object.__setattr__(record, each.name, found)


def of_kind(name: str, value: Any, annotation: Any) -> Any:
    """A value as its annotation has it, as in `settled`; InputError with the name where it is of another kind.

    >>> of_kind("jobs", 2, int | None), of_kind("objective", "edp", Literal["cycles", "edp"])
    (2, 'edp')
    """
    members = _members(annotation)
    found = _plain(value, members) if members else value
    if found is _WRONG:
        raise _refused(name, value, members)
    return found


def check_path(name: str, value: object, accepted: str = "a path, as text or as pathlib.Path") -> None:
    """Refuse what is no path.

    >>> check_path("the folder", 3)
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: the folder is 3, an int; give a path, as text or as pathlib.Path
    """
    if not isinstance(value, str | os.PathLike):
        raise wrong_kind(name, value, accepted)


def check_callable(name: str, value: object) -> None:
    """Refuse what is neither a function nor None.

    >>> check_callable("progress", True)
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: progress is True, a bool; give a function or None
    """
    if value is not None and not callable(value):
        raise wrong_kind(name, value, "a function or None")


def only_known(given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse keywords that there are not, in a sentence that tells the nearest, or all.

    >>> only_known(["objektive"], ["objective", "energy"])
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: unknown keyword objektive; did you mean objective?
    """
    names = tuple(known)
    for name in given:
        if name not in names:
            close = get_close_matches(name, names, n=1, cutoff=0.75)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}"
            raise InputError(f"unknown keyword {name[:_LONGEST]}", hint=hint)


def _members(annotation: Any) -> tuple[Any, ...]:
    """The simple kinds and the words that an annotation allows; none where it has others, too."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    union = get_origin(annotation) in (Union, UnionType)
    found = [one for part in (get_args(annotation) if union else (annotation,)) for one in _words(part)]
    return tuple(found) if all(isinstance(one, str) or one in _SAID for one in found) else ()


def _words(part: Any) -> tuple[Any, ...]:
    return get_args(part) if get_origin(part) is Literal else (part,)


def _plain(value: Any, members: tuple[Any, ...]) -> Any:
    """The value as one of the kinds, or the mark of a wrong one."""
    if value is None or isinstance(value, bool):
        return value if type(value) in members else _WRONG
    if isinstance(value, Integral) and (int in members or float in members):
        return int(value)
    if isinstance(value, Real) and float in members:
        return float(value)
    if isinstance(value, os.PathLike) and str in members:
        return os.fspath(value)
    return value if isinstance(value, str) and (str in members or value in members) else _WRONG


def _refused(name: str, value: Any, members: tuple[Any, ...]) -> InputError:
    words = [member for member in members if isinstance(member, str)]
    if words and isinstance(value, str) and not {int, float} & set(members):
        return InputError(f"unknown {name} {value[:_LONGEST]!r}", hint=f"there are {', '.join(words)}")
    kinds = [_SAID[member] for member in members if member in _SAID]
    return wrong_kind(name, value, " or ".join([*map(repr, words), *kinds]))
