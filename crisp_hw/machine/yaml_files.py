"""A user's YAML file to one of our own schemas: read strictly, checked by pydantic, every fault with its line."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.expected import Expected
from crisp_hw.machine.files import YAML, FileKind, read_text
from crisp_hw.machine.positions import MarkedDict, mark_of, mark_of_item, plain, shown
from crisp_hw.machine.yaml_text import read_yaml_text
from crisp_hw.spec.violations import MAPPINGS, unquoted, violation

Schema = TypeVar("Schema", bound=BaseModel)
MOST_NAMES = 16  # that an error lists
_NAMES = ("name", "key")  # what an entry of a list is called by
_WITH_UNIT = re.compile(r"([-+]?[0-9]+(?:\.[0-9]+)?) ?[A-Za-z%/²]+")
_NUMBER_LIKE = re.compile(r"[-+]?(0[0-9]+|0[xob][0-9a-fA-F]+|[0-9]+(:[0-9]+)+|[0-9]+(_[0-9]+)+)")


def read_yaml_file(path: Path, kind: FileKind = YAML) -> Any:
    """The one document of a YAML file as values that know their line (machine/positions.py).

    Raises InputError for a file that cannot be read, is not YAML as `read_yaml_text` takes it, or holds several
    documents; an empty file is None.
    """
    return _one_document(read_text(path, kind), path)


def _one_document(text: str, path: Path) -> Any:
    """The one document of a file's text."""
    found = read_yaml_text(text, str(path))
    if len(found) > 1:
        at = Where(mark=mark_of(found[1]) or Mark(str(path)))
        raise InputError(f"the file holds {len(found)} YAML documents where one is read", at, "split it up")
    return found[0] if found else None


def read_mapping(path: Path, advice: str, kind: FileKind = YAML) -> MarkedDict:
    """The one document of a YAML file, which must be a mapping of fields; `advice` is the next step when it is not."""
    return mapping_of(read_text(path, kind), path, advice)


def mapping_of(text: str, path: Path, advice: str) -> MarkedDict:
    """`read_mapping` of a file that has been read."""
    document = _one_document(text, path)
    if not isinstance(document, MarkedDict):
        reason = "the file is empty" if document is None else f"is not a mapping of fields, but {shown(document)}"
        raise InputError(reason, Where(mark=mark_of(document) or Mark(str(path))), advice)
    return document


def checked(schema: type[Schema], document: MarkedDict, name: str) -> Schema:
    """A document as its schema takes it; InputError says where the first fault stands and shows no more than it.

    `name` is the kind of document in the error ("arch", "workload"). A list entry with a name is called by it.
    """
    try:
        return schema.model_validate(plain(document))
    except ValidationError as error:
        raise _fault(schema, document, name, _most_telling(error.errors(include_url=False))) from error


def faults_of(schema: type[BaseModel], document: MarkedDict, name: str) -> tuple[InputError, ...]:
    """Everything that `checked` would refuse, in the order of the lines."""
    try:
        schema.model_validate(plain(document))
    except ValidationError as error:
        errors = error.errors(include_url=False)
        told = {id(each): each for each in (_most_telling([one, *errors]) for one in errors)}  # a misspelt key once
        found = [_fault(schema, document, name, each) for each in told.values()]
        return tuple(sorted(found, key=lambda each: each.at.mark.line if each.at and each.at.mark else 0))
    return ()


def _fault(schema: type[BaseModel], document: MarkedDict, name: str, error: ErrorDetails) -> InputError:
    """The sentence of one error of pydantic."""
    tag = error.get("ctx", {}).get("discriminator", "").strip("'")
    named = bool(tag) or error["type"] == "missing"
    at, value = _found(document, (*error["loc"], tag) if tag else error["loc"], name, named)
    reason, hint = _said(error, at.key.rpartition(".")[2], value, Expected(schema))
    return InputError(reason, at, hint)


