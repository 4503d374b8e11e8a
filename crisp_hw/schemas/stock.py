"""Schemas of what is said of hardware, networks, masks, kept files and tools."""

from typing import Any, Literal

from pydantic import Field

from crisp_hw.schemas.base import Number, Open, Skipped, Sourced, Strict, Versions


class AcceleratorName(Strict):
    """One of the packaged accelerators."""

    name: str
    scheme: str
    macs: int


class PointTotals(Strict):
    """All convolutions of a network over points on one accelerator."""

    arch: str
    cycles: int
    dense_cycles: int
    speedup: Number
    product_cycles: int
    traffic_cycles: int
    energy_uj: Number
    product_uj: Number
    traffic_uj: Number


class PointConvolution(Strict):
    """One convolution over points; words are read and written at the outermost level."""

    layer: str
    voxels_in: int
    voxels_out: int
    pairs: int
    neighbours: Number
    kernels: int
    padding: Number
    macs: int
    gather_words: int
    scatter_words: int


class PointGroup(Strict):
    """Matrix products that run together; one that is not gathered reads its inputs where they are."""

    layer: str
    group: int
    products: int
    kernels: int
    pairs: int
    rows: int
    gathered: bool


class Points(Strict):
    """A network of sparse convolutions on a scan: `crisp-hw points`."""

    schema_: Literal["crisp-hw/points/1"] = Field(alias="schema")
    name: str
    versions: Versions
    totals: list[PointTotals]
    layers: list[PointConvolution]
    groups: list[PointGroup]
    assumptions: list[str]
    skipped: list[Skipped]


class TimedLayer(Strict):
    """A linear layer on a GPU, times in ms; ratios are dense over 2:4."""

    layer: str
    rows: int
    columns: int
    tokens: int
    dense_ms: Number
    sparse_ms: Number
    measured: Number
    predicted: Number
    agrees: Literal["yes", "no"]


class Measurement(Strict):
    """Linear layers of 2:4 weights timed on a GPU: `crisp-hw measure`."""

    schema_: Literal["crisp-hw/measurement/1"] = Field(alias="schema")
    name: str
    arch: str
    versions: Versions
    layers: list[TimedLayer]
    skipped: list[Skipped]


class Accelerators(Strict):
    """The packaged accelerators: `crisp-hw arch list`."""

    schema_: Literal["crisp-hw/accelerators/1"] = Field(alias="schema")
    accelerators: list[AcceleratorName]


class LevelNumbers(Strict):
    """A level, or the MACs: sizes in words, bandwidths in words per cycle and instance; null is unlimited."""

    level: str
    instances: int
    size_words: int | None = None
    word_bits: int
    vector_words: int | None = None
    read_bandwidth: Number | None = None
    write_bandwidth: Number | None = None
    keeps: str | None = None
    temporal: str | None = None
    spatial: str | None = None


class Accelerator(Strict):
    """Every number of an accelerator: `crisp-hw arch show`."""

    schema_: Literal["crisp-hw/accelerator/1"] = Field(alias="schema")
    name: str
    versions: Versions
    scheme: dict[str, Any]
    levels: list[LevelNumbers]
    numbers: list[Sourced]
    energies: list[Sourced]
    notes: list[str]


class ComponentArea(Strict):
    """A component, what it stands for, and the area of one instance."""

    component: str
    stands_for: str
    area_um2: Number | None


class Characterization(Strict):
    """Energies and areas of components: `crisp-hw characterize`."""

    schema_: Literal["crisp-hw/characterization/1"] = Field(alias="schema")
    name: str
    method: str
    node_nm: int
    versions: Versions
    components: list[ComponentArea]
    numbers: list[Sourced]
    assumptions: list[str]


class WorkloadName(Strict):
    """One of the packaged layer tables."""

    name: str
    layers: int
    weights: int
    macs: int
    source: str


class Workloads(Strict):
    """The packaged layer tables: `crisp-hw workload list`."""

    schema_: Literal["crisp-hw/workloads/1"] = Field(alias="schema")
    workloads: list[WorkloadName]


class TableLayer(Strict):
    """A layer of a table."""

    layer: str
    kind: Literal["conv2d", "linear", "matmul"]
    rows: int
    columns: int
    positions: int
    kernel: str | None
    stride: str | None
    groups: int
    weights: int
    macs: int


class WorkloadTable(Strict):
    """A layer table: `crisp-hw workload show`."""

    schema_: Literal["crisp-hw/workload-table/1"] = Field(alias="schema")
    name: str
    layers: list[TableLayer]
    weights: int
    macs: int
    source: str
    versions: Versions
    skipped: list[Skipped]


class DescribedLayer(Open):
    """What a layer's weights look like; `*_bits` are metadata in bits by format."""

    layer: str
    kind: Literal["conv2d", "linear", "matmul"]
    role: Literal["hybrid", "nm", "dense"]
    rows: int
    columns: int
    nonzeros: int
    density: Number
    nm: str | None
    block: int | None
    kept_blocks: int | None
    total_blocks: int | None
    kept_ratio: Number | None
    balanced: bool | None
    block_density: Number | None
    longest_row: int | None
    two_rank: str | None
    row_patterns: str | None
    notes: list[str]


class Description(Strict):
    """What the layers of a network look like: `crisp-hw describe`."""

    schema_: Literal["crisp-hw/description/1"] = Field(alias="schema")
    name: str
    versions: Versions
    layers: list[DescribedLayer]


class KeptKind(Strict):
    """One kind of kept files, and how many are of older versions."""

    kind: str
    kept: int
    stale: int


class Kept(Strict):
    """What is kept of past work: `crisp-hw cache info`."""

    schema_: Literal["crisp-hw/kept/1"] = Field(alias="schema")
    folder: str
    entries: int
    stale: int
    size_bytes: int
    kinds: list[KeptKind]
    versions: Versions


class Means(Strict):
    """Something that this program may use, and whether it works."""

    name: str
    status: Literal["found", "missing", "broken"]
    version: str | None
    use: str
    place: str | None
    advice: str | None


class Doctor(Strict):
    """What is installed: `crisp-hw doctor`."""

    schema_: Literal["crisp-hw/doctor/1"] = Field(alias="schema")
    versions: Versions
    parts: list[Means]


class CheckedFile(Strict):
    """A file that was checked, and how many mistakes it has."""

    file: str
    mistakes: int


class Mistake(Strict):
    """One mistake: where it stands, and the next step."""

    file: str
    line: int | None
    place: str | None
    mistake: str
    hint: str | None


class Mistakes(Strict):
    """Files that were checked: `crisp-hw arch check`."""

    schema_: Literal["crisp-hw/mistakes/1"] = Field(alias="schema")
    files: list[CheckedFile]
    mistakes: list[Mistake]
