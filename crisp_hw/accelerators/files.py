"""Architecture files on disk: names, paths, `extends`."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from crisp_hw.data_files import data_folder, read_yaml
from crisp_hw.errors import InputError


def list_arch() -> tuple[str, ...]:
    """Names of the packaged accelerators, sorted (a file without `scheme` is a part that others extend).

    >>> list_arch()
    ('crisp-stc', 'dense', 'dstc', 'stc')
    """
    files = sorted(data_folder("arch").glob("*.yaml"))
    return tuple(path.stem for path in files if "scheme" in document_of(path))


def arch_path(name_or_path: str | Path) -> Path:
    if isinstance(name_or_path, Path) or name_or_path.endswith((".yaml", ".yml")):
        return Path(name_or_path)
    if name_or_path not in list_arch():
        names = ", ".join(list_arch())
        raise InputError(f"no architecture {name_or_path}; valid names: {names}, or the path of a .yaml file")
    return data_folder("arch") / f"{name_or_path}.yaml"


def document_of(path: Path) -> dict[str, Any]:
    document = read_yaml(path)
    if not isinstance(document, dict):
        raise InputError(f"{path}: is not a mapping of fields; see arch/fabric.yaml for the form")
    return document


def resolved(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The document with everything that it extends merged below it."""
    if path in seen:
        raise InputError(f"{path}: extends itself; remove one `extends`")
    document = document_of(path)
    parent = document.pop("extends", None)
    if parent is None:
        return document
    beside = path.parent / f"{parent}.yaml"
    found = beside if beside.exists() else data_folder("arch") / f"{parent}.yaml"
    if not found.exists():
        raise InputError(f"{path}: extends {parent}, but neither {beside} nor {found} exists")
    return _merged(resolved(found, (*seen, path)), document)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Fields of `above` win; a number and its source, or a level's constraint, are replaced together."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        whole = not isinstance(old, dict) or not isinstance(value, dict) or {"value", "keep"} & {*old, *value}
        merged[key] = value if whole else _merged(old, value)  # type: ignore[arg-type]  # both are dicts here
    return merged


File = TypeVar("File", bound=BaseModel)


def validated(model: type[File], path: Path, document: dict[str, Any]) -> File:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {where}: {first['msg']} (got {first['input']!r})") from error
