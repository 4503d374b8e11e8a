"""Documents as texts, untouched: for what runs them elsewhere or keeps them, and reads them only beside that."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.files import MIB, FileKind, read_text
from crisp_hw.machine.positions import MarkedDict
from crisp_hw.machine.yaml_text import read_yaml_text

Documents = Mapping[str, str]
"""File name -> text."""

DOCUMENT = FileKind("a rendered document", 4 * MIB, "give YAML documents or a folder of them")
_SUFFIXES = (".yaml", ".yml")


def find_documents(paths: Sequence[Path]) -> dict[str, Documents]:
    """Sets of documents by name: files given together are one set, a folder is one set for itself.

    A folder without YAML files stands for its subfolders, so that what `crisp-hw render` wrote can be given whole.
    Raises InputError for what is not there, too long, or no document.
    """
    files = [path for path in paths if not path.is_dir()]
    found: dict[str, Documents] = {}
    if files:
        found[" ".join(path.name for path in files)] = _texts(files)
    for folder in (path for path in paths if path.is_dir()):
        inside = list(_sets(folder))
        if not inside:
            raise InputError(
                "holds no .yaml documents", Where(mark=Mark(str(folder))), "give a folder that `crisp-hw render` wrote"
            )
        found.update(inside)
    return found


def merged(documents: Documents) -> MarkedDict:
    """Documents as one mapping, as Timeloop joins its files; InputError names the file that cannot be joined.

    >>> merged({"a.yaml": "problem: {shape: gemm}", "b.yaml": "mapping: []"})
    {'problem': {'shape': 'gemm'}, 'mapping': []}
    """
    whole = MarkedDict(Mark(", ".join(documents)))
    for name, text in documents.items():
        content = _content(name, text)
        for key, value in content.items():
            if key in whole:
                at = Where(mark=Mark(name))
                raise InputError(f"{key!r} is there a second time", at, "give every document once")
            whole.put(key, value, content.keys_at[key])
    return whole


def _sets(folder: Path) -> Iterator[tuple[str, Documents]]:
    files = sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.is_file())
    if files:
        yield str(folder), _texts(files)
        return
    for inside in sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()):
        yield from _sets(inside)


def _texts(files: Sequence[Path]) -> Documents:
    texts: dict[str, str] = {}
    for path in files:
        if path.name in texts:
            what = f"two files are called {path.name}"
            raise InputError(what, Where(mark=Mark(str(path))), "rename one, or give their folders")
        texts[path.name] = read_text(path, DOCUMENT)
    return texts


def _content(name: str, text: str) -> MarkedDict:
    """The one mapping that a file of timeloop-model holds, with positions (yaml_text.py)."""
    found = read_yaml_text(text, name)
    if len(found) != 1 or not isinstance(found[0], MarkedDict):
        raise InputError(
            "must hold one mapping of documents (architecture:, problem:, mapping:, ...)", Where(mark=Mark(name))
        )
    return found[0]
