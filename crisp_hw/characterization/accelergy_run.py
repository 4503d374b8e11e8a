"""One run of Accelergy in a home of its own, with copies of plug-ins that may not be written.

Accelergy writes a configuration into the home of its user, and its CACTI plug-in writes beside itself; neither is
allowed in a container with a read-only root, or to a user whose administrator installed them.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from crisp_hw.errors import CrispError, InputError
from crisp_hw.machine.positions import plain
from crisp_hw.machine.process import Completed, complete
from crisp_hw.machine.yaml_files import read_yaml_file

CONFIG = Path(".config") / "accelergy" / "accelergy_config.yaml"
PLUG_INS = ("estimator_plug_ins", "python_plug_ins")  # of the configuration: lists of folders and files
SOURCES = (".py", ".yaml", ".csv")  # of a plug-in; what it writes beside itself has other names
TABLES = ("ERT.yaml", "ART.yaml")
_DENIED = re.compile(r"(?:Permission denied|Read-only file system)(?:: *'(?P<path>[^']+)')?")


def run_accelergy(command: Path, names: Sequence[str], folder: Path, limit_s: float) -> Completed:
    """Have Accelergy read documents of a folder and write ERT.yaml and ART.yaml into `out` there.

    Its home is in the folder. Where it fails and may not write its plug-ins, it runs again with copies of them.

    Raises
    ------
    InputError
        When it cannot be started, meets a limit, or lacks a permission even so, which the error names.
    """
    home = folder / "home"
    (home / CONFIG).parent.mkdir(parents=True)
    with suppress(OSError):
        shutil.copyfile(_users_home() / CONFIG, home / CONFIG)
    words = [str(command), *names, "-o", "out", "-f", "ERT", "ART", "-p", "9"]
    done = complete(words, folder, limit_s, _variables(home))
    if not _delivered(folder, done) and _is_shut_out(home, done):
        _copy_plug_ins(home, folder / "plug-ins")
        shutil.rmtree(folder / "out", ignore_errors=True)
        done = complete(words, folder, limit_s, _variables(home))
        _check_permissions(folder, done)
    return done


def fingerprint(command: Path) -> str:
    """What answers hang on beside the question: the command, the user's configuration, the sources of its plug-ins."""
    found = hashlib.sha256(str(command).encode())
    config = _users_home() / CONFIG
    files = [command, config, *_sources([*_plug_ins(config), *_default_plug_ins(command)])]
    for path in files:
        with suppress(OSError):
            found.update(f"\n{path}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _users_home() -> Path:
    return Path("~").expanduser() if os.environ.get("HOME") else Path("/nonexistent")


def _variables(home: Path) -> dict[str, str]:
    """Ours, with another home; what Python finds by way of the home stays where it is."""
    own = _users_home()
    kept = {"PYTHONUSERBASE": str(own / ".local"), "PYENV_ROOT": str(own / ".pyenv")}
    return {**kept, **os.environ, "HOME": str(home)}


def _delivered(folder: Path, done: Completed) -> bool:
    return done.status == 0 and all((folder / "out" / name).is_file() for name in TABLES)


def _is_shut_out(home: Path, done: Completed) -> bool:
    """Was a permission missing? A plug-in that dies of it may leave no other trace than an estimate that is missing."""
    folders = (path if path.is_dir() else path.parent for path in _plug_ins(home / CONFIG))
    return bool(_DENIED.search(done.output)) or any(not os.access(path, os.W_OK) for path in folders)


def _check_permissions(folder: Path, done: Completed) -> None:
    denied = _DENIED.search(done.output)
    if _delivered(folder, done) or denied is None:
        return
    where = denied["path"] or "a file beside its plug-ins"
    said = denied[0].partition(":")[0].lower()
    hint = "let this user write there, or lay a temporary file system (tmpfs) over it"
    raise InputError(f"accelergy may not write {where} ({said})", hint=hint)


def _copy_plug_ins(home: Path, target: Path) -> None:
    """Copies of the plug-ins of a configuration, which then names these."""
    content = _content(home / CONFIG)
    for key in PLUG_INS:
        copies = [_copied(path, target / f"{key}-{number}") for number, path in enumerate(_paths(content.get(key)))]
        if copies:
            content[key] = [str(path) for path in copies]
    (home / CONFIG).write_text(json.dumps(content) + "\n", encoding="utf-8")  # JSON is YAML


def _copied(path: Path, target: Path) -> Path:
    """A copy that may be written; the path itself where there is nothing that could be copied."""
    whole = path if path.is_dir() else path.parent
    if not whole.is_dir():
        return path
    shutil.copytree(whole, target, ignore_dangling_symlinks=True, copy_function=shutil.copy)
    for each in (target, *target.rglob("*")):
        each.chmod(each.stat().st_mode | (0o700 if each.is_dir() else 0o600))
    return target if path.is_dir() else target / path.name


def _plug_ins(config: Path) -> list[Path]:
    content = _content(config)
    return [path for key in PLUG_INS for path in _paths(content.get(key))]


def _default_plug_ins(command: Path) -> list[Path]:
    """Where Accelergy looks without a configuration: share/accelergy of the Python that it is installed in."""
    return list({each.parent.parent / "share" / "accelergy" for each in (command, command.resolve())})


def _content(config: Path) -> dict[str, Any]:
    """A configuration; empty where there is none that can be read."""
    with suppress(CrispError):
        found = plain(read_yaml_file(config)) if config.is_file() else None
        if isinstance(found, dict):
            return found
    return {}


def _paths(value: Any) -> list[Path]:
    return [Path(each) for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def _sources(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in dict.fromkeys(folders):
        if folder.is_file():
            yield folder
        yield from sorted(path for path in folder.rglob("*") if path.suffix in SOURCES and path.is_file())
