"""The options of the commands, made from the fields of `Job` and `CrispConfig`, where each is stated with its help."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args, get_origin, get_type_hints

import typer

from crisp_hw.command_line.job_files import FOLDER_OR_FACTORY, MayBeNumber
from crisp_hw.errors import InputError, Where
from crisp_hw.spec.descriptors import Role
from crisp_prune.choices import Driver
from crisp_prune.config import MAX, CrispConfig
from crisp_prune.image import ImageTransform
from crisp_prune.options import Job

MAY_BE_FOLDER: dict[str, tuple[object, ...]] = dict.fromkeys(("data", "validate"), (FOLDER_OR_FACTORY,))
KEYWORD = Parameter.KEYWORD_ONLY

PATTERN = Parameter(
    "nm",
    KEYWORD,
    default=None,
    annotation=Annotated[
        str | None,
        typer.Option("--nm", help="The fine-grained pattern N:M. Default: 2:4 where the pattern has one."),
    ],
)
FORMER = {"criterion": ("--score",)}
"""What options were called before."""
SHORT = {"out": ("-o",), "arch": ("-a",)}  # as those of crisp-hw
ROLES = Parameter(
    "role",
    KEYWORD,
    default=[],
    annotation=Annotated[
        list[str],
        typer.Option(
            "--role", help="The role of layers, GLOB=hybrid|nm|dense. Repeatable; the last one that matches wins."
        ),
    ],
)
CEILINGS = Parameter(
    "max_sparsity",
    KEYWORD,
    default=[],
    annotation=Annotated[
        list[str],
        typer.Option("--max-sparsity", help="A ceiling for the sparsity of layers, GLOB=FRACTION. Repeatable."),
    ],
)
IN_WORDS = {"n": PATTERN, "m": None, "roles": ROLES, "max_sparsity": CEILINGS, "classes": None}
"""Fields of the config that a command line spells in its own way, or not at all (`classes` is text in `Job`)."""


def config_options() -> list[Parameter]:
    """One option for each field of `CrispConfig`, in its order."""
    return [option for entry in fields(CrispConfig) if (option := _config_option(entry)) is not None]


def _config_option(entry: "Field[Any]") -> Parameter | None:
    return IN_WORDS[entry.name] if entry.name in IN_WORDS else _option(CrispConfig, entry)


def job_options(names: Sequence[str] = ()) -> list[Parameter]:
    """One option for each field of `Job` that has a help text, those of the image transform included."""
    owners = [(Job, entry) for entry in fields(Job)] + [(ImageTransform, entry) for entry in fields(ImageTransform)]
    made = [_option(owner, entry) for owner, entry in owners if "help" in entry.metadata]
    return [option for option in made if not names or option.name in names]


def _option(owner: type, entry: "Field[Any]") -> Parameter:
    """The option of a field: its name with dashes, its type, default and help."""
    kind, meta = get_type_hints(owner)[entry.name], entry.metadata
    name, text = meta["spelled"] or entry.name, meta["help"]
    flag = f"--{name.replace('_', '-')}"
    markers = MAY_BE_FOLDER.get(name, ())
    if get_origin(kind) is Literal:
        kind, text = str, f"{text}: {', '.join(get_args(kind))}."
    elif any(get_origin(part) is Literal for part in get_args(kind)):  # a number, or a word for one
        kind, markers = str, (MayBeNumber(),)
    default = Parameter.empty if entry.default is MISSING else entry.default
    if meta["may_be_left_out"]:
        kind, default = kind | None, None
    if kind is bool and default is True:
        default = False  # a flag that is given turns the field off
    return Parameter(
        name,
        KEYWORD,
        default=default,
        annotation=Annotated[
            kind,
            typer.Option(flag, *SHORT.get(name, ()), *FORMER.get(name, ()), help=text),
            *markers,
        ],
    )


def with_options(options: Sequence[Parameter]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a function that takes keyword arguments the signature that typer reads options from."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        needed = sorted(options, key=lambda option: option.default is not Parameter.empty)
        vars(function)["__signature__"] = Signature(needed)
        function.__annotations__ = {option.name: option.annotation for option in options}
        return function

    return decorate


def config_from(asked: Mapping[str, Any]) -> CrispConfig:
    """The config that the options of a command amount to."""
    n, m = (None, None) if asked["nm"] is None else _pattern(asked["nm"])
    plain = {
        entry.name: asked[entry.name]
        for entry in fields(CrispConfig)
        if entry.name in asked and entry.name not in IN_WORDS
    }
    roles, ceilings = _roles(asked["role"]), _ceilings(asked["max_sparsity"])
    if plain["sparsity"] not in (None, MAX):
        plain["sparsity"] = _share("--sparsity", plain["sparsity"], f"give one, or {MAX}")
    left_out = {name for name, value in plain.items() if value is None}
    named = {"n": n, "m": m, "roles": roles, "max_sparsity": ceilings}
    return CrispConfig(**{name: value for name, value in (plain | named).items() if name not in left_out})


def job_from(asked: Mapping[str, Any]) -> Job:
    """The job that the options of `crisp-prune run` amount to."""
    _check_budget(asked)
    out: Path = asked["out"]
    plain = {entry.name: asked[entry.name] for entry in fields(Job) if entry.name in asked}
    plain["run_dir"] = asked["run_dir"] or out.parent / f"{out.stem}-run"
    image = ImageTransform(asked["image_size"], not asked["raw_pixels"])
    return Job(**{**plain, "image": image, "config": config_from(asked)})


def _check_budget(asked: Mapping[str, Any]) -> None:
    """What belongs to a budget alone, and what a budget decides itself."""
    if asked["budget"] is None:
        lonely = [name for name in ("arch", "ratios") if asked[name] is not None]
        if lonely:
            raise InputError(f"--{lonely[0]} has no effect without --budget", hint="give --budget or leave it out")
        return
    if asked["ratios"] is not None and asked["ratios"] not in get_args(Driver):
        raise InputError(f"--ratios {asked['ratios']!r} is unknown", hint=f"there are {', '.join(get_args(Driver))}")
    for name, given in (("--sparsity", asked["sparsity"]), ("--max-sparsity", asked["max_sparsity"])):
        if given:
            raise InputError(f"{name} and --budget both say how much to prune", hint="give one of them")


def _pattern(text: str) -> tuple[int, int]:
    """N and M of "2:4"."""
    n, colon, m = text.partition(":")
    if not (colon and n.isdecimal() and m.isdecimal()):
        raise InputError(f"--nm {text!r} is no pattern", hint="write N:M such as 2:4")
    return int(n), int(m)


def _assignments(option: str, items: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Glob and value of every GLOB=VALUE."""
    for item in items:
        glob, equals, value = item.rpartition("=")
        if not equals or not glob:
            raise InputError(f"{option} {item!r} is no assignment", hint="write GLOB=VALUE")
        yield glob, value


def _roles(items: Sequence[str]) -> dict[str, Role]:
    """--role options as the config wants them."""
    roles: dict[str, Role] = {}
    for glob, value in _assignments("--role", items):
        if value not in get_args(Role):
            choices = ", ".join(get_args(Role))
            raise InputError(f"{value!r} is no role", Where(key=f"--role {glob}"), f"there are {choices}")
        roles[glob] = cast(Role, value)
    return roles


def _ceilings(items: Sequence[str]) -> dict[str, float]:
    """--max-sparsity options as the config wants them."""
    ceilings = {}
    for glob, value in _assignments("--max-sparsity", items):
        ceilings[glob] = _share(f"--max-sparsity {glob}", value)
    return ceilings


def _share(option: str, value: str, hint: str = "") -> float:
    """The number that an option was given as text."""
    try:
        return float(value)
    except ValueError:
        raise InputError(f"{value!r} is no number", Where(key=option), hint) from None
