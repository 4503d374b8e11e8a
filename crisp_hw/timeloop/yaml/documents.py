"""The files of a Timeloop run to one set of documents, in which every value knows its file and line."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.machine.files import YAML, is_folder, read_text, real_path
from crisp_hw.machine.positions import MarkedDict, MarkedList, joined, mark_of
from crisp_hw.machine.yaml_text import read_yaml_text
from crisp_hw.timeloop.yaml.fields import underscored
from crisp_hw.timeloop.yaml.templates import (
    Templates,
    include_file,
    included,
    is_template,
    lines_of,
    render_file,
)
from crisp_hw.timeloop.yaml.variables import check_heard, check_names

TEMPLATE_ENDINGS = (".jinja", ".jinja2", ".j2")
YAML_ENDINGS = (".yaml", ".yml", *TEMPLATE_ENDINGS)
FOLDER_ENDINGS = (".yaml", ".yml")  # of the files that a folder stands for; its templates are included by name
LISTS = ("classes",)  # what files may add to together: the component classes of the front end


@dataclass(frozen=True)
class InputFiles:
    """The YAML files of a run, the folders that their templates may include files from besides their own, and the
    variables of the templates by name. Those of `wanted` were named one by one, and some template must ask for each.
    `strict`: what has no effect is refused.
    """

    paths: tuple[Path, ...]
    include: tuple[Path, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    wanted: frozenset[str] = frozenset()
    strict: bool = False


def input_files(paths: Iterable[str | Path] | InputFiles, variables: Mapping[str, Any] | None = None) -> InputFiles:
    """Paths as the input of a run, a folder for the YAML files in it; `variables` are those of its templates, each of
    which must be asked for."""
    given = paths if isinstance(paths, InputFiles) else InputFiles(tuple(map(Path, paths)))
    more = dict(variables or {})
    files = tuple(file for path in given.paths for file in _files_of(path))
    return replace(given, paths=files, variables={**given.variables, **more}, wanted=given.wanted | set(more))


def _files_of(path: Path) -> list[Path]:
    """The file; of a folder the YAML files in it, in the order of their names."""
    if not is_folder(path):
        return [path]
    found = sorted(each for each in path.iterdir() if each.suffix in FOLDER_ENDINGS and not each.name.startswith("."))
    if files := [each for each in found if not each.is_dir()]:
        return files
    inside = sorted({each.parent for ending in FOLDER_ENDINGS for each in path.glob(f"*/**/*{ending}")})
    hint = f"give one of its folders, such as {inside[0]}" if inside else f"they end in {', '.join(FOLDER_ENDINGS)}"
    raise InputError("there is no YAML file in this folder", Where(mark=Mark(str(path))), hint)


def load_documents(paths: Iterable[str | Path] | InputFiles) -> MarkedDict:
    """All top-level documents of some YAML files, by name, hyphens turned into underscores.

    As `read_documents` otherwise.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, text in (("a.yaml", "problem: {shape: {data-spaces: []}}"), ("b.yaml", "mapping: []")):
    ...         _ = (Path(folder) / name).write_text(text)
    ...     load_documents(sorted(Path(folder).iterdir()))
    {'problem': {'shape': {'data_spaces': []}}, 'mapping': []}
    """
    documents: MarkedDict = underscored(read_documents(paths))
    return documents


def read_documents(paths: Iterable[str | Path] | InputFiles) -> MarkedDict:
    """All top-level documents of some YAML files, by name, every key as it is spelled.

    A file holds one or several documents ("problem: ...", "mapping: ..."); their order does not matter. Jinja in a file
    is filled in first; it may include what lies in the folders of the files, in those of `InputFiles.include`, or
    below. Raises InputError for a file that cannot be read, is empty, too large or no YAML mapping, and for a document
    that is given twice (only lists of component classes add up).
    """
    given = input_files(paths)
    check_names(given.variables)
    files = list(given.paths)
    if not files:
        raise InputError("no files given", hint="name the YAML files of architecture, problem and mapping")
    _distinct(files)
    if missing := [folder for folder in given.include if not folder.is_dir()]:
        raise InputError("is no folder to include from", Where(mark=Mark(str(missing[0]))), "name one that exists")
    folders = [*(file.parent for file in files), *given.include]
    searched = list(dict.fromkeys(os.fspath(real_path(folder)) for folder in folders))
    templates = Templates(searched, _read_include, dict(given.variables))
    root = MarkedDict(Mark(", ".join(map(str, files))))
    for file in files:
        for document in _read(file, templates, 0):
            _add(root, document)
    for name in given.wanted:
        check_heard({name: given.variables[name]}, templates.asked)
    check_heard(given.variables, templates.asked)
    if not root:
        raise InputError("no documents", Where(mark=root.mark), "expected architecture, problem and mapping")
    return root


def _distinct(files: list[Path]) -> None:
    seen: dict[Path, Path] = {}
    for file in files:
        whole = real_path(file)
        if whole in seen:
            raise InputError("the file is given twice", Where(mark=Mark(str(file))), "name it once")
        seen[whole] = file


def _read(file: Path, templates: Templates, depth: int) -> list[MarkedDict]:
    """The mappings of one file, one per YAML document; InputError when there are none or something else."""
    documents = _values(file, templates, depth)
    if not documents:
        raise InputError(
            "the file is empty", Where(mark=Mark(str(file))), "it should hold documents such as problem: or mapping:"
        )
    for document in documents:
        if not isinstance(document, MarkedDict):
            what = f"expected documents by name (problem: ...), found {_what(document)}"
            raise InputError(what, Where(mark=mark_of(document) or Mark(str(file))))
    return documents


def _values(file: Path, templates: Templates, depth: int) -> list[Any]:
    """The YAML documents of one file, its templates and includes filled in, without empty ones."""
    text = _text(file)
    lines = None
    if is_template(text):
        text, lines = lines_of(templates, file, render_file(file, text, templates, depth))

    def of_template(reference: str, mark: Mark) -> Any:
        return included(templates, reference, mark)

    def of_file(reference: str, mark: Mark) -> Any:
        return include_file(templates, file, reference, mark, depth)

    found = read_yaml_text(text, str(file), of_template, lines, of_file)
    return [document for document in found if document is not None]


def _read_include(file: Path, templates: Templates, depth: int) -> Any:
    documents = _values(file, templates, depth)
    if not documents:
        raise InputError("the file is empty", Where(mark=Mark(str(file))), "it should hold what is included")
    if len(documents) > 1:
        raise InputError(
            f"an included file holds one YAML document, this one {len(documents)}", Where(mark=Mark(str(file)))
        )
    return documents[0]


def _text(file: Path) -> str:
    if file.suffix not in YAML_ENDINGS:
        what = f"the name does not end in {', '.join(YAML_ENDINGS)}"
        raise InputError(what, Where(mark=Mark(str(file))), "Timeloop's inputs are YAML")
    return read_text(file, YAML)


def _what(value: Any) -> str:
    if isinstance(value, MarkedList):
        return "a list"
    return f"only {str(value)[:40]!r}"


def _add(root: MarkedDict, document: MarkedDict) -> None:
    for key, value in document.items():
        at = document.keys_at[key]
        if key not in root or _is_empty(root[key]):
            root.put(key, value, at)
        elif _is_empty(value):
            continue
        elif not _add_lists(root, key, value):
            raise InputError(
                f"the document {key!r} is there already, at {root.keys_at[key]}", Where(mark=at), "give it once"
            )


def _is_empty(document: Any) -> bool:
    """Is a document none, as timeloopfe writes those that it was not given (`mapping: []`)?"""
    if isinstance(document, dict):
        return all(key == "version" or held is None or held in ([], {}) for key, held in document.items())
    return document is None or document == []


def _add_lists(root: MarkedDict, key: str, value: Any) -> bool:
    """Component classes of several files add up; was this such a case?"""
    mine = root[key]
    if not isinstance(mine, MarkedDict) or not isinstance(value, MarkedDict):
        return False
    if not set(mine) | set(value) <= {"version", *LISTS} or mine.get("version") != value.get("version"):
        return False
    for name in LISTS:
        first = mine[name] if isinstance(mine.get(name), MarkedList) else MarkedList(mine.mark)
        mine.put(name, joined(first, value.get(name) or []), mine.keys_at.get(name, mine.mark))
    return True
