"""Where every command of a program ends: one sentence and an exit code, never a traceback."""

from typing import Any, ClassVar

import typer

from crisp_hw.command_line import voice
from crisp_hw.command_line.faults import telling
from crisp_hw.command_line.formats import FORMAT, asks_json
from crisp_hw.command_line.parsing import PASSING, Group, in_a_sentence
from crisp_hw.machine.ending import ended


class Boundary(Group):
    """All commands of a program.

    Typer ends interrupts and closed pipes in its own way, which is to say nothing; so they are met before it sees them.
    """

    program: ClassVar[str]

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **named: Any) -> Any:
        """Read the options of the program itself; help and version are printed here."""
        made = super().make_context
        if named.get("resilient_parsing"):  # a shell asks how the line may go on
            return made(info_name, args, *more, **named)
        voice.begin(self.program)
        found: list[Any] = []
        words = tuple(args)  # the parser takes them out of the list
        self._end(lambda: found.append(made(info_name, args, *more, **named)), lambda: asks_json(words))
        found[0].meta["words"] = words
        return found[0]

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # typer's context is click's
        """Run the command."""
        invoke = super().invoke
        self._end(
            lambda: invoke(ctx),
            lambda: ctx.meta[FORMAT] == "json" if FORMAT in ctx.meta else asks_json(ctx.meta["words"]),
        )
        return None

    def _end(self, command: Any, as_json: Any) -> None:
        done = lambda: telling(lambda: in_a_sentence(command, self.program), as_json)  # noqa: E731 - said once, below
        if code := ended(self.program, done, voice.debugging, PASSING):
            raise typer.Exit(code)
