"""The committed grid of SRAM arrays: numbers between two sizes, never beyond them.

Along the size, CACTI's energies are smooth as long as it cuts the array up in the same way, and jump by up to a half
where it does not. The grid holds both sides of each jump, so that log-log interpolation stays on one piece. Across the
width CACTI jumps as much and no grid of this size can hold that, so widths, banks and nodes are those of the grid.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from crisp_hw.characterization.sram import SramArray, SramNumbers, check_node
from crisp_hw.data_files import data_folder
from crisp_hw.errors import InputError
from crisp_hw.machine.yaml_files import checked, read_mapping

FILE = "sram-grid.yaml"
CurveKey = tuple[int, int, int]
"""Node in nm, banks, width in bits."""
AMOUNTS = tuple(f.name for f in fields(SramNumbers) if f.name != "organisation")


@dataclass(frozen=True)
class Point:
    """One array that CACTI was asked."""

    depth: int
    numbers: SramNumbers


@dataclass(frozen=True)
class Grid:
    """Curves of points of growing depth, and how CACTI was asked."""

    curves: Mapping[CurveKey, Sequence[Point]]
    source: str

    @property
    def hull(self) -> str:
        """What the grid spans, in words."""
        kilobytes = sorted(key[2] * p.depth / 8192 for key, points in self.curves.items() for p in points)
        nodes, banks, widths = (", ".join(map(str, sorted({key[i] for key in self.curves}))) for i in range(3))
        spans = f"{kilobytes[0]:.3g} to {kilobytes[-1]:.5g} KB"
        return f"{spans}, widths of {widths} bits, {banks} bank(s), {nodes} nm"

    def holds(self, array: SramArray) -> bool:
        """Was CACTI asked for this very array?"""
        points = self.curves.get((array.node_nm, array.banks, array.width_bits), ())
        return any(point.depth == array.depth for point in points)


class _Provenance(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)
    tool: str
    version: str
    configuration: str
    query: str
    date: str


class _GridFile(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)
    schema_: str = Field(alias="schema", pattern="^crisp-hw/sram-grid/1$")
    provenance: _Provenance
    columns: list[str]
    rows: str


@lru_cache(maxsize=4)
def load_grid(path: Path | None = None) -> Grid:
    """The grid of a file, or (None) the committed one; InputError for a file that is not one.

    >>> load_grid().hull.endswith("22, 32, 45, 65, 90 nm")
    True
    """
    file = path or data_folder("arch") / "energy" / FILE
    try:
        content = checked(_GridFile, read_mapping(file, "run make characterize"), "grid")
        rows = [_row(line.split(",")) for line in content.rows.splitlines()]
    except (InputError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"{file}: is no grid of SRAM arrays ({reason}); run make characterize") from error
    how = content.provenance
    source = f"{how.tool} {how.version}, {how.query}, {how.configuration}, {how.date}"
    return Grid({key: [p for _, p in found] for key, found in groupby(rows, key=lambda row: row[0])}, source)


def _row(cells: Sequence[str]) -> tuple[CurveKey, Point]:
    node, banks, width, depth = (int(cell) for cell in cells[:4])
    values = {name: float(cell) for name, cell in zip(AMOUNTS, cells[4:-1], strict=True)}
    numbers = SramNumbers(**values, organisation=cells[-1])
    return (node, banks, width), Point(depth, numbers)


def row_text(key: CurveKey, point: Point) -> str:
    """One line of the file's `rows`.

    >>> row_text((45, 1, 64), Point(128, SramNumbers(1.5, 2.0, 0.25, 900.0, 0.75, 0.5, "2x2x1x2x1x1")))
    '45,1,64,128,1.5,2,0.25,900,0.75,0.5,2x2x1x2x1x1'
    """
    return ",".join(
        f"{v:.6g}" if isinstance(v, float) else str(v) for v in (*key, point.depth, *astuple(point.numbers))
    )


def interpolate(grid: Grid, array: SramArray) -> SramNumbers:
    """Numbers of one array: the grid's own, or log-log between its neighbours in depth.

    Raises InputError, naming the hull, for an array outside of the grid.

    >>> round(interpolate(load_grid(), SramArray(64, 32768)).read_pj, 3)
    44.716
    """
    check_node(array.node_nm)
    points = grid.curves.get((array.node_nm, array.banks, array.width_bits), ())
    if not points or not points[0].depth <= array.depth <= points[-1].depth:
        there = ""
        if points:
            ends = (f"{array.width_bits * p.depth / 8192:.5g}" for p in (points[0], points[-1]))
            there = f"; at this width, banks and node it spans {' to '.join(ends)} KB"
        raise InputError(f"{array}: outside of the grid ({grid.hull}){there}; ask CACTI itself with the energy cacti")
    return between(points, array.depth)


def deepened(grid: Grid, array: SramArray) -> SramArray:
    """An array shallower than any of its width that CACTI was asked for, as the shallowest of them.

    >>> deepened(load_grid(), SramArray(32, 64)).depth
    128
    """
    points = grid.curves.get((array.node_nm, array.banks, array.width_bits), ())
    return replace(array, depth=max(array.depth, points[0].depth)) if points else array


def between(points: Sequence[Point], depth: int) -> SramNumbers:
    """Log-log interpolation in depth; across a jump that is narrower than the grid resolves, the nearer side.

    >>> ends = [Point(d, SramNumbers(e, e, e, e, e, e, "one")) for d, e in ((64, 1.0), (256, 4.0))]
    >>> round(between(ends, 128).read_pj, 12)
    2.0
    """
    place = bisect_left(points, depth, key=lambda point: point.depth)
    above = points[place]
    if above.depth == depth:
        return above.numbers
    below = points[place - 1]
    share = math.log(depth / below.depth) / math.log(above.depth / below.depth)
    if below.numbers.organisation != above.numbers.organisation:
        return (below if share < 0.5 else above).numbers
    return _blend(below.numbers, above.numbers, share)


def _blend(below: SramNumbers, above: SramNumbers, share: float) -> SramNumbers:
    values: dict[str, float] = {
        name: getattr(below, name) ** (1 - share) * getattr(above, name) ** share for name in AMOUNTS
    }
    return SramNumbers(**values, organisation=below.organisation)


@dataclass(frozen=True)
class Errors:
    """Relative errors of an interpolation: how many, the middle one, the 95th of a hundred, the largest."""

    count: int
    median: float
    p95: float
    worst: float


def errors_of(found: Iterable[float]) -> Errors:
    """Summary of relative errors.

    >>> errors_of([0.01, 0.03, 0.02])
    Errors(count=3, median=0.02, p95=0.03, worst=0.03)
    """
    ordered = sorted(found)
    last = len(ordered) - 1
    return Errors(len(ordered), ordered[last // 2], ordered[math.ceil(0.95 * last)], ordered[-1])


def leave_one_out(grid: Grid, amount: str = "read_pj") -> tuple[Errors, Errors]:
    """Errors when a point is left out and interpolated from its neighbours: inside of pieces, and at their ends.

    At the end of a piece the neighbours lie on both sides of a jump, so there one of them stands for the point.
    """
    inside: list[float] = []
    ends: list[float] = []
    for points in grid.curves.values():
        for before, point, after in zip(points, points[1:], points[2:], strict=False):
            guess = getattr(between((before, after), point.depth), amount)
            error = abs(guess / getattr(point.numbers, amount) - 1)
            cuts = {each.numbers.organisation for each in (before, point, after)}
            (inside if len(cuts) == 1 else ends).append(error)
    return errors_of(inside), errors_of(ends)
