"""A study as a YAML file: what is explored, over which space, how; the keywords of `explore` under the same names."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from crisp_hw.command_line import voice
from crisp_hw.command_line.job_files import NAME_OR_FILE
from crisp_hw.errors import InputError, Mark, Where
from crisp_hw.exploration.subject import NAMED, NETWORK, OPTIONS
from crisp_hw.machine.positions import mark_of
from crisp_hw.machine.yaml_files import checked, did_you_mean, read_mapping
from crisp_hw.spec.columns import Value

SCHEMA = "crisp-hw/space/1"
OLD_SOURCE = "network"
"""What files called `source` before; it is still read, with a note."""
_WORDS = {
    "condition": "conditions",
    "figure": "objectives",
    "objective": "objectives",
    "architecture": "base",
    "network": "source",
}
"""What sentences call what a file has under another name."""
FORM = "see docs/explore.md for the form"


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class AxisField(_Strict):
    """An axis: values, or numbers from low to high."""

    values: list[Value] | None = None
    low: int | float | None = None
    high: int | float | None = None
    step: int | float | None = None
    log: bool | None = None
    when: str | None = None


def _form(given: Any) -> str:
    return "described" if isinstance(given, dict | AxisField) else "listed"


Axes = Annotated[Annotated[list[Value], Tag("listed")] | Annotated[AxisField, Tag("described")], Discriminator(_form)]
"""The two ways to write an axis, of which each has errors of its own."""


class Measured(_Strict):
    """An accuracy that was measured at a sparsity."""

    sparsity: float | int
    accuracy: float | int


class MeasuredIn(_Strict):
    """The accuracies of a method in results.json of `crisp-prune compare`."""

    study: str
    method: str
    figure: Literal["top1_classes", "top1_all"] = "top1_classes"


def _accuracy_form(given: Any) -> str:
    return "study" if isinstance(given, dict | MeasuredIn) else "listed"


Accuracy = Annotated[
    Annotated[list[Measured], Tag("listed")] | Annotated[MeasuredIn, Tag("study")], Discriminator(_accuracy_form)
]


class SpaceFile(_Strict):
    """All of it; `options` are those of `crisp-hw evaluate` that hold for every point."""

    schema_: Literal["crisp-hw/space/1"] = Field(alias="schema")
    source: str | None = None
    network: str | None = None
    base: str | None = None
    space: dict[str, Axes]
    objectives: list[str] | None = None
    conditions: list[str] = Field(default_factory=list)
    method: str | None = None
    trials: int | None = None
    seed: int | None = None
    nm: str | None = None
    block: int | None = None
    sparsity: float | int | None = None
    layers: str | None = None
    accuracy: Accuracy | None = None
    energy: str | None = None
    options: dict[str, Value] = Field(default_factory=dict)


def read_space(path: Path) -> dict[str, Any]:
    """The keywords of `explore` that a file holds; InputError with the line of what is wrong.

    Paths of networks and accelerators in it are relative to it.
    """
    document = read_mapping(path, FORM)
    file = checked(SpaceFile, document, "space")
    found = file.model_dump(by_alias=False, exclude={"schema_", "options"}, exclude_none=True)
    found["source"] = _source(file, document, path)
    found.pop(OLD_SOURCE, None)
    for name in ("base", "energy"):
        if name in found:
            found[name] = _placed(found[name], path)
    found["space"] = {name: _axis(name, axis, path) for name, axis in found["space"].items()}
    if isinstance(file.accuracy, MeasuredIn):
        found["accuracy"] = {**file.accuracy.model_dump(), "study": str(path.parent / file.accuracy.study)}
    elif file.accuracy:
        found["accuracy"] = {each.sparsity: each.accuracy for each in file.accuracy}
    if taken := [name for name in file.options if name in found or name not in OPTIONS]:
        at = Where("space", key="options", mark=mark_of(document["options"], taken[0]))
        raise InputError(f"{taken[0]} is no option of an evaluation", at, did_you_mean(taken[0], OPTIONS))
    return {**found, **file.options}


def located(error: InputError, path: Path) -> InputError:
    """An error of a study with the line of the file that it speaks of, as far as its words name one."""
    if error.at is not None and error.at.mark is not None:
        return error
    document = read_mapping(path, FORM)
    key, mark = _spoken_of(error.reason, document)
    said = f"{error.at}: {error.reason}" if error.at is not None else error.reason
    return InputError(said, Where("space" if key else "", key=key, mark=mark or Mark(str(path))), error.hint)


def _spoken_of(reason: str, document: Mapping[str, Any]) -> tuple[str, Mark | None]:
    """The key of a file that a sentence names, and where it stands: of an axis, an option, else of the file itself."""
    words = re.findall(r"[\w.-]+", reason)
    for name in ("space", "options", ""):
        inner: Any = document.get(name) if name else document
        for word in words if isinstance(inner, dict) else ():
            for known in (word, _WORDS.get(word, word)):
                if known in inner:
                    return f"{name}.{known}" if name else known, mark_of(inner, known)
    return "", None


def _source(file: SpaceFile, document: Mapping[str, Any], path: Path) -> Any:
    """The network of a file, under its old name with a note; InputError where neither it nor an axis names one."""
    if file.network is not None:
        mark = mark_of(document, OLD_SOURCE)
        if file.source is not None:
            raise InputError("names its source twice", Where("space", key=OLD_SOURCE, mark=mark), "leave network out")
        voice.note(f"{mark or path}: network is called source now, as in job files; it is read as that")
    named = file.network if file.source is None else file.source
    if named is None and NETWORK not in file.space:
        at = Where(mark=Mark(str(path)), key="source")
        raise InputError("names no network", at, "write source: resnet50, for example, or an axis network")
    return _placed(named, path)


def _axis(name: str, given: Any, path: Path) -> Any:
    """An axis with its files placed; what stands empty in YAML is left out."""
    if isinstance(given, dict):
        values = given.get("values")
        return given if values is None else {**given, "values": _axis(name, values, path)}
    return [_placed(each, path) for each in given] if name in NAMED else given


def _placed(name: Any, path: Path) -> Any:
    """A name as it is, the path of a file relative to the file that names it."""
    if not isinstance(name, str) or not NAME_OR_FILE.found_in(name):
        return name
    return str(path.parent / name)
