"""How far the grid's interpolation is off: `python tools/energy_tables/check_grid.py [--asked 1000]`.

Prints the tables of docs/energy.md: points of the grid left out, and arrays that are not in it asked of CACTI.
"""

import argparse
import math
import random
import sys
from collections.abc import Callable, Iterator, Sequence

from crisp_hw.characterization.cacti import ask, find_cacti
from crisp_hw.characterization.grid import Errors, Grid, errors_of, interpolate, leave_one_out, load_grid
from crisp_hw.characterization.sram import SramArray, SramNumbers
from crisp_hw.errors import CrispError

AMOUNTS = ("read_pj", "write_pj", "leakage_uw", "area_um2")
SEED = 20261121


def left_out_table(grid: Grid) -> str:
    """Markdown: errors of left-out points, inside of pieces and at their ends."""
    lines = ["| left out | points | read | write | leakage | area |", "|---|---|---|---|---|---|"]
    both = [leave_one_out(grid, amount) for amount in AMOUNTS]
    for place, name in enumerate(("inside of a piece", "at the end of one")):
        found = [pair[place] for pair in both]
        lines.append(f"| {name} | {found[0].count} | {' | '.join(map(_text, found))} |")
    return "\n".join(lines)


def asked_table(grid: Grid, arrays: Sequence[SramArray], answer: Callable[[SramArray], SramNumbers]) -> str:
    """Markdown: errors of the interpolation for arrays that `answer` knows."""
    pairs = [(interpolate(grid, array), answer(array)) for array in arrays]
    found = [errors_of(abs(getattr(a, name) / getattr(b, name) - 1) for a, b in pairs) for name in AMOUNTS]
    head = "| asked anew | arrays | read | write | leakage | area |\n|---|---|---|---|---|---|\n"
    return f"{head}| anywhere in the grid | {len(arrays)} | {' | '.join(map(_text, found))} |"


def off_grid(grid: Grid, count: int, seed: int = SEED) -> Iterator[SramArray]:
    """Arrays drawn at random that the grid does not hold: any of its nodes, banks and widths, depths by logarithm."""
    chance = random.Random(seed)
    keys = sorted(grid.curves)
    while count:
        node, banks, width = chance.choice(keys)
        points = grid.curves[node, banks, width]
        depth = round(math.exp(chance.uniform(math.log(points[0].depth), math.log(points[-1].depth))))
        array = SramArray(width, depth, banks, node)
        if not grid.holds(array):
            count -= 1
            yield array


def _text(errors: Errors) -> str:
    """Median, 95th percentile, worst.

    >>> _text(Errors(3, 0.001, 0.02, 0.5))
    '0.1 / 2.0 / 50.0 %'
    """
    return " / ".join(f"{100 * part:.1f}" for part in (errors.median, errors.p95, errors.worst)) + " %"


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the tables; a missing tool is one sentence and exit code 2."""
    parser = argparse.ArgumentParser(prog="python tools/energy_tables/check_grid.py", description=__doc__)
    parser.add_argument("--asked", type=int, default=0, help="arrays off the grid to ask CACTI for [none]")
    options = parser.parse_args(arguments)
    grid = load_grid()
    try:
        sys.stdout.write(f"{left_out_table(grid)}\n")
        if options.asked:
            tool = find_cacti()
            arrays = list(off_grid(grid, options.asked))
            sys.stdout.write(f"\n{asked_table(grid, arrays, lambda array: ask(array, tool).numbers)}\n")
    except CrispError as error:
        parser.exit(error.exit_code, f"{error}\n")


if __name__ == "__main__":
    main()
