"""Jinja in YAML files, as timeloopfe's front end reads them: includes and variables.

A file without `{{`, `{%` or `{#` never gets here. Templates run in Jinja's sandbox and see only what `render_file`
gives them; a name that is not set is an error.
"""

import os
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.files import YAML, read_text, real_path
from crisp_hw.machine.foreign import in_our_words
from crisp_hw.timeloop.yaml.template_lines import TemplateLines

if TYPE_CHECKING:
    from crisp_hw.timeloop.yaml.sandbox import Budget

MARKERS = ("{{", "{%", "{#")
DEEPEST = 20  # files that include each other
LONGEST = 2**18  # characters of one template; Python compiles all of it
MOST_FILES = 1000  # that one name or pattern finds
_FAILURES = (
    # what templates that are wrong, or too much for Python's own limits, were seen to end in
    *(TypeError, ValueError, ArithmeticError, LookupError, AttributeError, OSError, RuntimeError),
    *(MemoryError, SyntaxError),
)


@dataclass
class Templates:
    """What the templates of one run share: folders to search, variables, the files included so far, and what is left.

    Files come from `folders` and from below them only; `budget` is made with the first template. `asked` are all names
    in the templates so far, `files` counts what `!include` has read.
    """

    folders: list[str]
    read: Callable[[Path, "Templates", int], Any]
    variables: dict[str, Any] = field(default_factory=dict)
    included: dict[str, Any] = field(default_factory=dict)
    budget: "Budget | None" = None
    allowed: tuple[Path, ...] = ()
    asked: set[str] = field(default_factory=set)
    files: int = 0
    lines: TemplateLines = field(default_factory=TemplateLines)

    def __post_init__(self) -> None:
        self.allowed = tuple(real_path(Path(folder)) for folder in self.folders)


def is_template(text: str) -> bool:
    """Does a text hold anything for Jinja?

    >>> is_template("problem: {{ include('problem.yaml', 'problem') }}"), is_template("problem: {shape: {}}")
    (True, False)
    """
    return any(marker in text for marker in MARKERS)


def render_file(path: Path, text: str, templates: Templates, depth: int = 0) -> str:
    """The text with its templates filled in, and marks where its lines come from (`lines_of` takes them out).

    InputError names the file, and the line where Jinja knows it.
    """
    from jinja2 import FunctionLoader, TemplateError, UndefinedError

    from crisp_hw.timeloop.yaml.sandbox import Budget, LimitedEnvironment, LineMarking

    at = Mark(str(path))
    if depth > DEEPEST:
        raise InputError(f"included more than {DEEPEST} files deep", Where(mark=at), "does a file include itself?")
    if len(text) > LONGEST:
        raise InputError(f"a template of more than {LONGEST:,} characters", Where(mark=at), "write the values out")
    functions = _Functions(path, templates, depth)
    templates.budget = templates.budget or Budget()
    environment = LimitedEnvironment(templates.budget, FunctionLoader(functions.source), functions.by_name())
    environment.marking = LineMarking(templates.lines, str(path))
    environment.asked = templates.asked
    try:
        return environment.from_string(text).render(templates.variables)
    except UndefinedError as error:
        said = in_our_words(error)
        place = Where(mark=Mark(str(path), _line(error)))
        named = re.fullmatch(r"(\w+) is not set", said)
        advice = f"give it with -D {named[1]}=VALUE or in a file with --data" if named else "define it"
        reason = f"the template cannot be filled in ({said})"
        raise InputError(reason, place, f"{advice}, or write the value out") from error
    except TemplateError as error:
        place = Where(mark=Mark(str(path), getattr(error, "lineno", None) or _line(error)))
        reason = f"the template cannot be filled in ({in_our_words(error)})"
        raise InputError(reason, place, "define it, or write the value out") from error
    except _FAILURES as error:
        place = Where(mark=Mark(str(path), _line(error)))
        raise InputError(
            f"the template cannot be filled in ({in_our_words(error)})", place, "write the value out"
        ) from error
    except InputError as error:  # of a function that the template calls
        if error.at is not None and error.at.mark == at:
            error.at = Where(mark=Mark(str(path), _line(error)))
        raise


def _line(error: BaseException) -> int:
    """The line of the template in which an error happened, as Jinja rewrites its traceback; 0 where it does not say."""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == "<template>"]
    return lines[0] if lines else 0


def lines_of(templates: Templates, path: Path, text: str) -> tuple[str, list[Mark]]:
    """What `render_file` made, without its marks, and the line of a file from which each of its lines comes."""
    return templates.lines.cut(text, Mark(str(path), 1))


def included(templates: Templates, reference: str, mark: Mark) -> Any:
    """What `!include_loaded NAME.key.key` stands for: a whole included file, or a part of it."""
    name, *keys = reference.split(".")
    if name not in templates.included:
        raise InputError(
            f"!include_loaded {name} is made by templates only", Where(mark=mark), "write {{ include('FILE') }}"
        )
    value = templates.included[name]
    return [_segment(one, keys, mark) for one in value] if isinstance(value, tuple) else _segment(value, keys, mark)


