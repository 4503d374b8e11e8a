"""What stands in help for the value of an option: PATH for one path and for many, `a|b` for choices."""

import inspect
from collections.abc import Callable
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from typer.models import ArgumentInfo, OptionInfo

WORDS = {str: "TEXT", int: "INTEGER", float: "NUMBER", Path: "PATH", bool: ""}  # a flag takes no value
LONGEST = 14  # characters of choices; longer ones leave their help no room in 80 columns, and it names them, too


def with_placeholders(command: Callable[..., Any]) -> None:
    """Give every option of a command that names no placeholder the one of its type.

    Left to itself the parser shows the types of Python, such as `<list[Path]>`.

    >>> from typing import Annotated
    >>> files, jobs = ArgumentInfo(), OptionInfo()
    >>> def command(files: Annotated[list[Path], files], jobs: Annotated[int | None, jobs] = None) -> None: ...
    >>> with_placeholders(command)
    >>> files.metavar, jobs.metavar
    ('FILES', 'INTEGER')
    """
    for parameter in inspect.signature(command).parameters.values():
        if get_origin(parameter.annotation) is not Annotated:
            continue
        kind, *told = get_args(parameter.annotation)
        for each in told:
            if isinstance(each, ArgumentInfo | OptionInfo) and each.metavar is None:
                each.metavar = parameter.name.upper() if isinstance(each, ArgumentInfo) else _word(kind)


def without_types(parameters: Any) -> Any:
    """The parameters as help is to show them: a flag has no value, and the name of an argument says what it is."""
    for each in parameters:
        if each.param_type_name == "argument":
            each.display_type = lambda ctx: ""
        elif each.is_flag:
            each.metavar = ""
    return parameters


def _word(kind: Any) -> str | None:
    """The placeholder of a type; None for one that has none."""
    if get_origin(kind) is Literal:
        choices = "|".join(get_args(kind))
        return choices if len(choices) <= LONGEST else "CHOICE"
    if get_origin(kind) in (Union, UnionType, list):
        return next((word for each in get_args(kind) if (word := _word(each)) is not None), None)
    return WORDS.get(kind)
