"""What the schemas of all outputs have in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from crisp_hw.machine.strict import Strict as Strict
from crisp_hw.spec.columns import Column
from crisp_hw.spec.columns import Value as Value
from crisp_hw.spec.vocabulary import LEVEL, SECTIONS

Number = int | float


class Open(BaseModel):
    """An object with these keys, and others that name levels, tensors or parameters."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, Value]


class Versions(Strict):
    """What the numbers depend on."""

    crisp_hw: str = Field(alias="crisp-hw")
    numpy: str
    python: str


class Sourced(Strict):
    """A number of an accelerator or a component, and where it comes from."""

    part: str
    field: str
    value: Number | None
    unit: str
    source: str | None


class Skipped(Strict):
    """What was left out, and why."""

    name: str
    reason: str


class Note(Strict):
    """An assumption, and the accelerators and layers that it concerns (none: all of it)."""

    text: str
    archs: list[str]
    layers: list[str]


def record(section: str) -> type[Open]:
    """The schema of a kind of record, from the vocabulary of columns; keys of levels come beside the named ones."""
    columns = SECTIONS[section].columns
    optional = {column.key for column in columns if column.key.endswith("wires_uj")}  # only where there are wires
    fields: dict[str, Any] = {
        column.key: (_kind(column), Field(default=None, description=column.meaning))
        if column.key in optional
        else (_kind(column), Field(description=column.meaning))
        for column in columns
        if LEVEL not in column.key
    }
    title, about = f"{section.capitalize().rstrip('s')}Record", SECTIONS[section].about
    return create_model(title, __base__=Open, __doc__=about, **fields)


def _kind(column: Column) -> Any:
    match column.style:
        case "text" | "prose":
            return str | None
        case "whole" | "number" | "ratio" | "share":
            return Number | None
