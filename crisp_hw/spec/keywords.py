"""Options as keywords of a function: one frozen value is made of them, and signatures and help show them."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Annotated, Any, TypeVar, get_args, get_origin

from crisp_hw.errors import InputError
from crisp_hw.spec.kinds import only_known, wrong_kind

Options = TypeVar("Options")
Function = TypeVar("Function", bound=Callable[..., Any])


def options_from(
    kind: type[Options], options: Options | None, given: Mapping[str, Any], name: str = "options"
) -> Options:
    """The options that a function was given, as one value or as keywords; both at once are refused.

    Keywords are said, even those that have their default: one without effect is named in the result.

    >>> from crisp_hw.spec.options import SearchOptions
    >>> options_from(SearchOptions, None, {"budget": 10})
    SearchOptions(budget=10, seed=0, memory_bytes=1073741824, ..., front=False, ..., said=frozenset({'budget'}))
    """
    known = tuple(each.name for each in fields(kind))  # type: ignore[arg-type]  # a dataclass
    only_known(given, (each for each in known if each != "said"))
    if options is None:
        return kind(**given, **({"said": frozenset(given)} if "said" in known else {}))
    if not isinstance(options, kind):
        raise wrong_kind(name, options, f"{kind.__name__}(...), or its fields as keywords")
    if given:
        hint = f"give one of them, or {name}=dataclasses.replace({name}, {next(iter(given))}=...)"
        raise InputError(f"{name} and {', '.join(given)} are given", hint=hint)
    return options


def with_fields(kind: Any) -> Callable[[Function], Function]:
    """Show the fields of a dataclass as the keywords that a function takes as `**fields`, in signature and help.

    >>> from crisp_hw.spec.options import SearchOptions
    >>> @with_fields(SearchOptions)
    ... def find(path: str, **fields: Any) -> None: "Find."
    >>> list(inspect.signature(find).parameters)
    ['path', 'budget', 'seed', 'memory_bytes', 'gap', 'device', 'front', 'both_axes', 'imperfect']
    """

    def shown(function: Function) -> Function:
        own = inspect.signature(function)
        before = [each for each in own.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
        more = [_keyword(each) for each in fields(kind) if each.name != "said"]
        function.__signature__ = own.replace(parameters=[*before, *more])  # type: ignore[attr-defined]
        return function

    return shown


def _keyword(field: Field[Any]) -> inspect.Parameter:
    annotation = get_args(field.type)[0] if get_origin(field.type) is Annotated else field.type
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
