"""Errors are values: a reason, the place in the user's input, and the next step; their sentence is made here alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self


@dataclass(frozen=True, slots=True)
class Mark:
    """A line of a file, counted from 1; 0 is the file as a whole.

    >>> str(Mark("a.yaml", 7)), str(Mark("a.yaml"))
    ('a.yaml:7', 'a.yaml')
    """

    file: str
    line: int = 0

    def __str__(self) -> str:
        name = _cut_name(self.file)
        return f"{name}:{self.line}" if self.line else name


@dataclass(frozen=True, slots=True)
class Where:
    """A place in the user's input: the document, the entry of it that has a name, the key inside, the file and line.

    `document` is Timeloop's word for a document ("mapping", "architecture", "problem", ...) or the kind of one of our
    own files ("arch file", "workload"); `entry` the name of a level, tensor or component; `key` may be a path with
    dots. What is not known is empty.

    >>> str(Where("mapping", "SMEM", "factors", Mark("map.yaml", 12)))
    'map.yaml:12: mapping of SMEM.factors'
    >>> str(Where("problem", key="instance"))
    'problem.instance'
    """

    document: str = ""
    entry: str = ""
    key: str = ""
    mark: Mark | None = None

    def under(self, key: str, mark: Mark | None = None) -> "Where":
        """The place of a key inside this one; without a line of its own it has the line of this one."""
        return replace(self, key=f"{self.key}.{key}" if self.key else key, mark=mark or self.mark)

    def at(self, mark: Mark | None) -> "Where":
        """The same place with another line, if there is one."""
        return self if mark is None else replace(self, mark=mark)

    def __str__(self) -> str:
        place = f"{self.document} {_ENTRIES.get(self.document, 'of ')}{self.entry}" if self.entry else self.document
        named = brief(f"{place}.{self.key}" if place and self.key else place or self.key)
        return ": ".join(part for part in (str(self.mark or ""), named) if part)


_ENTRIES = {"architecture": "level ", "problem": "tensor ", "workload": "layer ", "ERT": "", "ART": ""}
"""What stands between a document and the name of an entry of it: "architecture level SMEM", "mapping of SMEM"."""


_LONGEST = 120  # characters of one word or list in a sentence
_KEPT = 40
_LONGEST_NAME = 200  # characters of the path of a file, of which both ends are told
_LONG_WORD = re.compile(rf"[^\s/;]{{{_LONGEST + 1},}}")
_LONG_PATH = re.compile(rf"[^\s;]{{{_LONGEST_NAME + 1},}}")
_PAIRS = {"[": "]", "{": "}"}


def brief(text: str) -> str:
    """A sentence whose words, and lists and mappings in brackets, have some 40 characters where they had above 120.

    Names and wrong values come from the user's files, where a slip can make one of them as long as the file. Words with
    a slash, which may be paths, keep both ends of above 200 characters.

    >>> brief("no level " + "x" * 5000 + "; there is RF")
    'no level xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...; there is RF'
    >>> brief(f"found {list(range(999))}")
    'found [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1...]'
    """
    if len(text) <= _LONGEST:
        return text
    shorter = _LONG_WORD.sub(lambda found: f"{found[0][:_KEPT]}...", _brief_lists(text))
    return _LONG_PATH.sub(lambda found: _cut_name(found[0]), shorter)


def _cut_name(path: str) -> str:
    """A path with both ends of what is too long: the first folders tell where, the last ones what."""
    half = _LONGEST_NAME // 2
    return path if len(path) <= _LONGEST_NAME else f"{path[:half]}...{path[-half:]}"


def _brief_lists(text: str) -> str:
    """The text with every outermost bracket that is too long cut short; brackets that do not close stay."""
    kept, start, open_ = [], 0, list[str]()
    for place, letter in enumerate(text):
        if letter in _PAIRS:
            if not open_:
                kept.append(text[start:place])
                start = place
            open_.append(_PAIRS[letter])
        elif open_ and letter == open_[-1]:
            open_.pop()
            if not open_:
                whole = text[start : place + 1]
                kept.append(whole if len(whole) <= _LONGEST else f"{whole[:_KEPT]}...{letter}")
                start = place + 1
    return "".join((*kept, text[start:]))


class CrispError(Exception):
    """Something the user can put right; the command line prints it as one sentence.

    `reason` says what is wrong, with the numbers; `at` where; `hint` the next step; `context` what was being done,
    such as the layer and the accelerator, where `within` added it.

    Examples
    --------
    >>> raise InputError("the factors of J multiply to 9, not 8", Where("mapping", mark=Mark("map.yaml", 3)), "divide")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: map.yaml:3: mapping: the factors of J multiply to 9, not 8; divide
    """

    exit_code = 2

    def __init__(self, reason: str, at: Where | None = None, hint: str = "") -> None:
        super().__init__(brief(reason))
        self.reason, self.at, self.hint, self.context = brief(reason), at, brief(hint), ""

    def within(self, context: str) -> Self:
        """The same error with all its fields, and what was being done in front of its sentence."""
        inside = type(self).__new__(type(self), *self.args)  # not `copy`: libraries change how exceptions are copied
        vars(inside).update(vars(self))
        inside.context = ": ".join(part for part in (context, self.context) if part)
        return inside

    def __str__(self) -> str:
        said = ": ".join(part for part in (self.context, str(self.at or ""), self.reason) if part)
        return f"{said}; {self.hint}" if self.hint else said


class InputError(CrispError):
    """A file, option or value that the project cannot accept (exit code 2)."""


class BrokenRule(Protocol):
    """A rule that a mapping breaks, as `spec.rules.Failure` has it."""

    @property
    def rule(self) -> str:
        """Name of the rule."""

    @property
    def level(self) -> str:
        """Level that breaks it; empty: the mapping as a whole."""

    @property
    def tensor(self) -> str | None:
        """Tensor that it is about, if it is about one."""

    @property
    def need(self) -> float | None:
        """What is needed, where it is a number."""

    @property
    def have(self) -> float | None:
        """What is there, where it is a number."""

    @property
    def other(self) -> str:
        """What else it speaks of."""


class MappingError(CrispError):
    """A mapping, or a whole space of them, that does not fit the hardware (exit code 3).

    `failures` are the rules that it breaks, where they are known.
    """

    exit_code = 3

    def __init__(
        self, reason: str, at: Where | None = None, hint: str = "", failures: Sequence[BrokenRule] = ()
    ) -> None:
        super().__init__(reason, at, hint)
        self.failures = tuple(failures)
