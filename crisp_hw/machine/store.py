"""What took long to find is kept on disk: one JSON file an entry, written whole or not at all, never trusted unread.

All kinds of results lie under one folder, FOLDER/KIND/VERSION/KEY.json; entries of another version are never read.
"""

import fcntl
import json
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import IO

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.files import MIB, FileKind, read_bytes
from crisp_hw.machine.staging import remove_dead, stage
from crisp_hw.machine.writing import check_writable

LOG = logging.getLogger(__name__)
VARIABLE = "CRISP_HW_CACHE"
KEPT = FileKind("a kept result", 64 * MIB, "see `crisp-hw cache`")
_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class Store:
    """The entries of one kind ("searches", "cacti") and one version of whatever makes them, under a folder."""

    folder: Path
    kind: str
    version: str

    def path(self, key: str) -> Path:
        """The file of one key, there or not."""
        return self.folder / self.kind / self.version / f"{key}.json"


@dataclass(frozen=True)
class StoreInfo:
    """What a folder holds of one kind: entries, those of other versions (`stale`), and bytes of all files."""

    folder: Path
    kind: str
    entries: int
    stale: int
    size_bytes: int


def cache_folder() -> Path:
    """The folder of this user: $CRISP_HW_CACHE, else crisp-hw in $XDG_CACHE_HOME, else in ~/.cache.

    As the XDG base directory specification (0.8) has it, an empty or relative XDG_CACHE_HOME counts as unset.

    Raises
    ------
    InputError
        Where the user has no home.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        return (base if base.is_absolute() else Path.home() / ".cache") / "crisp-hw"
    except RuntimeError as error:
        hint = f"set {VARIABLE} to a folder, or HOME"
        raise InputError("there is no home folder to keep results in", hint=hint) from error


def open_store(kind: str, version: str) -> Store | None:
    """The store of this user; None, with one line in the log, where nothing can be kept."""
    try:
        folder = cache_folder()
        check_folder(folder)
    except InputError as error:
        _say_once(f"{error}; results are not kept")
        return None
    return Store(folder, kind, version)


def check_folder(folder: Path) -> None:
    """InputError for a path that is no folder and cannot become one."""
    try:
        if not folder.is_dir():
            check_writable(folder)
    except (InputError, OSError, ValueError) as error:
        why = error.reason if isinstance(error, InputError) else str(error)
        place = Where(mark=Mark(str(folder)))
        raise InputError(f"cannot be the folder of kept results: {why}", place, f"set {VARIABLE} to another") from error


def read(store: Store, key: str) -> object | None:
    """The content of an entry; None where there is none, or, with a line in the log, where it is damaged."""
    path = store.path(key)
    try:
        text = read_bytes(path, KEPT)
    except InputError as error:
        match error.__cause__:
            case FileNotFoundError() | NotADirectoryError():
                pass
            case OSError(strerror=why):
                _say_once(f"{path.parent}: cannot be read ({why}); what is kept there is not used, see {VARIABLE}")
            case _:
                refuse(store, key, error.reason)
        return None
    try:
        entry = json.loads(text)
        content: object = entry["content"]
        sound = (entry["format"], entry["key"], entry["sha256"]) == (_format(store), key, _checksum(key, content))
    except (ValueError, KeyError, TypeError, RecursionError):
        sound = False
    if sound:
        return content
    refuse(store, key, "is damaged")
    return None


def refuse(store: Store, key: str, why: str) -> None:
    """Say that an entry is not used; what is found anew replaces it."""
    LOG.warning("%s: %s; not used", store.path(key), why)


def write(store: Store, key: str, content: object, claim: IO[bytes] | None = None) -> None:
    """Keep an entry, so that readers see all of it or none; `content` is plain JSON.

    It is written into the file of the `claim`, if there is one (`claimed`), which then becomes the entry. Where the
    folder cannot be written, one line in the log says so and nothing is kept.
    """
    path = store.path(key)
    entry = {"format": _format(store), "key": key, "sha256": _checksum(key, content), "content": content}
    text = (json.dumps(entry) + "\n").encode()
    try:
        if claim is not None:
            claim.truncate(0)  # of what a killed writer left
            claim.write(text)
            claim.flush()
            Path(claim.name).replace(path)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with stage(store.folder) as hidden:
            (hidden / path.name).write_bytes(text)
            (hidden / path.name).replace(path)
    except OSError as error:
        why = error.strerror or error
        _say_once(f"{path.parent}: cannot be written ({why}); results are not kept, see {VARIABLE}")


@contextmanager
def claimed(store: Store, key: str) -> Iterator[IO[bytes] | None]:
    """Wait until no other process, on any machine that shares the folder, is at this key; then it is this one's turn.

    Gives the file of the claim, for `write`. The kernel takes the claim back from a process that was killed. Where the
    folder cannot be written, nothing is kept, nobody needs to wait, and there is no file.
    """
    path = store.path(key).parent / f".{key[:16]}.tmp"  # a name that `clear` knows
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _locked(path)
    except OSError:
        yield None
        return
    try:
        yield file
    finally:
        if _is_at(file, path):  # not where it has become the entry; what is there by now is somebody else's
            path.unlink(missing_ok=True)
        file.close()


def _locked(path: Path) -> IO[bytes]:
    """The locked file of a claim; once more where the one before has taken it away meanwhile."""
    while True:
        file = path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_at(file, path):
                return file
        except BaseException:
            file.close()
            raise
        file.close()


def _is_at(file: IO[bytes], path: Path) -> bool:
    """Is this open file still the one that the path names?"""
    try:
        return os.fstat(file.fileno()).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def info(store: Store) -> StoreInfo:
    """Count what a folder holds of the kind of a store; a folder that does not exist holds nothing."""
    files = list(_files(store))
    entries = [path for path in files if path.suffix == ".json"]
    ours = sum(path.parent == store.path("").parent for path in entries)
    return StoreInfo(store.folder, store.kind, ours, len(entries) - ours, sum(map(_size, files)))


def clear(stores: Iterable[Store]) -> int:
    """Delete all entries of the kinds of some stores, of every version, and what killed writers left.

    Files that are none of theirs stay. The number of files deleted; InputError where one cannot be.
    """
    deleted = 0
    for store in stores:
        for path in list(_files(store)):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                why = f"cannot be deleted ({error.strerror or error})"
                raise InputError(why, Where(mark=Mark(str(path))), f"see {VARIABLE}") from error
            deleted += 1
        for folder in [*_folders(store), store.folder / store.kind]:
            with suppress(OSError):  # somebody wrote meanwhile, or other files lie there: it stays
                folder.rmdir()
        deleted += remove_dead(store.folder)
    return deleted


def _files(store: Store) -> Iterator[Path]:
    """Entries and temporary files of all versions, nothing else."""
    for folder in _folders(store):
        with suppress(OSError):  # a concurrent clear
            for path in sorted(folder.iterdir()):
                whole = path.suffix == ".json" and len(path.stem) == 64 and _DIGITS.issuperset(path.stem)
                left = path.suffix == ".tmp" and path.name.startswith(".") and _DIGITS.issuperset(path.name[1:17])
                if whole or left:
                    yield path


def _folders(store: Store) -> list[Path]:
    """The folders of all versions; searches of releases before 0.2 lie directly under the store's folder."""
    found = [path for path in (store.folder / store.kind).glob("*") if path.is_dir()]
    if store.kind == "searches":
        found += [path for path in store.folder.glob("*") if _is_version(path)]
    return sorted(found)


def _is_version(path: Path) -> bool:
    release, _, digits = path.name.rpartition("-")
    return bool(release) and len(digits) == 16 and _DIGITS.issuperset(digits) and path.is_dir()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # a concurrent clear
        return 0


def _format(store: Store) -> str:
    return f"crisp-hw/{store.kind}/1"


def _checksum(key: str, content: object) -> str:
    return sha256(f"{key} {json.dumps(content)}".encode()).hexdigest()


@cache
def _say_once(what: str) -> None:
    """Once a process: a network has a hundred searches."""
    LOG.warning("%s", what)
