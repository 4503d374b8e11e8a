"""Writes the grid of SRAM arrays: `python tools/energy_tables/make_grid.py --out arch/energy/sram-grid.yaml`.

About an hour on one core the first time; an interrupted run goes on from the cache.
"""

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path

from crisp_hw.characterization.cacti import Cacti, ask, find_cacti
from crisp_hw.characterization.grid import AMOUNTS, CurveKey, Point, row_text
from crisp_hw.characterization.sram import MIN_DEPTH, NODES_NM, SramArray, SramNumbers
from crisp_hw.errors import CrispError
from crisp_hw.machine.writing import write_text

WIDTHS_BITS = (32, 64, 128, 256, 512)
BANKS = (1, 2, 4)
SMALLEST_KB, LARGEST_KB = 0.5, 2048
STEPS_PER_OCTAVE = 2
RESOLUTION = 1.005  # both sides of a jump are at most this factor apart in depth
NEAR = 1.02  # probes lie this factor below and above each power of two

HEAD = """\
# Energy, leakage, area and times of SRAM arrays as CACTI computed them. Written by
#   python tools/energy_tables/make_grid.py --out arch/energy/sram-grid.yaml     (make characterize)
# so run that again rather than edit this file.
#
# schema: crisp-hw/sram-grid/1. Each row is one array: node, banks, width of an access, entries; pJ per access, uW of
# the whole array, um2, ns; and how CACTI cut the array up (Ndwl x Ndbl x Nspd x Ndcm x Ndsam1 x Ndsam2). Rows of one
# node, banks and width stand in order of depth; where the cut changes, the rows on both sides are at most 0.5 % apart.
schema: crisp-hw/sram-grid/1
"""


def steps(banks: int, width_bits: int) -> list[int]:
    """Depths of the grid itself: every power of two of entries, and steps of half an octave of capacity.

    >>> steps(1, 32)[:5]
    [128, 181, 256, 362, 512]
    """
    least = max(MIN_DEPTH * banks, math.ceil(SMALLEST_KB * 8192 / width_bits))
    most = LARGEST_KB * 8192 // width_bits
    count = round(math.log2(LARGEST_KB / SMALLEST_KB) * STEPS_PER_OCTAVE)
    sizes = (SMALLEST_KB * 2 ** (step / STEPS_PER_OCTAVE) for step in range(count + 1))
    found = {round(size * 8192 / width_bits) for size in sizes} | {2**power for power in range(6, most.bit_length())}
    return sorted({least, most} | {depth for depth in found if least <= depth <= most})


def probes(grid: Sequence[int]) -> list[int]:
    """Depths that show a cut which neither neighbour in the grid has: around each power of two, and half way.

    >>> probes([128, 181, 256])
    [131, 152, 215, 251]
    """
    powers = [depth for depth in grid if depth & (depth - 1) == 0]
    near = {round(depth * factor) for depth in powers for factor in (1 / NEAR, NEAR)}
    between = {round(math.sqrt(low * high)) for low, high in pairwise(grid)}
    return sorted(depth for depth in (near | between) - set(grid) if grid[0] < depth < grid[-1])


def curve(asked: Callable[[int], SramNumbers], grid: Sequence[int]) -> list[Point]:
    """The points of one width, banks and node: those of the grid, and both sides of every jump between them.

    >>> cut = lambda depth: SramNumbers(1, 1, 1, 1, 1, 1, "small" if depth < 1000 else "large")
    >>> [point.depth for point in curve(cut, [900, 920, 1030])]
    [900, 920, 997, 1001, 1030]
    """
    points: list[Point] = []
    for depth in sorted({*grid, *probes(grid)}):
        point = Point(depth, asked(depth))
        points += [*(_jumps(asked, points[-1], point) if points else ()), point]
    kept = [points[0]]
    for point, after in pairwise(points[1:]):
        cuts = {each.numbers.organisation for each in (kept[-1], point, after)}
        if len(cuts) > 1 or point.depth in grid:
            kept.append(point)
    return [*kept, points[-1]]


def _jumps(asked: Callable[[int], SramNumbers], low: Point, high: Point) -> Iterator[Point]:
    """Points strictly between two that lie beside a change of the cut, by bisection."""
    if low.numbers.organisation == high.numbers.organisation or high.depth - low.depth < 2:
        return
    if high.depth / low.depth <= RESOLUTION:
        return
    depth = min(max(round(math.sqrt(low.depth * high.depth)), low.depth + 1), high.depth - 1)
    middle = Point(depth, asked(depth))
    yield from _jumps(asked, low, middle)
    cuts = {each.numbers.organisation for each in (low, middle, high)}
    if len(cuts) > 1:
        yield middle
    yield from _jumps(asked, middle, high)


def render(curves: Sequence[tuple[CurveKey, Sequence[Point]]], tool: Cacti, today: date) -> str:
    """The YAML text of a grid."""
    columns = ("node_nm", "banks", "width_bits", "depth", *AMOUNTS, "organisation")
    lines = [
        "provenance:",
        "  tool: hwcomponents-cacti",
        f'  version: "{tool.version}"',
        f'  configuration: "{tool.setup}"',
        '  query: "size = width x depth, block = bus = width, the row\'s banks and node, no tags"',
        f'  date: "{today.isoformat()}"',
        f"columns: [{', '.join(columns)}]",
        "rows: |",
    ]
    lines += [f"  {row_text(key, point)}" for key, points in curves for point in points]
    return HEAD + "\n".join(lines) + "\n"


def measure(say: Callable[[str], object]) -> str:
    """Asks CACTI for every curve; returns the text of the file."""
    tool, curves = find_cacti(), []
    keys = [(node, banks, width) for node in NODES_NM for banks in BANKS for width in WIDTHS_BITS]
    for number, (node, banks, width) in enumerate(keys):
        say(f"{number + 1} of {len(keys)}: {node} nm, {banks} bank(s), {width} bits")

        def asked(depth: int, key: CurveKey = (node, banks, width)) -> SramNumbers:
            return ask(SramArray(key[2], depth, key[1], key[0]), tool).numbers

        curves.append(((node, banks, width), curve(asked, steps(banks, width))))
    return render(curves, tool, date.today())


def main(arguments: Sequence[str] | None = None) -> None:
    """Parses the command line and writes the grid; a missing tool or folder is one sentence and exit code 2."""
    parser = argparse.ArgumentParser(prog="python tools/energy_tables/make_grid.py", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="YAML file to write")
    options = parser.parse_args(arguments)
    try:
        write_text(options.out, measure(lambda line: parser._print_message(f"{line}\n")))
    except CrispError as error:
        parser.exit(error.exit_code, f"{error}\n")


if __name__ == "__main__":
    main()
