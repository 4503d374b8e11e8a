"""The fields of an architecture file and of an energy table, as pydantic checks them."""

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from crisp_hw.spec.limits import EXACT, MOST_BITS, MOST_INSTANCES, MOST_KB, MOST_PJ, MOST_WORDS_PER_CYCLE

Dim = Literal["G", "M", "N", "K"]
Number = TypeVar("Number")


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Sourced(_Strict, Generic[Number]):
    """A number and where it comes from."""

    value: Number
    source: Annotated[str, Field(min_length=5)]


Fanout = Sourced[Annotated[int, Field(gt=0, le=MOST_INSTANCES)]]
Bits = Sourced[Annotated[int, Field(gt=0, le=MOST_BITS)]]
Words = Sourced[Annotated[int, Field(gt=0, le=EXACT)]]
Kilobytes = Sourced[Annotated[float, Field(gt=0, le=MOST_KB, allow_inf_nan=False)]]
Bandwidth = Sourced[Annotated[float, Field(gt=0, le=MOST_WORDS_PER_CYCLE, allow_inf_nan=False)]]
Energy = Sourced[Annotated[float, Field(ge=0, le=MOST_PJ, allow_inf_nan=False)]]
One = {"value": 1, "source": "one instance below each instance of the level above"}


class Level(_Strict):
    """A storage level; sizes in KB or words, bandwidths in words per cycle and instance (absent: unlimited)."""

    technology: Literal["DRAM", "SRAM"] = "SRAM"
    fanout_x: Fanout = Fanout.model_validate(One)
    fanout_y: Fanout = Fanout.model_validate(One)
    word_bits: Bits
    vector_words: Bits
    size_kb: Kilobytes | None = None
    size_words: Words | None = None
    read_bandwidth: Bandwidth | None = None
    write_bandwidth: Bandwidth | None = None
    metadata_width_bits: Bits
    metadata_depth: Words


class Compute(_Strict):
    """The MACs below one instance of the innermost level."""

    name: Annotated[str, Field(min_length=1)]
    fanout_x: Fanout = Fanout.model_validate(One)
    fanout_y: Fanout = Fanout.model_validate(One)
    word_bits: Bits


class Constraint(_Strict):
    """What one level may do: see the comment in arch/fabric.yaml."""

    keep: list[Literal["A", "B", "Z"]]
    temporal: list[Dim]
    order: Literal["fixed", "free"] = "fixed"
    inner: list[Dim] = []
    x: list[Dim] = []
    y: list[Dim] = []
    spatial: Literal["fill", "share"] | None = None
    no_link_transfer: list[Literal["A", "B", "Z"]] = []


class SchemeField(_Strict):
    kind: Literal["dense", "stc", "dstc", "crisp-stc"]
    max_pattern: Sourced[Annotated[str, Field(pattern=r"^[1-9]\d*:[1-9]\d*$")]] | None = None


class ArchFile(_Strict):
    schema_: Literal["crisp-hw/arch/1"] = Field(alias="schema")
    name: Annotated[str, Field(min_length=1)]
    levels: dict[str, Level]
    compute: Compute
    scheme: SchemeField
    energy: str
    constraints: dict[str, Constraint]
    notes: list[str] = []


class EnergyFile(_Strict):
    schema_: Literal["crisp-hw/energy/1"] = Field(alias="schema")
    name: str
    unit: Literal["pJ per action"]
    components: dict[str, dict[str, Energy]]
    notes: list[str] = []
