"""Sizes that the fabric can run with perfect factors: padding, and what was padded."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

from crisp_hw.spec.accelerator import Accelerator
from crisp_hw.spec.constraints import LevelConstraint


@dataclass(frozen=True)
class Fabric:
    """What a tile must fit: lanes (x) and rows (y) of MACs in a core, cores, positions of Z that a row accumulates.

    `latches` are the words of a core beside its MACs, which keep weights.
    """

    lanes: int
    rows: int
    cores: int
    positions: int
    latches: int = 1


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
    """Columns and positions that one step of a core takes across its lanes: K x lanes, or N x lanes (DSTC).

    `packed` is the most row tiles of the array whose nonzeros may be packed together.
    """

    columns: int = 1
    positions: int = 1
    packed: int = 1


def fabric_of(accelerator: Accelerator) -> Fabric:
    """Sizes of the array, read off the spatial blocks: M and one other dimension fill one of them."""
    arch, blocks = accelerator.architecture, [b for b in accelerator.constraints.levels if b.kind == "spatial"]
    array = next(block for block in blocks if fills_array(block))
    rows = array.factors["M"].value
    lanes = max(factor.value for dim, factor in array.factors.items() if dim != "M")
    size, lrf, cores = arch.level("RF").size_words, arch.level("LRF"), accelerator.cores
    latches = (lrf.size_words or 1) * lrf.instances // cores
    return Fabric(lanes, rows, cores, max(1, size // rows) if size else 1 << 30, latches)


def fills_array(block: LevelConstraint) -> bool:
    """Is it the block whose loops run over the MACs of one core?"""
    return block.kind == "spatial" and all(factor.relation == "=" for factor in block.factors.values())


def chunked(total: int, limit: int) -> tuple[int, int]:
    """The fewest chunks of at most `limit`, all of one size: (chunks, size), with chunks * size >= total.

    >>> chunked(9, 4), chunked(8, 4), chunked(3, 4)
    ((3, 3), (2, 4), (1, 3))
    """
    chunks = ceil(total / limit)
    return chunks, ceil(total / chunks)


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
    limits: dict[int, int] = {}
    for limit in range(max(1, min(fabric.positions // steps.positions, wide)), 0, -1):
        limits.setdefault(padded_positions(wide, limit), limit * steps.positions)
    tiles = (fabric.positions, *list(limits.values())[1:])
    for cores in range(fabric.cores, 0, -1):
        yield from (replace(fabric, cores=cores, positions=positions) for positions in tiles)


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
