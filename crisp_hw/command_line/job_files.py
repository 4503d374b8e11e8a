"""Job files (`--config job.yaml`): the options of one command in YAML, turned into the words of its command line.

Read strictly: an unknown key, a value of another kind and a key that stands twice are refused with their line. What
the command line says has priority, and -v says what that was. Relative paths are relative to the file.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Literal, get_args, get_origin

from crisp_hw.errors import InputError, Where

CONFIG = "config"


@dataclass(frozen=True)
class MayBeFile:
    """Stands in the annotation of an option whose text may be the path of a file: which texts are one."""

    pattern: str

    def found_in(self, text: str) -> bool:
        """Is this text a path?"""
        return re.search(self.pattern, text) is not None


@dataclass(frozen=True)
class MayBeNumber:
    """Stands in the annotation of an option whose text is a number, or a word for one: a file may say the number."""


NAME_OR_FILE = MayBeFile(r"\.(ya?ml|pt|safetensors)(:[^/]*)?$")
FOLDER_OR_FACTORY = MayBeFile(r"^[^:]*$")


@dataclass(frozen=True)
class Entry:
    """What a job file may say of one option or argument: `parameter` is the parser's."""

    key: str
    annotation: Any
    parameter: Any

    @property
    def kinds(self) -> tuple[Any, ...]:
        """What stands in the annotation beside the type."""
        return getattr(self.annotation, "__metadata__", ())

    @property
    def type(self) -> Any:
        """The type of its value, lists and None included."""
        return get_args(self.annotation)[0] if get_origin(self.annotation) is Annotated else self.annotation


@dataclass(frozen=True)
class Job:
    """The words that a job file adds to a command line, and what of it the command line overrides."""

    options: tuple[str, ...]
    arguments: tuple[str, ...]
    overridden: tuple[str, ...]


def entries_of(command: Any, context: Any) -> dict[str, Entry]:
    """What a job file may say of a command, by key: options are called as on the command line, without dashes."""
    annotations = {name: each.annotation for name, each in inspect.signature(command.callback).parameters.items()}
    found = {}
    for each in command.get_params(context):
        if each.name in annotations and each.name != CONFIG:
            key = _key(each)
            found[key] = Entry(key, annotations[each.name], each)
    return found


def read_job(path: Path, entries: Mapping[str, Entry], given: frozenset[str]) -> Job:
    """The words of a job file for a command that has these entries.

    Parameters
    ----------
    path
        The file.
    entries
        What it may say (`entries_of`).
    given
        The names of the parameters that the command line gives; they have priority.
    """
    from crisp_hw.machine.yaml_files import checked, read_mapping

    document = read_mapping(path, f"write one option a line, such as {next(iter(entries))}: VALUE")
    schema = _schema(tuple(entries.values()))
    values = checked(schema, document, "job").model_dump(by_alias=True, exclude_unset=True)
    options: list[str] = []
    arguments: list[str] = []
    overridden = []
    for key, entry in entries.items():  # in their order, which is that of the arguments
        value = values.get(key)
        if value is None:
            continue
        if entry.parameter.name in given:
            overridden.append(f"{document.keys_at.get(key) or path}: {key} is overridden by the command line")
        elif entry.parameter.param_type_name == "argument":
            arguments += _texts(entry, value, path.parent)
        else:
            options += _words(entry, value, path.parent)
    return Job(tuple(options), tuple(arguments), tuple(overridden))


def _key(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        shown = str(parameter.metavar or "").lower()
        return shown if shown.isalpha() else str(parameter.name)
    return str(max(parameter.opts, key=len).lstrip("-"))


def _schema(entries: Sequence[Entry]) -> Any:
    from pydantic import ConfigDict, Field, create_model

    fields: dict[str, Any] = {}
    for number, entry in enumerate(entries):
        stated: tuple[Any, Any] = (entry.parameter, getattr(entry.parameter, "type", None))  # typer now, and with click
        least = next((each.min for each in stated if getattr(each, "min", None) is not None), None)
        kind = _loose(entry.type, least)
        if any(isinstance(each, MayBeNumber) for each in entry.kinds):
            kind = kind | float
        fields[f"field_{number}"] = (kind | None, Field(default=None, alias=entry.key))
    return create_model("Job", __config__=ConfigDict(strict=True, extra="forbid"), **fields)


def _loose(kind: Any, least: float | None) -> Any:
    """The type that a value has in YAML: paths are text, one value may stand for a list of one."""
    from pydantic import Field

    if get_origin(kind) is list:
        item: Any = _loose(get_args(kind)[0], None)
        return GenericAlias(list, (item,)) | item
    if get_origin(kind) is Literal:
        return kind
    if parts := [each for each in get_args(kind) if each is not type(None)]:
        return reduce(or_, (_loose(each, least) for each in parts))
    if kind is Path:
        return str
    return kind if least is None else Annotated[kind, Field(ge=least)]


def _words(entry: Entry, value: Any, folder: Path) -> list[str]:
    """An option as the command line spells it."""
    parameter = entry.parameter
    if isinstance(value, bool):
        if value:
            return [parameter.opts[0]]
        return [parameter.secondary_opts[0]] if parameter.secondary_opts else []
    name = max(parameter.opts, key=len)
    return [f"{name}={text}" for text in _texts(entry, value, folder)]


def _texts(entry: Entry, value: Any, folder: Path) -> list[str]:
    """Every value as text; relative paths begin at the folder of the file."""
    is_path = _path_of(entry)
    texts = [str(each) for each in (value if isinstance(value, list) else [value])]
    for text in texts:
        if not text.strip():
            raise InputError("is empty", Where("job", key=entry.key), "give a value, or leave the key out")
    return [str(folder / text) if is_path(text) else text for text in texts]


def _path_of(entry: Entry) -> Callable[[str], bool]:
    if "pathlib.Path" in str(entry.type) or entry.type is Path:
        return lambda text: True
    marker = next((each for each in entry.kinds if isinstance(each, MayBeFile)), None)
    return marker.found_in if marker else lambda text: False
