"""Architecture files on disk: names, paths, `extends`, and files of the older schema."""

import re
from functools import lru_cache
from pathlib import Path

from crisp_hw.accelerators.old import NEW, is_old, modern
from crisp_hw.data_files import data_folder
from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.files import YAML, read_text, real_path
from crisp_hw.machine.positions import MarkedDict, mark_of, shown
from crisp_hw.machine.yaml_files import did_you_mean, mapping_of
from crisp_hw.meanings import accelerator_hint, file_hint

_RUNS = re.compile(
    r"^runs:", re.MULTILINE
)  # a packaged file as text: to parse them all takes longer than an evaluation

PARSED = 32  # not given; assumed because an evaluation names some files, which are read anew and parsed once


def list_arch() -> tuple[str, ...]:
    """Return the names of the packaged accelerators, sorted.

    A file without `runs` is no accelerator but a part that others extend.

    Examples
    --------
    >>> list_arch()
    ('crisp-stc', 'dense', 'dstc', ...)
    """
    files = data_folder("arch").glob("*.yaml")
    return tuple(sorted(path.stem for path in files if _RUNS.search(path.read_text(encoding="utf-8"))))


def arch_path(name_or_path: str | Path) -> Path:
    if isinstance(name_or_path, Path) or name_or_path.endswith((".yaml", ".yml")):
        return Path(name_or_path)
    if name_or_path not in list_arch():
        names = ", ".join(list_arch())
        name = name_or_path if 0 < len(name_or_path) <= 40 else shown(name_or_path)
        said = f"no architecture {name}; valid names: {names}, or the path of a .yaml file"
        raise InputError(said, hint=accelerator_hint(name_or_path, list_arch()) or file_hint(Path(name_or_path).suffix))
    return data_folder("arch") / f"{name_or_path}.yaml"


def document_of(path: Path) -> MarkedDict:
    document = _parsed(read_text(path, YAML), path)
    return document.derived(document)  # whoever takes a field out of it leaves it in the one that is kept


@lru_cache(maxsize=PARSED)
def _parsed(text: str, path: Path) -> MarkedDict:
    return mapping_of(text, path, "see arch/fabric.yaml for the form")


def resolved(path: Path) -> MarkedDict:
    """The document of an accelerator with everything that it extends merged below it.

    InputError, beside others, for a file of the older schema without a scheme, which stands for `runs`.
    """
    document = _extended(path)
    if "runs" not in document and old_files(path):
        kinds = ", ".join(list_arch())
        hint = f"write scheme: {{kind: ...}} with one of {kinds}, or `schema: {NEW}` and `runs`"
        raise InputError("is missing", Where("arch", key="scheme", mark=document.mark), hint)
    return document


def _extended(path: Path, seen: tuple[Path, ...] = (), named_at: Mark | None = None) -> MarkedDict:
    """`named_at` is the line that names the file."""
    if real_path(path) in seen:
        raise InputError("extends itself", Where("arch", key="extends", mark=named_at), "remove one `extends`")
    document = document_of(path)
    if is_old(document):
        document = modern(document, list_arch(), lambda name: resolved(data_folder("arch") / f"{name}.yaml"))
    at = Where("arch", key="extends", mark=mark_of(document, "extends"))
    parent = document.pop("extends", None)
    if parent is None:
        return document
    if not isinstance(parent, str) or Path(parent).name != parent:
        raise InputError(f"must be the name of an arch file, not {shown(parent)}", at, "write extends: fabric")
    beside = _beside(path, parent)
    found = beside if beside.exists() else data_folder("arch") / beside.name
    if not found.exists():
        hint = did_you_mean(beside.stem, sorted(each.stem for each in data_folder("arch").glob("*.yaml")))
        raise InputError(f"there is no {beside.name} beside the file, and none is packaged", at, hint)
    return _merged(_extended(found, (*seen, real_path(path)), at.mark), document)


def _beside(path: Path, parent: str) -> Path:
    """The file in the same folder that `extends` names, with its ending or without."""
    return path.parent / (parent if Path(parent).suffix in (".yaml", ".yml") else f"{parent}.yaml")


def old_files(path: Path) -> tuple[str, ...]:
    """Which of a file and those that it extends are of the older schema."""
    document = document_of(path)
    parent = document.get("extends")
    own = (path.name,) if is_old(document) else ()
    beside = _beside(path, parent) if isinstance(parent, str) else path
    return (*own, *(old_files(beside) if beside.exists() and beside != path else ()))


ALTERNATIVES = ({"size_kb", "size_words"},)
"""Fields of which a level has one: what extends a file may take another than it."""


def _merged(below: MarkedDict, above: MarkedDict) -> MarkedDict:
    """Fields of `above` win; a number and its source, or a level's constraint, are replaced together."""
    taken = {key for names in ALTERNATIVES if names & above.keys() for key in names - above.keys()}
    merged = below.derived({key: value for key, value in below.items() if key not in taken})
    merged.mark = above.mark
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, MarkedDict) and isinstance(value, MarkedDict) and not {"value", "keep"} & {*old, *value}:
            value = _merged(old, value)
        merged.put(key, value, above.keys_at.get(key, above.mark))
    return merged