def include_file(templates: Templates, path: Path, reference: str, mark: Mark, depth: int) -> Any:
    """What `!include FILE` in a document stands for: the one YAML document of another file."""
    templates.files += 1
    if depth > DEEPEST or templates.files > MOST_FILES:
        what = (
            f"included more than {DEEPEST} files deep" if depth > DEEPEST else f"more than {MOST_FILES} files included"
        )
        raise InputError(what, Where(mark=mark), "does a file include itself?")
    try:
        file = _Functions(path, templates, depth).find_path(reference)
    except InputError as error:
        raise InputError(error.reason.replace("the template", "!include"), Where(mark=mark), error.hint) from error
    return templates.read(Path(file), templates, depth + 1)


def _segment(value: Any, keys: list[str], mark: Mark) -> Any:
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            there = ", ".join(value) if isinstance(value, dict) else "no keys"
            raise InputError(f"the included file has no {key!r}", Where(mark=mark), f"it has {there}")
        value = value[key]
    return value


def _matches(folder: str, pattern: str) -> list[Path]:
    """Files and folders of a name or glob pattern, which may be absolute."""
    if "\0" in pattern:
        return []
    if Path(pattern).is_absolute():
        return [Path(pattern)] if Path(pattern).exists() else []
    if ".." in Path(pattern).parts and "*" in pattern:  # would look through whatever lies above
        return []
    if not Path(pattern).parts:  # "." and "", which glob does not take
        return []
    return sorted(islice(Path(folder).glob(pattern), MOST_FILES + 1))


@dataclass(frozen=True)
class _Functions:
    """The functions of timeloopfe's templates, for one file; all but setenv, which would change other runs."""

    path: Path
    templates: Templates
    depth: int

    def by_name(self) -> dict[str, Any]:
        """What a template calls them."""
        names = (
            "cwd",
            "include",
            "include_all",
            "include_text",
            "find_path",
            "find_paths",
            "path_exists",
            "add_to_path",
        )
        return {name: getattr(self, name) for name in names}

    def cwd(self) -> str:
        """The folder of the file."""
        return os.fspath(real_path(self.path.parent))

    def find_paths(self, name: str) -> list[str]:
        """Files of a name or pattern, beside the file or in the folders to search; InputError when there are none.

        A file elsewhere is refused, whether its name leads there or a link does: documents come from others.
        """
        places = [self.cwd(), *self.templates.folders]
        hits = [hit for place in places for hit in _matches(place, str(name))]
        found = [os.fspath(real_path(hit)) for hit in hits if self._is_inside(hit)]
        if not found:
            at = Where(mark=Mark(str(self.path)))
            if not hits:
                raise InputError(f"the template looks for {str(name)[:80]}, which is not in {', '.join(places)}", at)
            reason = f"the template takes {hits[0]}, which is outside of the folders of the files given"
            raise InputError(reason, at, f"allow its folder with --include {real_path(hits[0]).parent}")
        if len(found) > MOST_FILES:
            reason = f"the template finds more than {MOST_FILES} files of {str(name)[:80]}"
            raise InputError(reason, Where(mark=Mark(str(self.path))), "name them")
        return list(dict.fromkeys(found))

    def _is_inside(self, hit: Path) -> bool:
        return any(real_path(hit).is_relative_to(folder) for folder in self.templates.allowed)

    def source(self, name: str) -> str | None:
        """What Jinja's own `include` and `import` load; None when there is no such file."""
        try:
            file = self.find_path(name)
        except InputError:
            if self.path_exists(name):
                raise
            return None
        return read_text(Path(file), YAML)

    def find_path(self, name: str) -> str:
        """The first of them."""
        return self.find_paths(name)[0]

    def path_exists(self, name: str) -> bool:
        """Is there such a file?"""
        try:
            return any((Path(place) / name).exists() for place in (self.cwd(), *self.templates.folders))
        except ValueError:  # a name that no file can have
            return False

    def add_to_path(self, name: str) -> str:
        """Search in a folder too."""
        self.templates.folders += self.find_paths(name)
        return ""

    def include(self, name: str, keys: str = "") -> str:
        """One file, or a part of it, as a value."""
        files = self.find_paths(name)
        if len(files) > 1:
            raise InputError(
                f"include('{name}') finds {len(files)} files", Where(mark=Mark(str(self.path))), "use include_all"
            )
        return self._keep(self.templates.read(Path(files[0]), self.templates, self.depth + 1), keys)

    def include_all(self, name: str, keys: str = "") -> str:
        """Several files, or a part of each, as a list."""
        files = [Path(file) for file in self.find_paths(name)]
        return self._keep(tuple(self.templates.read(file, self.templates, self.depth + 1) for file in files), keys)

    def include_text(self, name: str) -> str:
        """Files as text, their own templates filled in."""
        texts = [(Path(file), read_text(Path(file), YAML)) for file in self.find_paths(name)]
        return "\n".join(
            render_file(file, text, self.templates, self.depth + 1)
            if is_template(text)
            else self.templates.lines.mark_file(text, str(file))
            for file, text in texts
        )

    def _keep(self, value: Any, keys: str) -> str:
        name = f"file{len(self.templates.included)}"
        self.templates.included[name] = value
        return f"!include_loaded {name}{'.' if keys else ''}{keys.lstrip('.')}"
