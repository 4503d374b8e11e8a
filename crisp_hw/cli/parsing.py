"""What the parser itself has to say: one sentence as every other, and no option that another takes the effect of."""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand

from crisp_hw.errors import InputError

PARSER_ERROR: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


class EachOnce(TyperCommand):
    """A command whose options stand once, those that are lists aside: of two values, one would have no effect."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line; InputError for an option that stands there twice."""
        order = self.make_parser(ctx).parse_args(args=list(args))[2]
        for place, each in enumerate(order):
            if each in order[:place] and each.param_type_name == "option" and not each.multiple:
                names = " / ".join((*each.opts, *each.secondary_opts))
                raise InputError(f"{names}: is given twice", hint="give it once")
        found: list[str] = super().parse_args(ctx, args)
        return found


def each_once(*apps: typer.Typer) -> None:
    """Make the commands of these groups such that take every option once."""
    for app in apps:
        for command in app.registered_commands:
            command.cls = EachOnce


def in_a_sentence(parse: Callable[[], object]) -> object:
    """Parse (and run) a command; what the parser refuses is raised as InputError.

    A group without its command is left to the parser, which prints the help.
    """
    try:
        return parse()
    except PARSER_ERROR as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            raise
        said = " ".join(error.format_message().split()).rstrip(".")
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "crisp-hw"
        raise InputError(said[:1].lower() + said[1:], hint=f"`{command} --help` says what there is") from error
