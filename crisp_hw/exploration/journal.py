"""A journal of Optuna in a folder, written without keeping its trials in memory.

Optuna's journal storage replays every line that it reads or writes into an object that it keeps, 3 KiB a trial. It is
shown the lines about studies alone, and of trials those that it wrote itself since it was made.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.exploration.extra import optuna
from crisp_hw.machine.writing import check_writable

JOURNAL = "points.log"
Line = Mapping[str, Any]
OF_TRIALS = ("datetime_start", "trial_id")
"""One of these stands in every line about a trial, and in none about a study (optuna/storages/journal/_storage.py)."""


class Journal:
    """The lines of a journal; Optuna takes it as a backend, whose two methods it has."""

    def __init__(self, folder: Path) -> None:
        check_folder(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / JOURNAL
        lock = KernelLock(folder / f"{JOURNAL}.lock")
        lock.acquire()
        try:
            _heal(self._path)
        finally:
            lock.release()
        self._file = optuna().storages.journal.JournalFileBackend(str(self._path), lock_obj=lock)
        self._read = 0
        self._of_studies: list[Line] = []
        self._shown: list[Line] = []

    def trials(self) -> Iterator[Line]:
        """What is told beside every trial that there is now; InputError for a file that is no journal."""
        for line in self._unread():
            if _is_of_trial(line):
                yield line.get("user_attrs") or {}

    def storage(self) -> Any:
        """A storage that knows the studies, and none of the trials that there are."""
        self._shown = list(self._of_studies)
        return optuna().storages.JournalStorage(self)

    def append_logs(self, logs: Sequence[Line]) -> None:
        """Write lines, which are on the disk when this returns."""
        self._file.append_logs(logs)
        self._shown += filter(_is_of_trial, logs)

    def read_logs(self, log_number_from: int) -> Iterator[Line]:
        """The lines that are shown, from one on; what other processes wrote of studies is among them."""
        for _ in self._unread():
            pass
        yield from self._shown[log_number_from:]

    def _unread(self) -> Iterator[Line]:
        """Lines that were not read before; those of studies are kept."""
        try:
            for line in self._file.read_logs(self._read):
                if "op_code" not in line:
                    raise ValueError(f"line {self._read + 1}")
                self._read += 1
                if not _is_of_trial(line):
                    self._of_studies.append(line)
                    self._shown.append(line)
                yield line
        except (ValueError, TypeError) as error:  # no JSON, no mapping, or none of an operation
            said = f"is no journal of a study from line {self._read + 1} on"
            raise InputError(said, Where(mark=Mark(str(self._path))), "give another folder, or cut it there") from error


def _is_of_trial(line: Line) -> bool:
    return any(key in line for key in OF_TRIALS)


def check_folder(folder: Path) -> None:
    """InputError for a store that is a file, or cannot be written."""
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file", Where(mark=Mark(str(folder))), "give a folder, or the URL of a database")
    check_writable(folder)


def _heal(path: Path) -> None:
    """Cut off the line that a killed process, or a full disk, left unfinished: nothing can be read behind one."""
    with suppress(FileNotFoundError), path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        while size:
            start = max(0, size - 65536)
            file.seek(start)
            found = file.read(size - start).rfind(b"\n")
            if found >= 0 or not start:
                file.truncate(start + found + 1)
                return
            size = start


class KernelLock:
    """A lock that the kernel takes back from a process that was killed; Optuna's own waits half a minute for that."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def acquire(self) -> bool:
        """Wait for the lock."""
        self._file = self._path.open("ab")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        """Give it back."""
        if self._file is not None:
            self._file.close()
            self._file = None
