"""`crisp-hw model` with nothing but its usual options: read here, because the general parser takes longer to load than
many a model to evaluate. Whatever else is asked for, help and errors included, is left to that.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import cast, get_args

from crisp_hw.cli.output import Format
from crisp_hw.cli.run_model import FilesAsked, ModelRun
from crisp_hw.spec.dialect import Dialect

NAMES = {"-o": "out", "--out": "out", "-f": "form", "--format": "form", "--dialect": "dialect"}
VALUES = {"form": get_args(Format), "dialect": get_args(Dialect)}


def quick_run(arguments: Sequence[str]) -> ModelRun | None:
    """What to run, or None where the general parser must look.

    >>> quick_run(["model", "a.yaml", "-o", "out"])
    ModelRun(given=FilesAsked(files=(...Path('a.yaml'),), ...), out=...Path('out'), form='table', dialect='head', ...)
    >>> quick_run(["model", "a.yaml", "--explain", "cycles"])
    """
    if arguments[:1] != ["model"]:
        return None
    files: list[Path] = []
    given: dict[str, str] = {}
    rest = iter(arguments[1:])
    for word in rest:
        if not word.startswith("-"):
            files.append(Path(word))
            continue
        name, equals, value = word.partition("=")
        key = NAMES.get(name)
        value = value if equals else next(rest, "-")
        known = key is not None and (key not in VALUES or value in VALUES[key])
        if (
            key is None
            or not known
            or key in given
            or not value.strip()
            or value.startswith("-")
            or (equals and not name.startswith("--"))
        ):
            return None
        given[key] = value
    if not files:
        return None
    form, dialect = cast("Format", given.get("form", "table")), cast("Dialect", given.get("dialect", "head"))
    return ModelRun(FilesAsked(tuple(files)), Path(given["out"]) if "out" in given else None, form, dialect)
