"""results.json of `crisp-prune compare`: the accuracies that a study measured, read once for whoever needs them."""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crisp_hw.errors import InputError, Mark, Where

LIMIT = 2**24
"""Bytes of the largest results that are read: far above what a study comes to."""


class Cell(BaseModel):
    """What is read of a cell; `target` is the sparsity that was asked for, None of a dense network."""

    model_config = ConfigDict(strict=False, frozen=True)
    method: str
    target: float | None
    classes: list[int]
    seed: int
    top1_all: float
    top1_classes: float | None = None


class Asked(BaseModel):
    """What is read of the study."""

    model_config = ConfigDict(frozen=True)
    schema_: Literal["crisp-hw/study/1"] = Field(alias="schema")
    pairs: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = []


class Results(BaseModel):
    """The file results.json of a study."""

    model_config = ConfigDict(frozen=True)
    study: Asked
    cells: list[Cell]


def read_accuracy_study(path: Path) -> Results:
    """Read results.json; InputError for anything else."""
    where = Where(mark=Mark(str(path)))
    try:
        if path.stat().st_size > LIMIT:
            raise ValueError("too large")
        return Results.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError, RecursionError) as error:
        raise InputError("is no results.json of a study", where, "crisp-prune compare writes it") from error
