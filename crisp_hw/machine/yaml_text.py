"""YAML text to values that know their line.

Built from the parser's events instead of its own loader: that one forgets positions, lets a later key overwrite an
earlier one, and follows nesting and aliases as deep as they go.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.foreign import in_our_words
from crisp_hw.machine.positions import MarkedDict, MarkedList, MarkedStr, joined, marked, shown

DEEPEST = 60  # levels of nesting; Timeloop's documents have about ten
MOST = 300_000  # values of one file, aliases counted in full
LONG = 100  # characters of a text that count as one value: an alias to a long text is a long text again
WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}  # YAML 1.1, as yaml-cpp has
_TAGGED: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "null": (type(None),),
}
NO_TEXT = "it holds a character that no text has"
MERGES = ("<<", "<<<")  # YAML's, and timeloopfe's, which also merges what stands inside
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is about ten times faster
_STANDARD = "tag:yaml.org,2002:"
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_OCTAL = re.compile(r"[-+]?0[0-9]+")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # what YAML 1.1 counts as the end of a line
_NO_BLANK = re.compile(r"([A-Za-z_][\w.-]*):(\S+)")  # {depth:512} is one key without a value, to YAML
_REAL = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")

Include = Callable[[str, Mark], Any]


@dataclass
class _Build:
    """One file being read."""

    events: Iterator[Any]
    file: str
    include: Include
    include_file: Include
    lines: list[str]
    marks: Sequence[Mark] | None = None
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    values: int = 0

    def at(self, line: int) -> Mark:
        """The place of a line, counted from 0, in the file that the user wrote."""
        return Mark(self.file, line + 1) if not self.marks else self.marks[min(line, len(self.marks) - 1)]


def read_yaml_text(
    text: str,
    file: str,
    include: Include | None = None,
    marks: Sequence[Mark] | None = None,
    include_file: Include | None = None,
) -> list[Any]:
    """Every YAML document of a text, as marked values (positions.py).

    `include` resolves `!include_loaded NAME`, and `include_file` resolves `!include FILE`.

    `marks` says where each line of the text comes from, where it does not stand in the file itself.

    Keys may merge others ("<<", and timeloopfe's recursive "<<<"). Raises InputError for text that is not YAML, keys
    given twice, keys that are not text, unknown tags, aliases that contain themselves, and files beyond any sense.

    >>> read_yaml_text("a: {b: 1e-9}", "x.yaml")
    [{'a': {'b': 1e-09}}]
    """
    try:
        events = yaml.parse(text, Loader=_PARSER)
        build = _Build(iter(events), file, include or _no_include, include_file or _no_file, _BREAK.split(text), marks)
        return list(_documents(build))
    except yaml.YAMLError as error:
        raise InputError(f"not YAML ({in_our_words(error)})", Where(mark=_where(error, file, marks))) from error
    except ValueError as error:  # the parser on characters that YAML does not allow
        raise InputError(f"not YAML ({NO_TEXT})", Where(mark=Mark(file))) from error


def _documents(build: _Build) -> Iterator[Any]:
    for event in build.events:
        if isinstance(event, yaml.DocumentStartEvent):
            build.anchors.clear()
            yield _value(build, next(build.events), 0)


def _value(build: _Build, event: Any, depth: int) -> Any:
    mark = build.at(event.start_mark.line)
    if isinstance(event, yaml.AliasEvent):
        return _alias(build, event.anchor, mark)
    if depth > DEEPEST:
        raise InputError(f"nested more than {DEEPEST} levels deep", Where(mark=mark), "Timeloop's documents are not")
    before, anchor = build.values, event.anchor
    if anchor:
        build.open.add(anchor)
    _count(build, 1 + len(getattr(event, "value", "")) // LONG, mark)
    if isinstance(event, yaml.ScalarEvent):
        value = _scalar(build, event, mark)
    elif isinstance(event, yaml.SequenceStartEvent):
        value = _sequence(build, event, mark, depth)
    else:
        value = _mapping(build, event, mark, depth)
    if anchor:
        build.open.discard(anchor)
        build.anchors[anchor] = (value, build.values - before)
    return value


def _count(build: _Build, more: int, mark: Mark) -> None:
    build.values += more
    if build.values > MOST:
        raise InputError(
            f"the file holds more than {MOST:,} values, aliases counted in full", Where(mark=mark), "split it up"
        )


def _alias(build: _Build, name: str | None, mark: Mark) -> Any:
    if name in build.open:
        raise InputError(f"the alias *{str(name)[:40]} contains itself", Where(mark=mark), "write the value out")
    if name is None or name not in build.anchors:
        raise InputError(
            f"there is no anchor &{str(name)[:40]} above", Where(mark=mark), "anchors hold within one file"
        )
    value, size = build.anchors[name]
    _count(build, size, mark)
    return value


def _sequence(build: _Build, start: Any, mark: Mark, depth: int) -> MarkedList:
    if start.tag not in (None, "!", "!nomerge", f"{_STANDARD}seq"):
        raise InputError(f"the tag {start.tag[:40]} means nothing here", Where(mark=mark), "leave it out")
    items = MarkedList(mark, tag="!nomerge" if start.tag == "!nomerge" else "")
    for event in build.events:
        if isinstance(event, yaml.SequenceEndEvent):
            return items
        items.add(_value(build, event, depth + 1), build.at(event.start_mark.line))
    raise InputError("the list does not end", Where(mark=mark))


def _mapping(build: _Build, start: Any, mark: Mark, depth: int) -> MarkedDict:
    tag = "" if start.tag in (None, "!", f"{_STANDARD}map") else str(start.tag)
    node = MarkedDict(mark, tag=tag)
    merges: list[tuple[str, Any, Mark]] = []
    for event in build.events:
        if isinstance(event, yaml.MappingEndEvent):
            return _merged(node, merges)
        at = build.at(event.start_mark.line)
        key = _key(build, event, at)
        value = _value(build, next(build.events), depth + 1)
        _check_blank(event, key, value, at)
        if key in MERGES and not event.style:
            merges.append((key, value, at))
        elif key in node:
            raise InputError(
                f"the key {shown(key)} is there already, in line {node.keys_at[key].line}",
                Where(mark=at),
                "give it once",
            )
        else:
            node.put(key, value, at)
    raise InputError("the mapping does not end", Where(mark=mark))


def _check_blank(event: Any, key: str, value: Any, at: Mark) -> None:
    """Within braces, `depth:512` is the name of a key with nothing behind it; whoever writes it means a number."""
    if (joined_up := _NO_BLANK.fullmatch(key)) and value is None and not getattr(event, "style", None):
        hint = f"write a blank after the colon: {joined_up[1][:40]}: {joined_up[2][:40]}"
        raise InputError(f"the key {shown(key)} has no value", Where(mark=at), hint)


def _key(build: _Build, event: Any, at: Mark) -> str:
    if isinstance(event, yaml.AliasEvent):
        found = _alias(build, event.anchor, at)
        if not isinstance(found, str):
            raise InputError(
                f"the alias *{str(event.anchor)[:40]} stands where a key must be, but is no text", Where(mark=at)
            )
        return str(found)
    if not isinstance(event, yaml.ScalarEvent):
        raise InputError("a key must be text, not a list or a mapping", Where(mark=at))
    if event.anchor:
        build.anchors[event.anchor] = (marked(event.value, at), 1)
    _count(build, 1, at)
    return str(event.value)


def _merged(node: MarkedDict, merges: list[tuple[str, Any, Mark]]) -> MarkedDict:
    if len(merges) > 1:
        raise InputError("two merge keys in one mapping", Where(mark=merges[1][2]), "give a list to one: <<: [*a, *b]")
    for key, value, at in merges:
        for source in value if isinstance(value, list) else [value]:
            if not isinstance(source, MarkedDict):
                raise InputError(f"{key} merges mappings only", Where(mark=at), "name the anchor of one")
            _merge(node, source, deep=key == "<<<")
    return node


def _merge(into: MarkedDict, source: MarkedDict, deep: bool) -> None:
    """What stands in the mapping itself goes first; deep merging continues inside, and appends lists."""
    for key, value in source.items():
        mine = into.get(key)
        if key not in into:
            into.put(key, value, source.keys_at.get(key, source.mark))
        elif deep and isinstance(mine, MarkedDict) and isinstance(value, MarkedDict) and mine.tag != "!nomerge":
            inner = mine.derived(mine)
            _merge(inner, value, deep)
            into[key] = inner
        elif deep and isinstance(mine, MarkedList) and isinstance(value, list) and mine.tag != "!nomerge":
            into[key] = joined(mine, value)


def _scalar(build: _Build, event: Any, mark: Mark) -> Any:
    """A quoted scalar is text; a plain one is what it looks like.

    Numbers are decimal: 010 and 0x10, 1:30 and 1_000 mean different things to different YAML readers and stay text.
    """
    if event.tag == "!include_loaded":
        return build.include(event.value, mark)
    if event.tag == "!include":
        return build.include_file(event.value, mark)
    if event.style or event.tag in ("!", f"{_STANDARD}str"):
        value = marked(event.value, mark)
    else:
        value = _plain(event.value, mark)
    if event.tag not in (None, "!"):
        _check_tag(event.tag, value, mark)
    if isinstance(value, MarkedStr) and event.end_mark.line > event.start_mark.line:
        value.pieces = _pieces(build, event.start_mark, event.end_mark)
    return value


def _check_tag(tag: str, value: Any, mark: Mark) -> None:
    """YAML's own tag of a number, text, truth or nothing may stand before just that; no value is made another."""
    kind = tag.removeprefix(_STANDARD)
    if kind not in _TAGGED or kind == tag:
        raise InputError(f"the tag {tag[:40]} means nothing here", Where(mark=mark), "leave it out")
    if not isinstance(value, _TAGGED[kind]) or (isinstance(value, bool) and kind != "bool"):
        raise InputError(f"the tag !!{kind} stands before {shown(value)}", Where(mark=mark), "leave it out")


def _pieces(build: _Build, start: Any, end: Any) -> tuple[tuple[str, Mark], ...]:
    """The lines of the file from one mark to another, cut at both."""
    last = min(end.line, len(build.lines) - 1)
    found = []
    for line in range(start.line, last + 1):
        whole = build.lines[line]
        cut = whole[start.column if line == start.line else 0 : end.column if line == end.line else len(whole)]
        found.append((cut, build.at(line)))
    return tuple(found)


def decimal(text: str) -> int | float | None:
    """The number that a text is in everybody's reading: decimal, without leading zeros; None for any other text.

    >>> decimal("32"), decimal("1e-9"), decimal("010"), decimal("1_000"), decimal("inf")
    (32, 1e-09, None, None, None)
    """
    if _WHOLE.fullmatch(text) and len(text) <= 300:
        return int(text)
    return float(text) if _REAL.fullmatch(text) and not _OCTAL.fullmatch(text) else None


def _plain(text: str, mark: Mark) -> Any:
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in (text.lower(), text.capitalize(), text.upper()) and text.lower() in WORDS:
        return WORDS[text.lower()]
    if _WHOLE.fullmatch(text) and len(text) > 300:
        raise InputError(f"a whole number of {len(text)} digits", Where(mark=mark), "no count of anything is as large")
    if (number := decimal(text)) is not None:
        return marked(number, mark)
    value = marked(text, mark)
    value.quoted = False
    return value


def _no_include(name: str, mark: Mark) -> Any:
    said = f"!include_loaded {name} is made by templates only"
    raise InputError(said, Where(mark=mark), "write {{ include('FILE') }}")


def _no_file(name: str, mark: Mark) -> Any:
    raise InputError(f"!include {name[:40]} is for Timeloop's documents only", Where(mark=mark), "write it out")


def _where(error: yaml.YAMLError, file: str, marks: Sequence[Mark] | None) -> Mark:
    mark = getattr(error, "problem_mark", None)
    if mark is None or (marks and mark.line >= len(marks)):
        return Mark(file)
    return marks[mark.line] if marks else Mark(file, mark.line + 1)
