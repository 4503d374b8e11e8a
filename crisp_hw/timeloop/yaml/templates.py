"""Jinja in YAML files, as timeloopfe's front end reads them: includes and variables.

A file without `{{`, `{%` or `{#` never gets here. Templates run in Jinja's sandbox and see only what `render_file`
gives them; a name that is not set is an error.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crisp_hw.errors import InputError, Mark, Where

MARKERS = ("{{", "{%", "{#")
DEEPEST = 20  # files that include each other


@dataclass
class Templates:
    """What the templates of one run share: folders to search, variables, and the files included so far."""

    folders: list[str]
    read: Callable[[Path, "Templates", int], Any]
    variables: dict[str, Any] = field(default_factory=dict)
    included: dict[str, Any] = field(default_factory=dict)


def is_template(text: str) -> bool:
    """Does a text hold anything for Jinja?

    >>> is_template("problem: {{ include('problem.yaml', 'problem') }}"), is_template("problem: {shape: {}}")
    (True, False)
    """
    return any(marker in text for marker in MARKERS)


def render_file(path: Path, text: str, templates: Templates, depth: int = 0) -> str:
    """The text with its templates filled in; InputError names the file, and the line where Jinja knows it."""
    from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    if depth > DEEPEST:
        raise InputError(
            f"included more than {DEEPEST} files deep", Where(mark=Mark(str(path))), "does a file include itself?"
        )
    folders = [os.fspath(path.parent), *templates.folders]
    loader = FileSystemLoader(folders)
    environment = ImmutableSandboxedEnvironment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True)
    environment.globals = {**_Functions(path, templates, depth).by_name(), "range": environment.globals["range"]}
    try:
        return environment.from_string(text).render(templates.variables)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        at = Mark(str(path), line or 0)
        said = " ".join(str(error.message or error.__class__.__name__).split())
        raise InputError(
            f"the template cannot be filled in ({said})", Where(mark=at), "define it, or write the value out"
        ) from error
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, OSError, RuntimeError) as error:
        said = " ".join(str(error).split()) or error.__class__.__name__
        raise InputError(
            f"the template cannot be filled in ({said})", Where(mark=Mark(str(path))), "write the value out"
        ) from error


def included(templates: Templates, reference: str, mark: Mark) -> Any:
    """What `!include_loaded NAME.key.key` stands for: a whole included file, or a part of it."""
    name, *keys = reference.split(".")
    if name not in templates.included:
        raise InputError(
            f"!include_loaded {name} is made by templates only", Where(mark=mark), "write {{ include('FILE') }}"
        )
    value = templates.included[name]
    return [_segment(one, keys, mark) for one in value] if isinstance(value, tuple) else _segment(value, keys, mark)


def _segment(value: Any, keys: list[str], mark: Mark) -> Any:
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            there = ", ".join(value) if isinstance(value, dict) else "no keys"
            raise InputError(f"the included file has no {key!r}", Where(mark=mark), f"it has {there}")
        value = value[key]
    return value


def _matches(folder: str, pattern: str) -> list[str]:
    """Files of a name or glob pattern, which may be absolute."""
    if Path(pattern).is_absolute():
        return [os.fspath(Path(pattern).resolve())] if Path(pattern).exists() else []
    if not Path(pattern).parts:  # "." and "", which glob does not take
        return []
    return sorted(os.fspath(hit.resolve()) for hit in Path(folder).glob(pattern))


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
        return os.fspath(self.path.parent.resolve())

    def find_paths(self, name: str) -> list[str]:
        """Files of a name or pattern, beside the file or in the folders to search; InputError when there are none."""
        places = [self.cwd(), *self.templates.folders]
        found = [hit for place in places for hit in _matches(place, name)]
        if not found:
            raise InputError(
                f"the template looks for {name}, which is not in {', '.join(places)}", Where(mark=Mark(str(self.path)))
            )
        return list(dict.fromkeys(found))

    def find_path(self, name: str) -> str:
        """The first of them."""
        return self.find_paths(name)[0]

    def path_exists(self, name: str) -> bool:
        """Is there such a file?"""
        return any((Path(place) / name).exists() for place in (self.cwd(), *self.templates.folders))

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
        texts = [(Path(file), Path(file).read_text(encoding="utf-8")) for file in self.find_paths(name)]
        return "\n".join(render_file(file, text, self.templates, self.depth + 1) for file, text in texts)

    def _keep(self, value: Any, keys: str) -> str:
        name = f"file{len(self.templates.included)}"
        self.templates.included[name] = value
        return f"!include_loaded {name}{'.' if keys else ''}{keys.lstrip('.')}"
