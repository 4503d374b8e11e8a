"""The project's own data files: where they live (inside a wheel, or in a checkout)."""

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
