"""The folder of past searches: one JSON file an entry, written whole or not at all, never trusted unread."""

import json
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from crisp_hw.errors import InputError

LOG = logging.getLogger(__name__)
FORMAT = "crisp-hw/search/1"
_PACKAGE = Path(__file__).resolve().parents[1]
_ROOMS = ("engine", "mapper", "spec")  # what decides which mapping is best
_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class Store:
    """A folder of entries; those of one `version` of the engine lie in a folder of their own."""

    folder: Path
    version: str

    def path(self, key: str) -> Path:
        """The file of one key, there or not."""
        return self.folder / self.version / f"{key}.json"


@dataclass(frozen=True)
class StoreInfo:
    """What a store holds: entries of this engine, entries of others (`stale`, never read), and bytes of all files."""

    folder: Path
    entries: int
    stale: int
    size_bytes: int


def default_store() -> Store:
    """The store of this user and this engine: $CRISP_HW_CACHE, else crisp-hw in $XDG_CACHE_HOME, else in ~/.cache.

    As the XDG base directory specification (0.8) has it, an empty or relative XDG_CACHE_HOME counts as unset. Raises
    InputError where the user has no home.
    """
    named = os.environ.get("CRISP_HW_CACHE")
    if named:
        return Store(Path(named), engine_version())
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        return Store((base if base.is_absolute() else Path.home() / ".cache") / "crisp-hw", engine_version())
    except RuntimeError as error:
        raise InputError("no home folder to keep searches in; set CRISP_HW_CACHE to a folder, or HOME") from error


@cache
def engine_version() -> str:
    """The package's version and the first 16 digits of the sha256 of the sources that decide what a search finds.

    >>> len(engine_version().rpartition("-")[2])
    16
    """
    try:
        release = version("crisp-hw")
    except PackageNotFoundError:
        release = "checkout"
    content = sha256()
    for room in _ROOMS:
        for path in sorted((_PACKAGE / room).rglob("*.py")):
            source = path.read_bytes()
            content.update(f"{path.relative_to(_PACKAGE).as_posix()} {len(source)}\n".encode() + source)
    return f"{release}-{content.hexdigest()[:16]}"


def read(store: Store, key: str) -> object | None:
    """The content of an entry; None where there is none, or, with a line in the log, where it is damaged."""
    path = store.path(key)
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        LOG.warning("%s: cannot be read (%s); searching anew", path, error)
        return None
    try:
        entry = json.loads(text)
        content: object = entry["content"]
        sound = (entry["format"], entry["key"], entry["sha256"]) == (FORMAT, key, _checksum(key, content))
    except (ValueError, KeyError, TypeError, RecursionError):
        sound = False
    if sound:
        return content
    refuse(store, key, "is damaged")
    return None


def refuse(store: Store, key: str, why: str) -> None:
    """Say that an entry is not used; the search that follows replaces it."""
    LOG.warning("%s: %s; searching anew", store.path(key), why)


def write(store: Store, key: str, content: object) -> None:
    """Keep an entry: a temporary file in the same folder, then a rename, so that readers see all of it or none.

    Where the folder cannot be written, one line in the log says so and nothing is kept. `content` is plain JSON.
    """
    path = store.path(key)
    entry = {"format": FORMAT, "key": key, "sha256": _checksum(key, content), "content": content}
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(".tmp", f".{key[:16]}.", path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        os.replace(temporary, path)  # noqa: PTH105 - the name comes from mkstemp
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        _say_unwritable(path.parent, str(error.strerror or error))


@cache
def _say_unwritable(folder: Path, why: str) -> None:
    """Once per folder and process: a network has a hundred searches."""
    LOG.warning("%s: cannot be written (%s); searches are not kept, see CRISP_HW_CACHE", folder, why)


def info(store: Store) -> StoreInfo:
    """Count what a store holds; a folder that does not exist holds nothing."""
    files = list(_files(store))
    entries = [path for path in files if path.suffix == ".json"]
    ours = sum(path.parent.name == store.version for path in entries)
    return StoreInfo(store.folder, ours, len(entries) - ours, sum(map(_size, files)))


def clear(store: Store) -> int:
    """Delete all entries, of every engine, and what killed writers left; the number of files deleted.

    Files that are none of the store's stay. InputError where a file cannot be deleted.
    """
    deleted = 0
    for path in list(_files(store)):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"{path}: cannot be deleted ({error}); see CRISP_HW_CACHE") from error
        deleted += 1
    for folder in {path for path in store.folder.glob("*") if _is_version(path)}:
        with suppress(OSError):  # somebody wrote meanwhile, or other files lie there: it stays
            folder.rmdir()
    return deleted


def _files(store: Store) -> Iterator[Path]:
    """Entries and temporary files of all versions, nothing else."""
    for folder in sorted(filter(_is_version, store.folder.glob("*"))):
        for path in sorted(folder.iterdir()):
            whole = path.suffix == ".json" and len(path.stem) == 64 and _DIGITS.issuperset(path.stem)
            left = path.suffix == ".tmp" and path.name.startswith(".") and _DIGITS.issuperset(path.name[1:17])
            if whole or left:
                yield path


def _is_version(path: Path) -> bool:
    release, _, digits = path.name.rpartition("-")
    return bool(release) and len(digits) == 16 and _DIGITS.issuperset(digits) and path.is_dir()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # a concurrent clear
        return 0


def _checksum(key: str, content: object) -> str:
    return sha256(f"{key} {json.dumps(content)}".encode()).hexdigest()
