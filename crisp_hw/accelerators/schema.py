"""The fields of an architecture file and of an energy table, as pydantic checks them."""

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from crisp_hw.spec.limits import (
    EXACT,
    MOST_BITS,
    MOST_GHZ,
    MOST_INSTANCES,
    MOST_KB,
    MOST_NM,
    MOST_PJ,
    MOST_UM2,
    MOST_V,
    MOST_WORDS_PER_CYCLE,
)

Dim = Literal["G", "M", "N", "K"]
Number = TypeVar("Number")


def _once(names: list[str]) -> list[str]:
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"{twice} is given twice")
    return names


Dims = Annotated[list[Dim], AfterValidator(_once)]
Operands = Annotated[list[Literal["A", "B", "Z"]], AfterValidator(_once)]


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
Um2 = Annotated[float, Field(gt=0, le=MOST_UM2, allow_inf_nan=False)]
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

    keep: Operands
    temporal: Dims
    order: Literal["fixed", "free"] = "fixed"
    inner: Dims = []
    x: Dims = []
    y: Dims = []
    spatial: Literal["fill", "share"] | None = None
    no_link_transfer: Operands = []

    @model_validator(mode="after")
    def _has_effect(self) -> "Constraint":
        """Nothing is given that changes nothing."""
        if self.inner and self.order != "free":
            raise ValueError("inner has an effect with `order: free` only")
        if set(self.inner) - set(self.temporal):
            raise ValueError("inner names dimensions that temporal does not")
        if set(self.x) & set(self.y):
            raise ValueError("x and y name the same dimension")
        if self.no_link_transfer and self.spatial is None:
            raise ValueError("no_link_transfer has an effect on spatial loops only")
        return self


class TechnologyFields(_Strict):
    """Clock, node and supply; what is not given is assumed, and says so."""

    clock_ghz: Sourced[Annotated[float, Field(gt=0, le=MOST_GHZ, allow_inf_nan=False)]] | None = None
    node_nm: Sourced[Annotated[float, Field(gt=0, le=MOST_NM, allow_inf_nan=False)]] | None = None
    supply_v: Sourced[Annotated[float, Field(gt=0, le=MOST_V, allow_inf_nan=False)]] | None = None


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
    technology: TechnologyFields = TechnologyFields()
    notes: list[str] = []


class AreaField(Sourced[Um2]):
    """Area of one instance; of a level with `size_words`, where it says so."""

    size_words: Annotated[int, Field(gt=0, le=EXACT)] | None = None


class EnergyFile(_Strict):
    schema_: Literal["crisp-hw/energy/1"] = Field(alias="schema")
    name: str
    unit: Literal["pJ per action"]
    components: dict[str, dict[str, Energy]]
    areas: dict[str, AreaField] = {}
    notes: list[str] = []
