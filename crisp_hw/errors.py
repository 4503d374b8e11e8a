"""Errors are values: a reason, the place in the user's input, and the next step; their sentence is made here alone."""

from collections.abc import Sequence
from copy import copy
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
        return f"{self.file}:{self.line}" if self.line else self.file


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
        named = f"{place}.{self.key}" if place and self.key else place or self.key
        return ": ".join(part for part in (str(self.mark or ""), named) if part)


_ENTRIES = {"architecture": "level ", "problem": "tensor ", "workload": "layer ", "ERT": "", "ART": ""}
"""What stands between a document and the name of an entry of it: "architecture level SMEM", "mapping of SMEM"."""


class CrispError(Exception):
    """Something the user can put right; the command line prints it as one sentence.

    `reason` says what is wrong, with the numbers; `at` where; `hint` the next step; `context` what was being done,
    such as the layer and the accelerator, where `within` added it.

    >>> raise InputError("the factors of J multiply to 9, not 8", Where("mapping", mark=Mark("map.yaml", 3)), "divide")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: map.yaml:3: mapping: the factors of J multiply to 9, not 8; divide
    """

    exit_code = 2

    def __init__(self, reason: str, at: Where | None = None, hint: str = "") -> None:
        super().__init__(reason)
        self.reason, self.at, self.hint, self.context = reason, at, hint, ""

    def within(self, context: str) -> Self:
        """The same error with all its fields, and what was being done in front of its sentence."""
        inside = copy(self)
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
