"""The fields of `runs`: the cases in which an accelerator runs layers; and those of a whole architecture file."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from crisp_hw.accelerators.schema import (
    Compute,
    Constraint,
    Dims,
    Level,
    Operand,
    Operands,
    Parameter,
    QueuedField,
    Strict,
    TechnologyFields,
)
from crisp_hw.spec.runs import Per, ProblemKind, Take
from crisp_hw.spec.sparse import ActionKind, ComputeKind, Format

Expression = int | float | Annotated[str, Field(min_length=1, max_length=500)]


class NonzerosField(Strict):
    """How the nonzeros of an operand lie: a share of every tile, or a share that lies anywhere."""

    structured: Expression | None = None
    scattered: Expression | None = None

    @model_validator(mode="after")
    def _one(self) -> "NonzerosField":
        if (self.structured is None) == (self.scattered is None):
            raise ValueError("give structured or scattered, and not both")
        return self


class RankField(Strict):
    """A rank of a format; `times` such ranks stand in a row."""

    format: Format
    metadata_bits: Expression | None = None
    payload_bits: Expression | None = None
    times: Annotated[int, Field(ge=1, le=64)] = 1
    flattened: Dims = Field(default_factory=list)


class FormatField(Strict):
    """How a level stores a tensor; ranks outermost first."""

    level: str
    tensor: Operand
    ranks: Annotated[list[RankField], Field(min_length=1, max_length=64)]
    rank_application_order: Literal["outer-to-inner", "inner-to-outer"] = "outer-to-inner"
    when: Expression | None = None


class OptionField(Strict):
    """Accesses to a tensor are avoided where all leaders are empty."""

    target: Operand
    condition_on: Operands = Field(default_factory=list)


class ActionField(Strict):
    """A storage SAF."""

    level: str
    type: ActionKind
    options: Annotated[list[OptionField], Field(min_length=1, max_length=8)]
    when: Expression | None = None


class ChargeField(Strict):
    """A circuit beside the model."""

    circuit: str
    per: Per
    size: Expression = 1


class IndexField(Strict):
    """An index that moves with the weights."""

    bits: Expression
    entries: Expression


class SayField(Strict):
    """What a case assumes."""

    say: Annotated[str, Field(min_length=1)]
    when: Expression | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, given: Any) -> Any:
        return {"say": given} if isinstance(given, str) else given


class SweepField(Strict):
    """A name for every whole number between two."""

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$")]
    first: Expression = Field(alias="from")
    last: Expression = Field(alias="to")


class FeaturesField(Strict):
    """Formats, SAFs and circuits under one name, for several cases."""

    formats: list[FormatField] = Field(default_factory=list)
    actions: list[ActionField] = Field(default_factory=list)
    compute: list[ComputeKind] = Field(default_factory=list)
    charges: list[ChargeField] = Field(default_factory=list)


class CaseField(FeaturesField):
    """One way to run a layer."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    when: Expression | None = None
    each: SweepField | None = None
    problem: ProblemKind = "gemm"
    across: dict[str, Expression] = Field(default_factory=dict)
    pads: dict[str, Expression] = Field(default_factory=dict)
    weights: NonzerosField | None = None
    activations: NonzerosField | None = None
    features: list[str] = Field(default_factory=list)
    at_most: dict[str, dict[str, Expression]] = Field(default_factory=dict)
    index: IndexField | None = None
    say: list[SayField] = Field(default_factory=list)
    constraints: dict[str, Constraint] | None = None


DENSE_CASE = {"name": "dense"}


class ArchFile(Strict):
    """An architecture file with all that it extends."""

    schema_: Literal["crisp-hw/arch/2"] = Field(alias="schema")
    name: Annotated[str, Field(min_length=1)]
    does: Annotated[str, Field(min_length=1, max_length=200)] = "exploits no zeros"
    levels: Annotated[dict[str, Level], Field(min_length=1, max_length=32)]
    compute: Compute
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    features: dict[str, FeaturesField] = Field(default_factory=dict)
    runs: Annotated[list[CaseField], Field(min_length=1, max_length=64)]
    take: Take = "best"
    baseline: CaseField = CaseField.model_validate(DENSE_CASE)
    energy: str = "table"
    constraints: dict[str, Constraint]
    technology: TechnologyFields = TechnologyFields()
    imbalance: QueuedField | None = None
    skips: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    notes: list[str] = Field(default_factory=list)

    @property
    def own_baseline(self) -> CaseField:
        """How it runs layers that are not pruned: where the file does not say, as the problem of its first case."""
        if "baseline" in self.model_fields_set or self.runs[0].problem != "convolution":
            return self.baseline
        return self.baseline.model_copy(update={"problem": "convolution"})
