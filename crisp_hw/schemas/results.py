"""Schemas of what evaluations and comparisons print."""

from typing import Any, Literal

from pydantic import Field

from crisp_hw.results.saved import SavedEvaluation
from crisp_hw.schemas.base import Note, Number, Skipped, Strict, Value, Versions, record

LayerRecord: Any = record("layers")
TotalRecord: Any = record("totals")
LevelRecord: Any = record("levels")
DensityRecord: Any = record("density")
TileRecord: Any = record("tiles")
TechnologyRecord: Any = record("technology")
AreaRecord: Any = record("areas")


class Density(Strict):
    """Another density than the model's against the statistical one."""

    layers: list[DensityRecord]
    tiles: list[TileRecord]


class OutermostRecord(Strict):
    """What an accelerator reads from its outermost level of a network with attention."""

    arch: str
    level: str
    attention_share: float
    masked_share: float = 0.0
    read_bytes: float
    weights_share: float
    keys_and_values_share: float
    activations_share: float
    activation_reads: float | None = None
    dense_read_bytes: float
    bytes_gain: float
    mac_gain: float
    speedup: float
    bound_share: float


class Result(Strict):
    """An evaluation: `crisp-hw evaluate` and `report`, result.json."""

    schema_: Literal["crisp-hw/result/2"] = Field(alias="schema")
    name: str
    versions: Versions
    provenance: dict[str, Any]
    totals: list[TotalRecord]
    rests_on: list[str]
    layers: list[LayerRecord]
    levels: list[LevelRecord]
    technology: list[TechnologyRecord]
    areas: list[AreaRecord]
    assumptions: list[Note]
    skipped: list[Skipped]
    outermost: list[OutermostRecord] | None = None
    density: Density | None = None
    evaluation: SavedEvaluation = Field(description="For loading: what rows share stands once, and rows number it.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Of everything else, with sorted keys and no spaces.")


class Side(Strict):
    """One of two results: its file, and its network."""

    file: str
    name: str


class ComparedFigure(Strict):
    """One figure of a layer (null: of all together); `ratio` is b over a."""

    arch_a: str
    arch_b: str
    layer: str | None
    figure: str
    a: Value
    b: Value
    ratio: float | None


class Alone(Strict):
    """Layers (none: all) of an accelerator that one of the two alone has."""

    arch: str
    layers: list[str]
    there: Literal["a", "b"]


class Comparison(Strict):
    """Two results side by side: `crisp-hw compare`."""

    schema_: Literal["crisp-hw/comparison/1"] = Field(alias="schema")
    versions: Versions
    a: Side
    b: Side
    tolerance: float
    equal: bool
    missing: list[Alone]
    figures: list[ComparedFigure]
    beyond: list[ComparedFigure]


class ReplayedBundle(Strict):
    """What a bundle says of itself."""

    network: str
    backend: str
    tool: str | None
    versions: dict[str, str]
    source: dict[str, Any]
    options: dict[str, Any]


class ReplayedDesign(Strict):
    """A layer on an accelerator, now and as recorded."""

    arch: str
    layer: str
    verdict: Literal["equal", "different", "refused"]
    cycles: int | None
    recorded_cycles: int
    energy_uj: float | None
    recorded_energy_uj: float
    error: str | None


class ReplayedDifference(Strict):
    """A figure that is not as recorded."""

    arch: str
    layer: str
    figure: str
    now: str
    recorded: str
    relative: str | None


class Replay(Strict):
    """A bundle evaluated again: `crisp-hw replay`."""

    schema_: Literal["crisp-hw/replay/1"] = Field(alias="schema")
    bundle: ReplayedBundle
    versions: Versions
    designs: list[ReplayedDesign]
    differences: list[ReplayedDifference]


class VerifiedDocuments(Strict):
    """One set of documents through the embedded engine and through Timeloop."""

    documents: str
    verdict: str
    differences: int
    approximated: str | None
    error: str | None
    cycles: int | None = None
    timeloop_cycles: int | None = None
    energy_uj: float | None = None
    timeloop_energy_uj: float | None = None
    seconds: float | None = None


class VerifiedDifference(Strict):
    """A figure that differs."""

    documents: str
    figure: str
    embedded: str
    timeloop: str
    relative: str | None


class Verification(Strict):
    """The embedded engine and an installed Timeloop: `crisp-hw verify`."""

    schema_: Literal["crisp-hw/verification/1"] = Field(alias="schema")
    versions: Versions
    documents: list[VerifiedDocuments]
    differences: list[VerifiedDifference]


class Family(Strict):
    """Recorded cases of one family."""

    family: str
    cases: int
    equal: int
    close: int
    different: int
    refused: int
    worst_cycles: Number
    worst_energy: Number


class Validation(Strict):
    """The engine against recorded runs of Timeloop: `crisp-hw validate`."""

    schema_: Literal["crisp-hw/validation/1"] = Field(alias="schema")
    families: list[Family]
    not_equal: list[str]


class CheckedLayer(Strict):
    """A layer on a fabric, step by step."""

    layer: str
    fabric: str
    product: Literal["equal", "different"]
    agrees: Literal["yes", "no"]
    compared: int
    steps: str


class CheckedCount(Strict):
    """A figure that was counted, and the model's; null where it counts something else."""

    layer: str
    fabric: str
    count: str
    walked: float
    model: float | None


class Check(Strict):
    """The steps of fabrics on data: `crisp-hw check`."""

    schema_: Literal["crisp-hw/check/1"] = Field(alias="schema")
    layers: list[CheckedLayer]
    counts: list[CheckedCount]


class ReproducedClaim(Strict):
    """A published figure and ours; `deviation` is ours over it, less one."""

    claim: str
    unit: str
    published: Number
    ours: Number
    deviation: Number
    allowed: Number | None
    within: Literal["yes", "no"] | None
    why: str | None


class ReproducedBound(Strict):
    """A figure over several claims."""

    figure: str
    value: Number
    allowed: Number | None
    within: Literal["yes", "no"] | None


class Reproduction(Strict):
    """The figures of a publication beside ours: `crisp-hw reproduce`."""

    schema_: Literal["crisp-hw/reproduction/1"] = Field(alias="schema")
    name: str
    title: str
    source: str
    holds: bool
    claims: list[ReproducedClaim]
    bounds: list[ReproducedBound]
    notes: list[str]
