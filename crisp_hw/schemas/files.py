"""Schemas of what is said of Timeloop's files, of explanations and of errors."""

from typing import Any, Literal

from pydantic import Field

from crisp_hw.schemas.base import Number, Strict
from crisp_hw.spec.rules import Rule


class Stats(Strict):
    """What `crisp-hw model` prints, and its stats.json: energies in pJ, counts per instance as timeloop-model has them.

    `levels` holds the MACs and every storage level by name, with figures by tensor.
    """

    valid: bool
    cycles: int
    energy_pJ: Number
    leakage_pJ: Number
    total_energy_pJ: Number
    energy_uJ_printed: Number
    utilization: Number | None
    bound_by: str
    levels: dict[str, dict[str, Any]]
    networks: dict[str, dict[str, Any]] | None = None
    network_cycles: int | None = None
    assumptions: list[str]
    skipped: list[str]


class Model(Stats):
    """One mapping from Timeloop's files: `crisp-hw model`, and its stats.json."""

    schema_: Literal["crisp-hw/model/1"] = Field(alias="schema")


class Search(Strict):
    """How a mapping was found."""

    objective: str
    factorizations: int
    keep_bypass_choices: int
    keep_bypass_left_out: dict[str, int]
    pruned: dict[str, int]
    tried: int
    valid: int
    proven: bool
    gap: Number | None
    interrupted: bool
    certificate: str
    mapping: str


class Map(Stats):
    """The best mapping of Timeloop's files: `crisp-hw map`, and its stats.json."""

    schema_: Literal["crisp-hw/map/1"] = Field(alias="schema")
    search: Search


class Step(Strict):
    """One number, or a fact where `result` is null."""

    text: str
    result: Number | None
    unit: str
    formula: str
    values: str
    figure: str


class Section(Strict):
    """Steps that belong together, and where their formulas stand."""

    title: str
    see: str
    steps: list[Step]


class Explanation(Strict):
    """How a number came about: `--explain`."""

    schema_: Literal["crisp-hw/explanation/1"] = Field(alias="schema")
    subject: str
    summary: list[str]
    sections: list[Section]
    notes: list[str]
    figures: dict[str, Number | None]


class BrokenRule(Strict):
    """A rule that a mapping breaks."""

    rule: Rule = Field(strict=False)
    level: str
    tensor: str | None
    need: Number | None
    have: Number | None
    other: str


class Written(Strict):
    """What a command wrote: `crisp-hw render`, `import`, `bundle`, `arch new`, `arch copy`, `workload copy`."""

    schema_: Literal["crisp-hw/written/1"] = Field(alias="schema")
    folder: str
    files: list[str]


class ErrorFields(Strict):
    """What went wrong; what is not known is null."""

    kind: str
    message: str
    reason: str
    hint: str | None
    context: str | None
    document: str | None
    entry: str | None
    key: str | None
    file: str | None
    line: int | None
    exit_code: int
    failures: list[BrokenRule]


class Error(Strict):
    """An error of any command with --format json."""

    schema_: Literal["crisp-hw/error/1"] = Field(alias="schema")
    error: ErrorFields
