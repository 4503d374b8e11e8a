"""The project's own data files: where they live (inside a wheel, or in a checkout)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from crisp_hw.errors import InputError

DataKind = Literal["arch", "workloads", "templates", "published"]

_PACKAGE = Path(__file__).resolve().parent


def data_folder(kind: DataKind) -> Path:
    """Folder of the packaged data of one kind; raises InputError when neither place holds it.

    A wheel carries the folders as `crisp_hw/data/<kind>` (pyproject: force-include); a checkout or an editable
    install has them beside the package.

    >>> data_folder("workloads").name
    'workloads'
    """
    return _first_folder(_PACKAGE, kind)


@dataclass(frozen=True)
class Packaged:
    """What arch/packaged.json says of the packaged accelerators, beside their files.

    `default` is evaluated where none is named, `another` stands beside it in examples, `queued` has
    queues that recorded runs are held against, `colours` are those of figures,
    `other_words` hints for words that users write for one, several to a line, and `former_flags` what options of the
    command line were called when they had the name of one.
    """

    default: str
    another: str
    queued: str
    colours: Mapping[str, str]
    other_words: Mapping[str, str]
    former_flags: Mapping[str, str]


@cache
def packaged() -> Packaged:
    """The packaged accelerators; JSON, because the command line reads it whenever it starts.

    >>> packaged().default
    'crisp-stc'
    """
    return Packaged(**json.loads((data_folder("arch") / "packaged.json").read_text(encoding="utf-8")))


def _first_folder(package: Path, kind: DataKind) -> Path:
    """The wheel's folder if it exists, else the checkout's."""
    candidates = (package / "data" / kind, package.parent / kind)
    for folder in candidates:
        if folder.is_dir():
            return folder
    wheel, checkout = candidates
    raise InputError(
        f"no {kind} folder at {wheel} (wheel) or {checkout} (checkout)", hint="reinstall crisp-hw or pass a path"
    )
