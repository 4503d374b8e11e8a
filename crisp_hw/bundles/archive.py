"""Named contents in one zip file: the same contents give the same bytes, and nothing of a file is trusted."""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.files import MIB, FileKind, opened
from crisp_hw.machine.foreign import in_our_words

BUNDLE = FileKind("a bundle", 256 * MIB, "give a file of `crisp-hw bundle`")
ENTRY_BYTES = 128 * 2**20
ENTRIES = 20_000
TOTAL_BYTES = 2**30
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_REGULAR = 0o100644  # type and permissions of an ordinary file
_FILE_TYPES = (0, 0o100000)  # none given, or an ordinary file: no links, no folders, no devices


def write_files(contents: Mapping[str, bytes]) -> bytes:
    """A zip file of some contents, sorted by name, without times or owners.

    >>> write_files({"b": b"2", "a": b"1"}) == write_files({"a": b"1", "b": b"2"})
    True
    """
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system, entry.external_attr = 3, _REGULAR << 16  # 3: Unix, on every system
            archive.writestr(entry, contents[name], zipfile.ZIP_DEFLATED, compresslevel=9)
    return whole.getvalue()


def read_files(path: Path) -> dict[str, bytes]:
    """The contents of a zip file, in memory; nothing is unpacked to disk.

    Raises InputError for a file that is no zip file, is too large in any way, or holds names that leave a folder,
    names twice, links, folders, or compressions other than deflate.
    """
    try:
        with opened(path, BUNDLE) as stream, zipfile.ZipFile(stream) as archive:
            entries = archive.infolist()
            _check(path, entries)
            return _contents(path, archive, entries)
    except OSError as error:
        raise InputError(
            f"cannot be read ({in_our_words(error)})", Where(mark=Mark(str(path))), "give a file of `crisp-hw bundle`"
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        at = Where(mark=Mark(str(path)))
        raise InputError("is no whole zip file", at, "give a file of `crisp-hw bundle`") from error


def sha256(content: bytes) -> str:
    """Checksum of some content, in hexadecimal.

    >>> sha256(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(content).hexdigest()


def _check(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > ENTRIES:
        raise InputError(f"holds {len(entries):,} entries, more than {ENTRIES:,}", Where(mark=Mark(str(path))))
    if sum(entry.file_size for entry in entries) > TOTAL_BYTES:
        raise InputError(f"unpacks to more than {TOTAL_BYTES >> 20} MiB", Where(mark=Mark(str(path))))
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename
        if name in seen:
            raise InputError(f"holds {name!r} twice", Where(mark=Mark(str(path))))
        seen.add(name)
        if not _is_plain(entry):
            raise InputError(f"entry {name!r} is not a plain file inside of the bundle", Where(mark=Mark(str(path))))


def _is_plain(entry: zipfile.ZipInfo) -> bool:
    name, parts = entry.filename, PurePosixPath(entry.filename).parts
    relative = bool(parts) and not name.startswith("/") and name == "/".join(parts)
    safe = not {"..", "."} & set(parts) and not set(name) & set("\\:\0")
    plain = (entry.external_attr >> 16) & 0o170000 in _FILE_TYPES and not entry.is_dir()
    return relative and safe and plain and entry.compress_type in _METHODS and not entry.flag_bits & _ENCRYPTED


def _contents(path: Path, archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> dict[str, bytes]:
    """What the entries unpack to, whatever sizes they claim."""
    found: dict[str, bytes] = {}
    left = TOTAL_BYTES
    for entry in entries:
        with archive.open(entry) as stream:
            content = stream.read(min(ENTRY_BYTES, left) + 1)
        if len(content) > min(ENTRY_BYTES, left):
            raise InputError(
                f"entry {entry.filename!r} unpacks to more than {ENTRY_BYTES >> 20} MiB", Where(mark=Mark(str(path)))
            )
        left -= len(content)
        found[entry.filename] = content
    return found
