"""Fields of a dataclass as options of a command, as typer sees them."""

import inspect
import re
from collections.abc import Callable
from dataclasses import Field, dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

import typer

from crisp_hw.cli.completion import COMPLETIONS
from crisp_hw.command_line.job_files import NAME_OR_FILE
from crisp_hw.command_line.options import FormatOption as FormatOption
from crisp_hw.data_files import packaged
from crisp_hw.errors import InputError
from crisp_hw.spec.options import Stated, stated

if TYPE_CHECKING:
    pass


Command = Callable[..., None]


def share_of(text: str) -> float:
    """A share: 5% or 0.05; InputError for anything else.

    >>> share_of("5%"), share_of("0.05")
    (0.05, 0.05)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*", text)
    if found is None:
        raise InputError(f"--gap {text}: is no share", hint="write 5% or 0.05")
    return float(found[1]) / (100 if found[2] else 1)


WRITTEN: dict[str, Callable[[str], Any]] = {"gap": share_of}
"""Fields that are written as words of their own, and what reads those."""
MAY_BE_FILES = ("network", "workload", "arch", "energy")  # options that take names, and files of one's own


def grouped(command: Command) -> Command:
    """The same command with the options of its dataclasses as options of its own, in their place.

    A parameter `name: Kind` offers all of them, `name: Annotated[Kind, names]` those named. A field `said` is told
    which of them stood on the command line.

    >>> from crisp_hw.spec.options import EvaluateOptions
    >>> @grouped
    ... def count(searching: Annotated[EvaluateOptions, ("jobs", "cache")], name: str = "x") -> None:
    ...     print(searching.jobs, searching.cache, name)
    >>> list(inspect.signature(count).parameters)
    ['invoked', 'jobs', 'cache', 'name']
    >>> count(jobs=2, cache=False, name="y")
    2 False y
    """
    given = inspect.signature(command).parameters.values()
    groups = {each.name: found for each in given if (found := _group(each.annotation))}
    invoked = inspect.Parameter("invoked", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    single = [invoked]
    for each in given:
        parts = groups[each.name].parameters if each.name in groups else (each,)
        single += [part.replace(kind=inspect.Parameter.KEYWORD_ONLY) for part in parts]

    def run(invoked: typer.Context | None = None, **values: Any) -> None:
        made = {name: group.made(invoked, values) for name, group in groups.items()}
        command(**made, **values)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__annotations__ = {part.name: part.annotation for part in single}
    run.__signature__ = inspect.Signature(single)  # type: ignore[attr-defined]  # what inspect, and so typer, looks at
    return run


@dataclass(frozen=True)
class _Group:
    """A dataclass whose fields are options, and those that a command has."""

    kind: Any
    parameters: tuple[inspect.Parameter, ...]

    def made(self, context: typer.Context | None, values: dict[str, Any]) -> Any:
        """The dataclass of some values, which it takes out of them."""
        own = {part.name: values.pop(part.name) for part in self.parameters}
        own |= {name: read(own[name]) for name, read in WRITTEN.items() if name in own}
        if context and "said" in self.kind.__dataclass_fields__:
            sources = {name: context.get_parameter_source(name) for name in own}
            own["said"] = frozenset(name for name, source in sources.items() if source and source.name == "COMMANDLINE")
        return self.kind(**own)


def _group(annotation: Any) -> _Group | None:
    """What stands for a parameter that is a dataclass; None for any other."""
    kind, *names = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    if not is_dataclass(kind):
        return None
    offered = stated(kind)
    wanted = names[0] if names else tuple(offered)
    return _Group(kind, tuple(_parameter(each, offered[each.name]) for each in fields(kind) if each.name in wanted))


def _parameter(field: "Field[Any]", told: Stated) -> inspect.Parameter:
    default = field.default if told.cli_default is ... else told.cli_default
    options: dict[str, Any] = {"help": told.help, "min": told.least, "rich_help_panel": told.panel}
    options["autocompletion"] = COMPLETIONS.get(field.name)
    if told.argument:
        offered = typer.Argument(metavar=told.argument, **options)
    else:
        flags = told.flags or _flags(field.name)
        offered = typer.Option(*flags, hidden=told.hidden, **options)
    kinds = (offered, NAME_OR_FILE) if field.name in MAY_BE_FILES else (offered,)
    annotation: Any = Annotated[str if field.name in WRITTEN else get_args(field.type)[0], *kinds]
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _flags(name: str) -> tuple[str, ...]:
    """The flags of a field whose options were once called otherwise, so that lines of then still work; else none."""
    former = packaged().former_flags.get(name)
    return () if former is None else (f"--{name.replace('_', '-')}", former)
