"""What a command says beside its answer, on stderr: with -q nothing but errors, with -v what happens as well.

Loaded before any parser, so nothing that takes a while is loaded here.
"""

import sys
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Literal

from crisp_hw.errors import InputError
from crisp_hw.machine.ending import printable

Loudness = Literal["quiet", "usual", "verbose"]


@dataclass(frozen=True)
class Voice:
    """Who speaks, how much, and whether errors come with their traceback."""

    program: str = "crisp-hw"
    loudness: Loudness = "usual"
    debug: bool = False


_VOICE: ContextVar[Voice] = ContextVar("voice", default=Voice())  # noqa: B039 - a Voice is frozen


_COMMAND: ContextVar[tuple[str, ...]] = ContextVar("command", default=())


def remember(words: Sequence[str]) -> None:
    """Remember the command line as it was written."""
    _COMMAND.set(tuple(words))


def command() -> str:
    """The command line that is carried out, as a shell reads it; "" where none is."""
    import shlex

    return shlex.join(_COMMAND.get())


def begin(program: str) -> None:
    """Speak as this program, as loud as usual."""
    _VOICE.set(Voice(program))


def speak(loudness: Loudness) -> None:
    """Say more or less from now on; InputError where the contrary was asked for before."""
    voice = _VOICE.get()
    if voice.loudness not in ("usual", loudness):
        raise InputError("--quiet and --verbose are given together", hint="give one of them")
    _VOICE.set(replace(voice, loudness=loudness))


def show_tracebacks() -> None:
    """Let errors come with their traceback from now on."""
    _VOICE.set(replace(_VOICE.get(), debug=True))


def debugging() -> bool:
    """Were tracebacks asked for?"""
    return _VOICE.get().debug


def quiet() -> bool:
    """Is the answer alone wanted?"""
    return _VOICE.get().loudness == "quiet"


def verbose() -> bool:
    """Is it wanted to be told what happens?"""
    return _VOICE.get().loudness == "verbose"


def note(text: str) -> None:
    """Say something about what was asked, in one line behind the name of the program, unless -q was given."""
    if not quiet():
        complain(text)


def complain(text: str) -> None:
    """Say why the exit code is not 0, which -q does not silence."""
    sys.stderr.write(f"{_VOICE.get().program}: {printable(text)}\n")


def tell(text: str) -> None:
    """Say what happens, where -v was given."""
    if verbose():
        note(text)


def remark(lines: str) -> None:
    """Write lines that belong to the answer but not into it, unless -q was given."""
    if not quiet():
        sys.stderr.write(lines)
