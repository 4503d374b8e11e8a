"""What the parser itself has to say: one sentence as every other, and no option that another takes the effect of."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from crisp_hw.command_line import voice
from crisp_hw.command_line.job_files import CONFIG, entries_of, read_job
from crisp_hw.command_line.placeholders import without_types
from crisp_hw.errors import InputError
from crisp_hw.meanings import command_hint, option_hint

PARSER_ERROR: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
OVERRIDDEN = "crisp_hw.overridden"  # where the parser's context keeps what the command line overrides of a job file
LOUDNESS = frozenset({"quiet", "verbose"})
PASSING = (typer.Exit, typer.Abort, PARSER_ERROR)  # what the parser itself says and ends


class Command(TyperCommand):
    """A command whose options stand once, those that are lists aside: of two values, one would have no effect.

    With --config the words of a job file join those of the command line, which have priority.
    """

    def get_params(self, ctx: Any) -> Any:
        """The arguments and options of the command."""
        return without_types(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line; InputError for an option that stands there twice."""
        words = args
        if not ctx.resilient_parsing:  # completing a line that is being written refuses nothing
            values, _, order = self.make_parser(ctx).parse_args(args=list(args))
            _check_once(order)
            if isinstance(path := values.get(CONFIG), str):
                given = frozenset(each.name for each in order if values.get(each.name) not in (None, (), []))
                if given & LOUDNESS:  # one word on how much is said replaces the other
                    given |= LOUDNESS
                job = read_job(Path(path), entries_of(self, ctx), given)
                ctx.meta[OVERRIDDEN] = job.overridden
                words = [*job.options, *args, *(("--",) if job.arguments and "--" not in args else ()), *job.arguments]
        found: list[str] = super().parse_args(ctx, words)
        return found

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        for note in ctx.meta.get(OVERRIDDEN, ()):
            voice.tell(note)
        return super().invoke(ctx)


def _check_once(order: list[Any]) -> None:
    for place, each in enumerate(order):
        if each in order[:place] and each.param_type_name == "option" and not each.multiple:
            names = " / ".join((*each.opts, *each.secondary_opts))
            raise InputError(f"{names}: is given twice", hint="give it once")


class Group(TyperGroup):
    """A group that says of an unknown command what it may mean."""

    def get_params(self, ctx: Any) -> Any:
        """The options of the group."""
        return without_types(super().get_params(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first word names; InputError for a word that names none."""
        word = args[0] if args else "-"
        if not ctx.resilient_parsing and not word.startswith("-") and self.get_command(ctx, word) is None:
            known = [name for name in self.list_commands(ctx) if not self.commands[name].hidden]
            hint = command_hint(ctx.command_path, word, known)
            raise InputError(f"no such command '{word}'", hint=hint or _help(ctx.command_path))
        return super().resolve_command(ctx, args)


def in_a_sentence(parse: Callable[[], object], program: str) -> object:
    """Parse (and run) a command; what the parser refuses is raised as InputError.

    A group without its command is left to the parser, which prints the help.
    """
    try:
        return parse()
    except PARSER_ERROR as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            raise
        said = _refused_value(error) or " ".join(error.format_message().split()).rstrip(".")
        context = getattr(error, "ctx", None)
        path = context.command_path if context else program
        hint = ""
        if type(error).__name__ == "NoSuchOption" and context:
            said = f"no such option: {error.option_name}"
            names = [
                name for each in context.command.get_params(context) for name in (*each.opts, *each.secondary_opts)
            ]
            hint = option_hint(path, error.option_name, names)
        raise InputError(said[:1].lower() + said[1:], hint=hint or _help(path)) from error


def _refused_value(error: Any) -> str:
    """What is wrong with the value of an option, in our words where typer quotes pydantic; else nothing."""
    parameter, found = getattr(error, "param", None), getattr(error.__cause__, "errors", None)
    if parameter is None or found is None:
        return ""
    from crisp_hw.spec.violations import violation

    first = found(include_url=False)[0]
    return f"{max(parameter.opts, key=len)} {first['input']}: {violation(first)}".rstrip(".")


def _help(path: str) -> str:
    return f"`{path} --help` says what there is"
