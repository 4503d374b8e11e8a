"""The one opener of files that a user names: regular files of a sensible size, read without ever waiting for them."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from crisp_hw.errors import InputError, Mark, Where

MIB = 2**20
_OPEN_ONLY = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOCTTY", 0)
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass(frozen=True)
class FileKind:
    """A kind of input file: what it is called, how many bytes it may have, and the next step when there is none."""

    name: str
    largest: int
    advice: str


YAML = FileKind("a YAML file", 16 * MIB, "give the path of a YAML file")
"""16 MiB are a thousand times the largest document of Timeloop's examples."""


def irregular(mode: int) -> str:
    """What a thing in the file system is that is no regular file, by the mode that `stat` says.

    >>> irregular(os.stat("/").st_mode)
    'a folder'
    """
    return next((word for is_one, word in _KINDS if is_one(mode)), "something else")


def check_file(path: Path, kind: FileKind) -> int:
    """The size of a regular file in bytes, for readers that open it by themselves.

    Raises InputError for everything that is none (links to such things too), and for one that is too large.

    >>> check_file(Path("/dev/null"), YAML)
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: /dev/null: cannot be read (it is a device, not a regular file); give the path of ...
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise _unreadable(path, _said(error), kind) from error
    return _checked(path, found, kind)


def real_path(path: Path) -> Path:
    """The path without links and dots, to compare it with others; where there is none (links in a circle, a working
    folder that is gone, characters that no file has), the path as it is, so that opening it says what is wrong.

    >>> real_path(Path("/dev/../dev/null"))
    PosixPath('/dev/null')
    """
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return path


def is_folder(path: Path) -> bool:
    """Is there a folder of this name? No, where no file can have the name; opening it then says what is wrong.

    >>> is_folder(Path("/")), is_folder(Path("x" * 5000))
    (True, False)
    """
    return os.path.isdir(path)  # noqa: PTH112  Path.is_dir raises for names that are too long


def is_file(path: Path) -> bool:
    """Is there a regular file of this name? No, where no file can have the name, as `is_folder`.

    >>> is_file(Path("/")), is_file(Path("x" * 5000))
    (False, False)
    """
    return os.path.isfile(path)  # noqa: PTH113  as above


@contextmanager
def opened(path: Path, kind: FileKind) -> Iterator[BinaryIO]:
    """A regular file, open for reading; what it is is asked before and after, because a name may change its meaning.

    Raises InputError as `check_file` does, and for what the system refuses while it is being read.
    """
    check_file(path, kind)
    try:
        handle = os.open(path, _OPEN_ONLY)  # a pipe that took the file's place is opened without waiting for its writer
    except OSError as error:
        raise _unreadable(path, _said(error), kind) from error
    with os.fdopen(handle, "rb") as stream:
        _checked(path, os.fstat(stream.fileno()), kind)
        yield stream


def read_bytes(path: Path, kind: FileKind) -> bytes:
    """The content of a regular file; InputError when it cannot be had or is longer than its kind."""
    with opened(path, kind) as stream:
        try:
            # No more than there is: memory for all that was asked for is taken before anything is read.
            known = min(os.fstat(stream.fileno()).st_size, kind.largest)
            content = stream.read(known + 1)
            while known < len(content) <= kind.largest and (more := stream.read(MIB)):
                content += more  # the file grew, or is one of the kernel's, which do not know their size
        except OSError as error:
            raise _unreadable(path, _said(error), kind) from error
    if len(content) > kind.largest:
        raise _too_large(path, kind)
    return content


def read_text(path: Path, kind: FileKind = YAML) -> str:
    """The content of a regular file as text: UTF-8, with or without a byte order mark; InputError as `read_bytes`."""
    try:
        return read_bytes(path, kind).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"byte {error.start:,} is not UTF-8 text", kind) from error


def _checked(path: Path, found: os.stat_result, kind: FileKind) -> int:
    if not stat.S_ISREG(found.st_mode):
        raise _unreadable(path, f"it is {irregular(found.st_mode)}, not a regular file", kind)
    if found.st_size > kind.largest:
        raise _too_large(path, kind)
    return found.st_size


def _too_large(path: Path, kind: FileKind) -> InputError:
    return InputError(f"is larger than {kind.largest // MIB:,} MiB, which {kind.name} never is", _at(path), kind.advice)


def _unreadable(path: Path, why: str, kind: FileKind) -> InputError:
    return InputError(f"cannot be read ({why})", _at(path), kind.advice)


def _at(path: Path) -> Where:
    return Where(mark=Mark(str(path).replace("\0", "\\0")))


def _said(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        said = error.strerror or str(error)
        return said[:1].lower() + said[1:]
    return "the name holds characters that no file has"
