"""Temporary folders that do not outlive their process: what a killed one leaves, the next run removes.

Each is locked (flock) for as long as its process lives; the system takes the lock away with the process, however that
ends. So a folder whose lock can be had belongs to nobody. Where a file system knows no locks, nothing is removed.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from crisp_hw.machine.interrupts import held_back

PREFIX, SUFFIX = ".crisp-hw-", ".tmp"


@dataclass(frozen=True)
class _Lock:
    """An open folder, and whether its lock is ours (where not, the file system has none)."""

    handle: int
    held: bool


@contextmanager
def stage(folder: Path) -> Iterator[Path]:
    """A new hidden folder inside of `folder`, gone at the end; first, those of dead processes are removed.

    What is written there can be renamed into `folder`, because both are on one disk.

    Raises
    ------
    OSError
        When it cannot be made.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as place:
    ...     with stage(Path(place)) as folder:
    ...         _ = (folder / "a.txt").write_text("x")
    ...     list(Path(place).iterdir())
    []
    """
    remove_dead(folder)
    made: list[tuple[Path, _Lock]] = []
    try:
        try:
            with held_back():  # an interrupt between the folder and the note of its name would leave it there
                made.append(_made(folder))
            yield made[0][0]
        finally:
            _remove(made)
    finally:
        _remove(made)  # where an interrupt tore the first apart


def _remove(made: list[tuple[Path, _Lock]]) -> None:
    with held_back():
        for path, lock in made:
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock.handle)
        made.clear()


@contextmanager
def scratch() -> Iterator[Path]:
    """As `stage`, in the system's folder for temporary files ($TMPDIR).

    Examples
    --------
    >>> with scratch() as folder:
    ...     folder.is_dir()
    True
    """
    with stage(Path(tempfile.gettempdir())) as folder:
        yield folder


def remove_dead(folder: Path) -> int:
    """Remove the hidden folders of this user whose processes are gone; how many there were.

    What a live process holds stays, and so does everything that cannot be read or removed.

    Examples
    --------
    >>> remove_dead(Path("/no/such/folder"))
    0
    """
    removed = 0
    for path in _hidden(folder):
        with suppress(OSError):
            lock = _locked(path)
            if lock is None:
                continue
            try:
                if lock.held and os.fstat(lock.handle).st_uid == os.getuid():
                    shutil.rmtree(path)
                    removed += 1
            finally:
                os.close(lock.handle)
    return removed


def _hidden(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [each.name for each in entries if each.name.startswith(PREFIX) and each.name.endswith(SUFFIX)]
    except OSError:
        return []
    return [folder / name for name in sorted(names)]


def _made(folder: Path) -> tuple[Path, _Lock]:
    """A new folder under a name of its own, locked; another one where somebody removed it before it was."""
    while True:
        path = folder / f"{PREFIX}{os.urandom(6).hex()}{SUFFIX}"
        path.mkdir()
        lock = _locked(path)
        if lock is not None:
            return path, lock


def _locked(path: Path) -> _Lock | None:
    """The lock of a folder; None where another process has it, or removed the folder meanwhile."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    held = True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:  # a file system without locks
        held = False
    if path.exists():
        return _Lock(handle, held)
    os.close(handle)
    return None
