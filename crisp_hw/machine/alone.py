"""A folder that one run at a time works in."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.writing import unwritable


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Inside, the folder exists and is this process's: InputError where another one is at work in it.

    The system takes the claim away with the process, however that ends. A folder that was made for it and is still
    empty afterwards is removed. On file systems without locks nobody is kept out.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, alone_in(Path(folder) / "run"):
    ...     (Path(folder) / "run").is_dir()
    True
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        _claim(handle, folder)
        yield
    finally:
        os.close(handle)
        if made:
            with suppress(OSError):  # it holds something
                folder.rmdir()


def _claim(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        where = Where(mark=Mark(str(folder)))
        raise InputError("another process is at work in it", where, "wait for it, or choose another folder") from None
    except OSError:
        return
