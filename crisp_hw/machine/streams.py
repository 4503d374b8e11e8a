"""The standard streams of a program: there even when they were closed, and honest about what cannot be written."""

import io
import os
import sys
from contextlib import suppress
from typing import TextIO


class OutputError(OSError):
    """Standard output cannot be written: a full disk, a closed stream, nobody who reads it."""


class _Output(io.FileIO):
    """Standard output, whose errors can be told from those of files."""

    def write(self, content: object) -> int:
        try:
            return super().write(content)  # type: ignore[arg-type]  # whatever has bytes
        except OSError as error:
            raise OutputError(error.errno, error.strerror) from error


class _Errors(io.FileIO):
    """Standard error, which takes everything: where it cannot be written, nobody is there to be told."""

    def write(self, content: object) -> int:
        with suppress(OSError):
            return super().write(content)  # type: ignore[arg-type]  # whatever has bytes
        return len(content)  # type: ignore[arg-type]


def open_streams() -> None:
    """Make the streams of this process such as this module says.

    Closed ones (`>&-`) get the null device under their number, so that no file that is opened gets it; writing to that
    output is an error all the same. What an encoding cannot print is a question mark.
    """
    for number, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, flags)  # the lowest free number, which is this one
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
    sys.stdout = _text(sys.stdout, _Output(1, "w", closefd=False))
    sys.stderr = _text(sys.stderr, _Errors(2, "w", closefd=False))


def give_up_output() -> None:
    """Let standard output end in the null device, or Python's own last flush fails again and says so."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        sys.stdout.flush()


def _text(stream: TextIO | None, raw: io.FileIO) -> TextIO:
    """A stream like the one that Python opened (None: it found none), on another raw one."""
    encoding = stream.encoding if stream is not None else "utf-8"
    by_line = raw.isatty() or getattr(stream, "write_through", False) or raw.fileno() == 2
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, "replace", line_buffering=by_line)
