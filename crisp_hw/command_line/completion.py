"""What a shell may put in place of a word that is being written: quick to find, and never an error."""

import functools
from collections.abc import Callable, Iterable

import typer

Names = Callable[[typer.Context, str], Iterable[str]]


def completing(names: Names) -> Callable[..., list[str]]:
    """A callback of the parser that offers those names that begin as the word does.

    Whatever goes wrong (no such file or name, a damaged file), nothing is offered: the line is still being written, and
    the command says what is wrong once it is run.
    """

    @functools.wraps(names)
    def offered(ctx: typer.Context, incomplete: str) -> list[str]:
        try:
            return [name for name in names(ctx, incomplete) if name.startswith(incomplete)]
        except Exception:  # noqa: BLE001 - a traceback in the middle of the user's line helps nobody
            return []

    offered.__annotations__ = {"ctx": typer.Context, "incomplete": str}
    return offered