def _said(error: ErrorDetails, key: str, value: Any, expected: Expected) -> tuple[str, str]:
    """What is wrong, and the next step."""
    said, place = violation(error), error["loc"]
    match error["type"]:
        case "union_tag_invalid":
            return f"{shown(error['ctx']['tag'])} {said}", f"known are {unquoted(error['ctx']['expected_tags'])}"
        case "missing" | "union_tag_not_found":
            needed = expected.told(place)
            return said, f"add it, with {listed(needed)}" if needed else expected.written(place)
        case "extra_forbidden":
            return said, did_you_mean(key, expected.keys(place[:-1]))
        case kind if kind in MAPPINGS and (needed := expected.needed(place)):
            return f"should be a mapping with {listed(expected.told(place))}, found {shown(error['input'])}", _wrapped(
                value, needed
            )
        case "list_type" | "tuple_type" if isinstance(one := error["input"], int | float | str) and one != "":
            return f"{said}, found {shown(one)}", f"write [{', '.join([str(plain(one))] * expected.fewest(place))}]"
    return f"{said}, found {shown(error['input'])}", _spelling(value)


def listed(names: Sequence[str]) -> str:
    """Names as a sentence lists them, the first of many.

    >>> listed(["a", "b"]), listed(["a"])
    ('a and b', 'a')
    """
    if len(names) > MOST_NAMES:
        return f"{', '.join(names[:MOST_NAMES])} and {len(names) - MOST_NAMES} more"
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def _wrapped(value: Any, needed: Sequence[str]) -> str:
    """The next step where a number stands without its source."""
    if list(needed) != ["value", "source"] or isinstance(value, dict | list) or value is None:
        return ""
    told = plain(value)
    if isinstance(told, int | float) and not isinstance(told, bool):
        return f"write {{value: {shown(told)}, source: where it comes from}}"
    with_unit = _WITH_UNIT.fullmatch(told.strip()) if isinstance(told, str) else None
    if with_unit:
        return f"write the number without a unit, {with_unit[1]}: keys and pages say which it is in"
    return "write a number, or {value: NUMBER, source: where it comes from}"


def _most_telling(errors: list[ErrorDetails]) -> ErrorDetails:
    """The first error; where a key is missing because it is misspelt, the one about the key that is not known."""
    first = errors[0]
    if first["type"] == "missing":
        for other in errors:
            beside = other["type"] == "extra_forbidden" and other["loc"][:-1] == first["loc"][:-1]
            if beside and get_close_matches(str(other["loc"][-1]), [str(first["loc"][-1])], cutoff=0.75):
                return other
    return first


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The next step for an unknown name: the known one that is most like it, or the first of all when none is.

    >>> did_you_mean("computes", ["compute", "leak"]), did_you_mean("x", ["compute", "leak"])
    ('did you mean compute?', 'known are compute, leak')
    """
    names = list(dict.fromkeys(known))
    close = get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]}?"
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"known are {', '.join(names[:MOST_NAMES])}{more}"


def _found(document: MarkedDict, loc: tuple[int | str, ...], name: str, absent: bool) -> tuple[Where, Any]:
    """The place of a pydantic error and the value there; what stands in `loc` without a value is a tag of a union.

    Only where a key is `absent` does the last of `loc` name it.
    """
    node: Any = document
    mark, entry, keys = mark_of(document), "", list[str]()
    for depth, part in enumerate(loc, 1):
        if isinstance(node, dict) and part in node:
            mark, node = mark_of(node, str(part)) or mark, node[str(part)]
            keys.append(str(part)[:40])
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            mark, node = mark_of_item(node, part) or mark, node[part]
            called = next((node[key] for key in _NAMES if isinstance(node, dict) and key in node), None)
            named = isinstance(called, str) and not entry
            item = f"{keys[-1] if keys else ''}[{part}]"
            entry, keys = (str(called)[:40], []) if named else (entry, [*keys[:-1], item])
        elif depth == len(loc) and absent:
            keys.append(str(part)[:40])
            node = None
    return Where(name, entry, ".".join(keys), mark), node


def _spelling(value: Any) -> str:
    """YAML readers disagree about numbers such as 010, 0x10, 1:30 and 1_000, so they are text here."""
    if isinstance(value, str) and _NUMBER_LIKE.fullmatch(value):
        return "write a whole number in decimal digits only"
    return ""
