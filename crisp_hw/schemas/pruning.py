"""Schemas of what `crisp-prune` prints."""

from typing import Literal

from pydantic import Field

from crisp_hw.schemas.base import Skipped, Strict


class PlannedLayer(Strict):
    """A layer, the pattern that it would get, and why."""

    layer: str
    role: Literal["hybrid", "nm", "dense"]
    rows: int
    columns: int
    block_rows: int
    block_columns: int
    lowest_kept: int
    why: str


class Plan(Strict):
    """Which layer would get which pattern, and the highest sparsity that can be reached: `crisp-prune plan`."""

    schema_: Literal["crisp-prune/plan/1"] = Field(alias="schema")
    prunable_weights: int
    highest: float
    targets: list[float]
    layers: list[PlannedLayer]
    skipped: list[Skipped]


class Accuracy(Strict):
    """Top-1 before or after pruning, as shares."""

    when: Literal["before", "after"]
    sparsity: float
    top1_all: float
    top1_classes: float | None


class Budgeted(Strict):
    """What a network costs of what it cost dense, and the share of blocks that each layer keeps."""

    arch: str
    metric: str
    driver: str
    cost: float
    dense: float
    sparsity: float
    max_sparsity: dict[str, float]
    shares: dict[str, float]


class Run(Strict):
    """What a run reached: `crisp-prune run`."""

    schema_: Literal["crisp-prune/run/1"] = Field(alias="schema")
    file: str
    run_dir: str
    target: float
    samples: int
    accuracy: list[Accuracy]
    budget: Budgeted | None = None


class OneShotLayer(Strict):
    """A pruned layer, and how far its output lies from before on the inputs that calibrate, as a share."""

    layer: str
    sparsity: float
    error: float


class DenseLayer(Strict):
    """A layer that stays as it is, and why."""

    name: str
    reason: str


class OneShot(Strict):
    """What was pruned without training, by which rule, and what stays dense: `crisp-prune one-shot`."""

    schema_: Literal["crisp-prune/one-shot/1"] = Field(alias="schema")
    file: str
    weights: str
    rule: Literal["magnitude", "wanda", "sparsegpt"]
    nm: str
    layers: list[OneShotLayer]
    dense: list[DenseLayer] = Field(default_factory=list)


class Compared(Strict):
    """A method at one target for one number of classes, over all seeds."""

    method: str
    target: float | None
    classes: int
    seeds: int
    sparsity: float
    top1: float
    top1_std: float
    top1_classes: float
    top1_classes_std: float
    macs: float
    cost: float | None


class Paired(Strict):
    """Two methods beside each other: the mean of the differences of equal seeds, and their standard deviation."""

    first: str
    second: str
    target: float | None
    classes: list[int]
    difference: float
    deviation: float
    found: Literal["above", "below", "tie"]
    seeds: int


class Comparison(Strict):
    """Accuracy and work left of the methods of a study: `crisp-prune compare`."""

    schema_: Literal["crisp-prune/lab/1"] = Field(alias="schema")
    data: list[str]
    model: str
    epochs: int
    rows: list[Compared]
    pairs: list[Paired]
    notes: list[str]
