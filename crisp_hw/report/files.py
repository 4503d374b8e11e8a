"""Writes an evaluation into a folder, all of its files or none."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from crisp_hw.errors import InputError
from crisp_hw.spec.evaluation import NetworkEvaluation


def save(network: NetworkEvaluation, folder: Path, plot: bool = True) -> tuple[Path, ...]:
    """Write layers.csv, totals.csv, result.json, report.md and, with `plot`, speedup.png and energy.png.

    The folder is made when it does not exist; files of the same names are replaced, others stay. Raises InputError
    when the folder cannot be written, leaving it as it was.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     [path.name for path in save(NetworkEvaluation("nothing", ()), Path(place) / "out", plot=False)]
    ['layers.csv', 'totals.csv', 'result.json', 'report.md']
    """
    from crisp_hw.report.document import json_text, markdown_text  # `write_all` alone does without them
    from crisp_hw.report.evaluation import evaluation_document
    from crisp_hw.report.records import total_records
    from crisp_hw.report.tables import csv_text

    pictures = _pictures(network) if plot else {}
    document = evaluation_document(network)
    texts = {
        "layers.csv": csv_text(document.records),
        "totals.csv": csv_text(total_records(network)),
        "result.json": json_text(document),
        "report.md": markdown_text(document, tuple(pictures)),
    }
    return write_all(folder, {name: text.encode() for name, text in texts.items()} | pictures)


def write_all(folder: Path, contents: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Write files, named relative to `folder`: all of them complete in a hidden folder first, then renamed into place.

    The hidden folder stands inside of `folder` when that exists, else beside it. Raises InputError when a name leaves
    the folder or something cannot be written; before the first rename nothing has changed.

    >>> write_all(Path("out"), {"../secrets": b""})
    Traceback (most recent call last):
    ...
    crisp_hw.errors.InputError: out: will not write '../secrets', which lies outside of the folder; rename the layer
    """
    for name in contents:
        if not _inside(name):
            raise InputError(f"{folder}: will not write {name!r}, which lies outside of the folder; rename the layer")
        if (folder / name).is_dir():
            raise InputError(f"{folder / name}: is a folder where a file must go; choose another --out")
    whole = folder.absolute()
    hidden = f".{whole.name}.{os.getpid()}.tmp"
    stage = whole / hidden if whole.exists() else whole.with_name(hidden)
    try:
        _fill(stage, contents)
        return _moved(stage, folder, contents)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); choose a folder that is yours") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _inside(name: str) -> bool:
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts and "\0" not in name


def _fill(stage: Path, contents: Mapping[str, bytes]) -> None:
    for name, content in contents.items():
        target = stage / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _moved(stage: Path, folder: Path, contents: Mapping[str, bytes]) -> tuple[Path, ...]:
    """A folder that does not exist yet appears in one step, one that does has its files replaced one by one."""
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        stage.replace(folder)
        return tuple(folder / name for name in contents)
    for name in contents:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (stage / name).replace(folder / name)
    return tuple(folder / name for name in contents)


def _pictures(network: NetworkEvaluation) -> dict[str, bytes]:
    from crisp_hw.report.plots import figure, png

    return {f"{kind}.png": png(figure(network, kind)) for kind in ("speedup", "energy")}
