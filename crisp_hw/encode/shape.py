"""Sizes that the fabric can run with perfect factors: padding, and what was padded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from math import ceil

from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.constraints import Constraints
from crisp_hw.spec.cores import fills_array

NO_LIMIT = 1 << 30
"""Positions where no level accumulates: more than any layer has."""
SHAPES = 4096  # not given; assumed because a network has some dozen shapes, and a fabric some dozen parts


@dataclass(frozen=True)
class Fabric:
    """What a tile must fit: lanes (x) and rows (y) of MACs in a core, cores, positions of Z that a row accumulates.

    `latches` are the words of a core beside its MACs, which keep weights; `across` says how many elements of each
    dimension lie on the lanes where a case does not say otherwise. Not `filled`: the array has no shape to fill.
    """

    lanes: int
    rows: int
    cores: int
    positions: int
    latches: int = 1
    across: Mapping[str, int] = field(default_factory=dict, compare=False)
    filled: bool = True


@dataclass(frozen=True)
class Gemm:
    """Z[g,m,n] += A[g,m,k] * B[k,n], or B[g,k,n] when `own_b`: groups do not share their activations."""

    groups: int
    rows: int
    positions: int
    columns: int
    own_b: bool = False

    @property
    def macs(self) -> int:
        """Multiply-accumulates, zeros included."""
        return self.groups * self.rows * self.positions * self.columns


@dataclass(frozen=True)
class Steps:
    """Columns and positions that one step of a core takes across its lanes: K x lanes, or N x lanes (outer product)."""

    columns: int = 1
    positions: int = 1


def fabric_of(accelerator: Accelerator, constraints: Constraints | None = None) -> Fabric:
    """Sizes of the array, read off the block that fills it, and of the levels with the roles of its registers.

    M is the dimension of the rows, every other one is that of the lanes. Without such a block there is no array whose
    shape is fixed, and the layer keeps its sizes. `constraints` None are the accelerator's own.
    """
    given = accelerator.constraints if constraints is None else constraints
    block = next((each for each in given.levels if fills_array(each)), None)
    if block is None:
        return Fabric(1, 1, 1, NO_LIMIT, filled=False)
    open_ = {dim: factor.value for dim, factor in block.factors.items() if factor.value > 1}
    rows = open_.get("M", 1)
    across = {dim: size for dim, size in open_.items() if dim != "M"}
    cores = accelerator.cores
    sizes = [accelerator.architecture.level(name).size_words for name in accelerator.levels_of("accumulator")]
    positions = min((max(1, size // rows) for size in sizes if size), default=NO_LIMIT)
    latches = [accelerator.architecture.level(name) for name in accelerator.levels_of("latch")]
    words = sum((level.size_words or 1) * level.instances // cores for level in latches)
    return Fabric(max(across.values(), default=1), rows, cores, positions, max(1, words), across)


def chunked(total: int, limit: int) -> tuple[int, int]:
    """The fewest chunks of at most `limit`, all of one size: (chunks, size), with chunks * size >= total.

    >>> chunked(9, 4), chunked(8, 4), chunked(3, 4)
    ((3, 3), (2, 4), (1, 3))
    """
    chunks = ceil(total / limit)
    return chunks, ceil(total / chunks)


@cache
def padded_positions(positions: int, limit: int) -> int:
    """The next size whose tiles of at most `limit` are not small: a divisor in [limit / 2, limit], or one tile.

    >>> padded_positions(3136, 64), padded_positions(49, 64), padded_positions(197, 64)
    (3136, 49, 200)
    """
    if positions <= limit or any(positions % tile == 0 for tile in range(ceil(limit / 2), limit + 1)):
        return positions
    chunks, size = chunked(positions, limit)
    return chunks * size


def tiled_rows(gemm: Gemm, fabric: Fabric) -> Gemm:
    """Rows in whole strips of the array, groups in whole rounds of the cores that the strips leave.

    Fewer rows than the array has stay as they are (the rest of it idles). Rows that share their activations are cut
    into groups of at most one strip per core.

    >>> edge = Fabric(lanes=4, rows=16, cores=4, positions=64)
    >>> tiled_rows(Gemm(1, 256, 1, 1), edge)
    Gemm(groups=4, rows=64, positions=1, columns=1, own_b=False)
    >>> tiled_rows(Gemm(5, 24, 1, 1, own_b=True), edge)
    Gemm(groups=6, rows=32, positions=1, columns=1, own_b=True)
    """
    if gemm.rows < fabric.rows:
        rounds, strips, height = 1, 1, gemm.rows
    else:
        rounds, strips = chunked(ceil(gemm.rows / fabric.rows), fabric.cores)
        height = fabric.rows
    if not gemm.own_b:
        return replace(gemm, groups=gemm.groups * rounds, rows=strips * height)
    repeats, at_once = chunked(gemm.groups, fabric.cores // strips)
    return replace(gemm, groups=repeats * at_once, rows=rounds * strips * height)


def smaller(fabric: Fabric, gemm: Gemm, steps: Steps) -> Iterator[Fabric]:
    """The fabric, then every part of it that pads the product otherwise: fewer cores, or smaller tiles of positions.

    >>> edge = Fabric(lanes=4, rows=16, cores=4, positions=64)
    >>> [part.cores for part in smaller(edge, Gemm(1, 160, 64, 4), Steps(4))]
    [4, 3, 2, 1]
    >>> small = Fabric(lanes=4, rows=16, cores=1, positions=64)
    >>> tiles = [part.positions for part in smaller(small, Gemm(1, 16, 65, 4), Steps(4))]
    >>> tiles, [padded_positions(65, tile) for tile in tiles]
    ([64, 26, 4], [66, 65, 68])
    """
    wide = ceil(gemm.positions / steps.positions)
    others = _paddings(wide, max(1, min(fabric.positions // steps.positions, wide)))[1:]
    tiles = (fabric.positions, *(limit * steps.positions for limit in others))
    lanes, rows, latches, across = fabric.lanes, fabric.rows, fabric.latches, fabric.across
    for cores in range(fabric.cores, 0, -1):  # of thousands, most are dropped at once, and `replace` is slow
        yield from (Fabric(lanes, rows, cores, size, latches, across, fabric.filled) for size in tiles)


@cache
def _paddings(wide: int, most: int) -> tuple[int, ...]:
    """The largest limits up to `most` of each size to which `wide` positions are padded, descending."""
    limits: dict[int, int] = {}
    for limit in range(most, 0, -1):
        limits.setdefault(padded_positions(wide, limit), limit)
    return tuple(limits.values())


@lru_cache(SHAPES)
def padded(gemm: Gemm, fabric: Fabric, steps: Steps) -> tuple[Gemm, tuple[str, ...]]:
    """The GEMM in sizes that divide evenly, and one sentence for each size that grew."""
    columns = ceil(gemm.columns / steps.columns) * steps.columns
    wide = ceil(gemm.positions / steps.positions)
    positions = steps.positions * padded_positions(wide, max(1, fabric.positions // steps.positions))
    whole = replace(tiled_rows(gemm, fabric), columns=columns, positions=positions)
    notes = []
    if columns > gemm.columns:
        notes.append(
            f"K is padded from {gemm.columns} to {columns} columns, a multiple of {steps.columns} across the lanes"
        )
    if positions > gemm.positions:
        notes.append(
            f"N is padded from {gemm.positions} to {positions} positions, in equal tiles of at most {fabric.positions}"
        )
    before, after = gemm.groups * gemm.rows, whole.groups * whole.rows
    if after > before:
        shape = f"{whole.groups} x {whole.rows} on {fabric.cores} cores of {fabric.rows} rows"
        notes.append(f"M is padded from {before} to {after} rows (G x M = {shape})")
    if gemm.rows < fabric.rows:
        notes.append(f"only {gemm.rows} of {fabric.rows} rows of each core are used")
    return whole, tuple(notes)


def multiples(gemm: Gemm, pads: Mapping[str, int]) -> tuple[Gemm, tuple[str, ...]]:
    """The GEMM with sizes that are multiples of what the accelerator asks for, and one sentence for each that grew.

    >>> multiples(Gemm(1, 10, 7, 27), {"K": 16})
    (Gemm(groups=1, rows=10, positions=7, columns=32, own_b=False), ('K is padded from 27 to 32, a multiple of 16',))
    """
    old = {"G": gemm.groups, "M": gemm.rows, "N": gemm.positions, "K": gemm.columns}
    new = {dim: ceil(size / pads.get(dim, 1)) * pads.get(dim, 1) for dim, size in old.items()}
    notes = (f"{d} is padded from {old[d]} to {new[d]}, a multiple of {pads[d]}" for d in pads if new[d] > old[d])
    return Gemm(new["G"], new["M"], new["N"], new["K"], gemm.own_b), tuple(notes)
