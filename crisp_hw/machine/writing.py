"""Files written whole or not at all: first into a hidden folder beside their place, then renamed into it."""

import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.files import irregular
from crisp_hw.machine.interrupts import held_back
from crisp_hw.machine.staging import stage

_HINTS = {
    errno.ENOSPC: "free space there, or choose another place",
    errno.EDQUOT: "free space there, or choose another place",
    errno.ENOENT: "make its folder, or choose one that exists",
    errno.ENOTDIR: "a file stands where a folder must be, so choose another name",
    errno.EISDIR: "a folder stands where the file must go, so choose another name",
    errno.EFBIG: "raise the limit on the size of a file (`ulimit -f`), or choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
}
_NO_SIGN = re.compile(r"[^\w.,=+()\[\] @~-]")
_LONGEST_FOLDER = 100  # bytes of UTF-8; systems allow 255
_ELSEWHERE = "choose a place that is yours to write"
_OURS = (errno.EMFILE, errno.ENFILE)  # too few file handles: nothing is wrong with the place


@contextmanager
def replacing(path: Path, durable: bool = False) -> Iterator[Path]:
    """A temporary path to write to; when the block ends well, the file takes the place of `path`, else nothing changes.

    Parameters
    ----------
    path
        The file to write; its folder must exist. A file there stays until the new one is whole.
    durable
        Whether the content is on the disk, not only with the system, before it takes the place (for checkpoints:
        after a power failure the old file or the new one is there).

    Raises
    ------
    InputError
        When the system refuses, in the block or at its end: a full disk, a folder of somebody else, a folder in place
        of the file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = Path(folder) / "a.txt"
    ...     with replacing(target) as temporary:
    ...         _ = temporary.write_text("x")
    ...     target.read_text()
    'x'
    """
    check_replaceable(path)
    try:
        with stage(path.parent) as folder:
            temporary = folder / path.name
            yield temporary
            if durable:
                _flush(temporary)
            temporary.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error


def write_bytes(path: Path, content: bytes, durable: bool = False) -> None:
    """Write a file in one step; see `replacing`."""
    with replacing(path, durable) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write a text file (UTF-8, lines end as in `content`) in one step; see `replacing`.

    Examples
    --------
    >>> write_text(Path("/no/such/folder/table.yaml"), "entries: []")
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: /no/such/folder/table.yaml: cannot be written (No such file or directory); make its ...
    """
    write_bytes(path, content.encode())


def write_all(folder: Path, contents: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Write files, named relative to `folder`: all of them complete in a hidden folder first, then renamed into place.

    A folder that does not exist appears in one step; in one that does, files of the same names are replaced and others
    stay. An interrupt waits for the renames.

    Raises
    ------
    InputError
        When a name leaves the folder or something cannot be written. Then nothing has changed.

    Examples
    --------
    >>> write_all(Path("out"), {"../secrets": b""})
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: out: will not write '../secrets', which lies outside of the folder; rename the layer
    """
    where = Where(mark=Mark(str(folder)))
    for name in contents:
        if not _inside(name):
            raise InputError(f"will not write {name!r}, which lies outside of the folder", where, "rename the layer")
        if os.path.isdir(folder / name):  # noqa: PTH112 - which a name that is too long does not stop
            place = Where(mark=Mark(str(folder / name)))
            raise InputError("is a folder where a file must go", place, "choose another place")
        check_replaceable(folder / name)
    with _base(folder) as base, stage(base) as hidden:
        for name, content in contents.items():
            target = hidden / "whole" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        with held_back():
            _move(hidden / "whole", folder, contents)
    return tuple(folder / name for name in contents)


def folder_name(name: str) -> str:
    """A name as one folder can bear it on every system: letters, digits and some signs, of at most 110 bytes.

    A name that has to be changed ends in a part of its checksum, so that two of them never share a folder.

    >>> folder_name("crisp-stc[smem_bandwidth=32,rf_kb=2]"), folder_name("mine/small")
    ('crisp-stc[smem_bandwidth=32,rf_kb=2]', 'mine_small-7383c86d')
    """
    kept = _NO_SIGN.sub("_", name).encode()[:_LONGEST_FOLDER].decode(errors="ignore")
    plain = kept == name and name.strip(". ") == name
    return name if plain else f"{kept.strip('. ')}-{sha256(name.encode()).hexdigest()[:8]}"


def check_writable(folder: Path) -> None:
    """Refuse a folder that `write_all` could not write to, before anything is computed; nothing is left there.

    Examples
    --------
    >>> check_writable(Path("/dev/null/out"))
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: /dev/null/out: cannot be written (Not a directory); a file stands where a folder ...
    """
    try:
        with stage(_nearest(folder)):
            pass
    except OSError as error:
        raise unwritable(folder, error) from error


def check_replaceable(path: Path) -> None:
    """Refuse the name of a pipe, a socket or a device, or of a link to one: a file must not take its place.

    Examples
    --------
    >>> check_replaceable(Path("/dev/zero"))
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: /dev/zero: cannot be written (it is a device, not a regular file); choose another name
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return  # there is nothing yet, or what the system says when it is written
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        why = f"it is {irregular(mode)}, not a regular file"
        raise InputError(f"cannot be written ({why})", Where(mark=Mark(str(path))), "choose another name")


def unwritable(path: Path, error: OSError) -> OSError | InputError:
    """The error to raise about a place that the system refuses to write to; too few file handles stay what they are."""
    if error.errno in _OURS:
        return error
    hint = _HINTS.get(error.errno or 0, _ELSEWHERE)
    return InputError(f"cannot be written ({error.strerror or error})", Where(mark=Mark(str(path))), hint)


@contextmanager
def _base(folder: Path) -> Iterator[Path]:
    """Where the hidden folder stands: in `folder`, or beside it, parents made; those go again when the block fails."""
    missing: list[Path] = []
    try:
        base = folder if folder.exists() else folder.absolute().parent
        nearest = _nearest(base)
        missing = [each for each in (base, *base.parents) if len(each.parts) > len(nearest.parts)]
        base.mkdir(parents=True, exist_ok=True)
        yield base
    except BaseException as error:
        for each in missing:
            with suppress(OSError):
                each.rmdir()
        if isinstance(error, OSError):
            raise unwritable(folder, error) from error
        raise


def _nearest(folder: Path) -> Path:
    """The folder itself or the nearest one above it that exists; NotADirectoryError for a file on the way."""
    whole = folder.absolute()
    found = next(each for each in (whole, *whole.parents) if os.path.lexists(each))
    if not found.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(found))
    return found


def _inside(name: str) -> bool:
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts and "\0" not in name


def _move(whole: Path, folder: Path, names: Mapping[str, bytes]) -> None:
    """A folder that does not exist yet appears in one step, one that does has its files replaced one by one."""
    if not folder.exists():
        whole.replace(folder)
        return
    for name in names:  # all folders first: where one cannot be made, no file is replaced
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    for name in names:
        (whole / name).replace(folder / name)


def _flush(path: Path) -> None:
    """Ask the system to put a file's content on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
