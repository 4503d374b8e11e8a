"""Values that the caller gives to templates, as timeloopfe's `jinja_parse_data`."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.files import YAML, read_text
from crisp_hw.machine.positions import mark_of, plain
from crisp_hw.machine.yaml_text import read_yaml_text

_NAME = re.compile(r"[A-Za-z_]\w*")


def template_variables(settings: Iterable[str] = (), data: Iterable[Path] = ()) -> dict[str, Any]:
    """Names and values of `-D name=value` and of YAML files of names and values; the first go before the others.

    A value is what YAML makes of it: a number, true, a list, else text. InputError for what is no name and value, and
    for a name given twice.

    >>> template_variables(["design=small", "rows=4"])
    {'design': 'small', 'rows': 4}
    """
    said: dict[str, Any] = {}
    for setting in settings:
        name, value = _setting(setting)
        if name in said:
            raise InputError(f"-D {name}: is given twice", hint="give it once")
        said[name] = value
    found: dict[str, Any] = {}
    for file in data:
        for name, value in _read(file).items():
            if name in found:
                at = Where(mark=mark_of(value) or Mark(str(file)))
                raise InputError(f"the variable {name} is in another data file, too", at, "give it once")
            found[name] = value
    return {**plain(found), **said}


def check_names(variables: Mapping[str, Any]) -> None:
    """Refuse what no template could ask for."""
    for name in variables:
        if not _NAME.fullmatch(str(name)):
            raise InputError(f"{str(name)[:40]!r} is no name of a variable", hint="use letters, digits and _")


def check_heard(variables: Mapping[str, Any], asked: set[str]) -> None:
    """Refuse variables of which no template asks for one."""
    if variables and not asked & set(variables):
        named = ", ".join(sorted(map(str, variables)))
        what = f"no template asks for {'any of ' if len(variables) > 1 else ''}{named}"
        hint = f"they ask for {', '.join(sorted(asked))}" if asked else "there is no template among the files"
        raise InputError(what, hint=hint)


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not _NAME.fullmatch(name.strip()):
        raise InputError(f"-D {text[:40]}: is no name and value", hint="write -D name=value")
    try:
        found = read_yaml_text(value, f"-D {name}")
    except InputError:
        return name.strip(), value  # text that is no YAML
    return name.strip(), value if len(found) != 1 or found[0] is None else plain(found[0])


def _read(file: Path) -> dict[str, Any]:
    found = read_yaml_text(read_text(file, YAML), str(file))
    if len(found) != 1 or not isinstance(found[0], dict):
        raise InputError("must hold one mapping of names to values", Where(mark=Mark(str(file))), "write name: value")
    check_names(found[0])
    return found[0]
