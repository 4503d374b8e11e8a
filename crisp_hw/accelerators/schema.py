"""The fields of levels, constraints and energy tables, as pydantic checks them; `run_schema` has those of `runs`."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from crisp_hw.spec.imbalance import LEAST_SLOTS
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
from crisp_hw.spec.runs import Role

Dim = Literal["G", "M", "N", "K", "C", "R", "S", "P", "Q"]
Operand = Literal["A", "B", "Z"]
Number = TypeVar("Number")
NO_SOURCE = "no source given"


def _once(names: list[str]) -> list[str]:
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"{twice} is given twice")
    return names


Dims = Annotated[list[Dim], AfterValidator(_once)]
Operands = Annotated[list[Operand], AfterValidator(_once)]


class Strict(BaseModel):
    """Nothing is converted, nothing unknown is passed over."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)


class Sourced(Strict, Generic[Number]):
    """A number and where it comes from; a bare number comes from nowhere that is told."""

    value: Number
    source: Annotated[str, Field(min_length=5)]

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, given: Any) -> Any:
        bare = isinstance(given, int | float) and not isinstance(given, bool)
        return {"value": given, "source": NO_SOURCE} if bare else given


Fanout = Sourced[Annotated[int, Field(gt=0, le=MOST_INSTANCES)]]
Bits = Sourced[Annotated[int, Field(gt=0, le=MOST_BITS)]]
Words = Sourced[Annotated[int, Field(gt=0, le=EXACT)]]
Kilobytes = Sourced[Annotated[float, Field(gt=0, le=MOST_KB, allow_inf_nan=False)]]
Bandwidth = Sourced[Annotated[float, Field(gt=0, le=MOST_WORDS_PER_CYCLE, allow_inf_nan=False)]]
Um2 = Annotated[float, Field(gt=0, le=MOST_UM2, allow_inf_nan=False)]
Energy = Sourced[Annotated[float, Field(ge=0, le=MOST_PJ, allow_inf_nan=False)]]
Parameter = Sourced[Annotated[float, Field(ge=0, le=EXACT, allow_inf_nan=False)]]
Count = Sourced[Annotated[int, Field(gt=0, le=64)]]
One = {"value": 1, "source": "one instance below each instance of the level above"}
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,39}$")]


class Network(Strict):
    """The wires from a level inwards: pJ per hop, router and entry, cycles to fill and drain; absent: free."""

    word_bits: Bits | None = None
    wire_pj_per_bit_mm: Energy | None = None
    tile_width_um: Energy | None = None
    hop_pj: Energy | None = None
    router_pj: Energy | None = None
    ingress_pj: Energy | None = None
    fill_cycles: Sourced[Annotated[int, Field(ge=0, le=MOST_INSTANCES)]] | None = None
    drain_cycles: Sourced[Annotated[int, Field(ge=0, le=MOST_INSTANCES)]] | None = None


class Level(Strict):
    """A storage level; sizes in KB or words, bandwidths in words per cycle and instance (absent: unlimited).

    `word_bits` absent are those of the widest tensor that the level keeps. `decompression_supported`: what the level
    around it holds packed may lie here unpacked; `compression_supported`: and may be packed again on its way out.
    """

    role: Role | None = None
    technology: Literal["DRAM", "SRAM"] = "SRAM"
    fanout_x: Fanout = Fanout.model_validate(One)
    fanout_y: Fanout = Fanout.model_validate(One)
    word_bits: Bits | None = None
    vector_words: Bits = Bits.model_validate({"value": 1, "source": "not given; assumed one word per access"})
    size_kb: Kilobytes | None = None
    size_words: Words | None = None
    banks: Count | None = None
    ports: Count | None = None
    read_bandwidth: Bandwidth | None = None
    write_bandwidth: Bandwidth | None = None
    metadata_width_bits: Bits | None = None
    metadata_depth: Words = Words.model_validate(
        {"value": 1048576, "source": "not given; assumed so large that metadata never rejects a mapping"}
    )
    decompression_supported: bool = False
    compression_supported: bool = False
    network: Network = Network()


class WordBits(Strict):
    """Bits of a word of each tensor: weights A, activations B, sums Z."""

    A: Bits
    B: Bits
    Z: Bits


class Compute(Strict):
    """The MACs below one instance of the innermost level; `word_bits` are of all tensors, or of each."""

    name: Name
    fanout_x: Fanout = Fanout.model_validate(One)
    fanout_y: Fanout = Fanout.model_validate(One)
    word_bits: WordBits

    @field_validator("word_bits", mode="before")
    @classmethod
    def _of_each(cls, given: Any) -> Any:
        """One number, with or without a source, is that of all tensors."""
        one = not isinstance(given, dict) or "value" in given
        return dict.fromkeys("ABZ", given) if one and given is not None else given


class Constraint(Strict):
    """What one level may do: see the comment in arch/fabric.yaml."""

    keep: Operands
    temporal: Dims
    order: Literal["fixed", "free"] = "fixed"
    inner: Dims = []
    x: Dims = []
    y: Dims = []
    spatial: Literal["fill", "share"] | None = None
    no_link_transfer: Operands = []
    no_multicast: Operands = []

    @model_validator(mode="after")
    def _has_effect(self) -> "Constraint":
        """Nothing is given that changes nothing."""
        if self.inner and self.order != "free":
            raise ValueError("inner has an effect with `order: free` only")
        if set(self.inner) - set(self.temporal):
            raise ValueError("inner names dimensions that temporal does not")
        if set(self.x) & set(self.y):
            raise ValueError("x and y name the same dimension")
        if (self.no_link_transfer or self.no_multicast) and self.spatial is None:
            name = "no_link_transfer" if self.no_link_transfer else "no_multicast"
            raise ValueError(f"{name} has an effect on spatial loops only")
        return self


class TechnologyFields(Strict):
    """Clock, node and supply; what is not given is assumed, and says so."""

    clock_ghz: Sourced[Annotated[float, Field(gt=0, le=MOST_GHZ, allow_inf_nan=False)]] | None = None
    node_nm: Sourced[Annotated[float, Field(gt=0, le=MOST_NM, allow_inf_nan=False)]] | None = None
    supply_v: Sourced[Annotated[float, Field(gt=0, le=MOST_V, allow_inf_nan=False)]] | None = None


class QueuedField(Strict):
    """MACs that take broadcast columns through queues; `spec.imbalance` says what the numbers mean."""

    kind: Literal["queued-columns"]
    queue_slots: Sourced[Annotated[int, Field(ge=LEAST_SLOTS, le=EXACT)]]
    index_bits: Bits
    line_entries: Words


class AreaField(Sourced[Um2]):
    """Area of one instance; of a level with `size_words`, where it says so."""

    size_words: Annotated[int, Field(gt=0, le=EXACT)] | None = None


class EnergyFile(Strict):
    """A fixed table of energies."""

    schema_: Literal["crisp-hw/energy/1"] = Field(alias="schema")
    name: str
    unit: Literal["pJ per action"]
    components: dict[str, dict[str, Energy]]
    areas: dict[str, AreaField] = {}
    notes: list[str] = []
