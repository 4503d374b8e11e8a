"""The project's own data files: where they live (inside a wheel, or in a checkout) and how they are read."""

from pathlib import Path
from typing import Literal

import yaml

from crisp_hw.errors import InputError

DataKind = Literal["arch", "workloads", "templates"]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is about ten times faster
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
    raise InputError(f"no {kind} folder at {wheel} (wheel) or {checkout} (checkout); reinstall crisp-hw or pass a path")


def read_yaml(path: Path) -> object:
    """The content of one YAML file (safe loader, libyaml's where it is built in); InputError when it cannot be read.

    >>> sorted(read_yaml(data_folder("workloads") / "resnet50.yaml"))[:3]
    ['layers', 'name', 'schema']
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); give the path of a YAML file") from error
    try:
        document: object = yaml.load(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from error
    return document
