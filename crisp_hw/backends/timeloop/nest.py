"""Timeloop's map.txt: the loops that really ran."""

import re
from collections.abc import Mapping as Names

from crisp_hw.spec.design import DesignPoint

Ran = tuple[str, str, str, int]
"""Level, dimension, kind (temporal, x or y) and bound of a loop."""

_LEVEL = re.compile(r"(\S+) \[.*\]\s*")
_LOOP = re.compile(r"\|\s*for (\w+) in \[0:(\d+)(?:,\d+)?\)(?: \(Spatial-([XY])\))?\s*")
_KINDS: Names[str, str] = {"X": "x", "Y": "y"}


def read_nest(text: str) -> tuple[Ran, ...]:
    """The loops of one map.txt, outermost first; those with a bound of 1 are not printed.

    >>> read_nest("SMEM [ A:8 (8) ]\\n------\\n| for M in [0:4) (Spatial-Y)\\n|   for K in [0:2)\\n")
    (('SMEM', 'M', 'y', 4), ('SMEM', 'K', 'temporal', 2))
    """
    found: list[Ran] = []
    level = ""
    for line in text.splitlines():
        if heading := _LEVEL.fullmatch(line):
            level = heading[1]
        elif loop := _LOOP.fullmatch(line):
            found.append((level, loop[1], _KINDS.get(loop[3], "temporal"), int(loop[2])))
    return tuple(found)


def expected_nest(point: DesignPoint) -> tuple[Ran, ...]:
    """The loops that map.txt must show for a design point."""
    levels = point.design.architecture.levels
    pairs = zip(point.mapping.nest.loops, point.mapping.bounds, strict=True)
    loops = [(levels[loop.level].name, loop.dim, loop.kind, bound) for loop, bound in pairs if bound > 1]
    return tuple(reversed(loops))
