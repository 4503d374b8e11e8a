"""A mapping as what is drawn and read: per level its loops, the tiles that it keeps, and how many children it feeds."""

from dataclasses import dataclass

import numpy as np

from crisp_hw.engine.tiling import Tiling
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.mapping import Loop
from crisp_hw.spec.result import Result


@dataclass(frozen=True)
class Tile:
    """What one instance of a level keeps of a tensor: extents and words of the dense tile, and words reserved for it.

    `reserved` is less than `words` where a compressed tile never holds more nonzeros.
    """

    tensor: str
    extents: tuple[int, ...]
    words: int
    reserved: int


@dataclass(frozen=True)
class Floor:
    """One level of the hierarchy under a mapping, `loops` outermost first and only those of several iterations.

    `size_words` None is unbounded. `used` of `fanout` children below one instance are given work, as (x, y).
    """

    level: str
    instances: int
    size_words: int | None
    tiles: tuple[Tile, ...]
    loops: tuple[str, ...]
    used: tuple[int, int]
    fanout: tuple[int, int]

    @property
    def reserved(self) -> int:
        """Words that all tiles take."""
        return sum(tile.reserved for tile in self.tiles)


def floors(point: DesignPoint, result: Result) -> tuple[Floor, ...]:
    """Levels outermost first; `result` is that of the point."""
    design, mapping = point.design, point.mapping
    arch, nest = design.architecture, mapping.nest
    residuals = None if mapping.residuals is None else np.array(mapping.residuals, dtype=np.int64)[:, None]
    bounds = np.array(mapping.bounds, dtype=np.int64)[:, None]
    tiling = Tiling(design.problem, arch, nest, bounds, residuals, design.rules)
    rests = mapping.residuals or mapping.bounds
    found = []
    for index, level in reversed(tuple(enumerate(arch.levels))):
        reserved = {name: counts.utilized_capacity for name, counts in result.levels[index].tensors.items()}
        tiles = [
            (tensor.name, tiling.tile_below(tiling.ends[index], tensor))
            for tensor in design.problem.tensors
            if tensor.name in nest.keeps[index]
        ]
        here = [j for j in reversed(range(len(nest.loops))) if nest.loops[j].level == index and mapping.bounds[j] > 1]
        found.append(
            Floor(
                level=level.name,
                instances=level.instances,
                size_words=level.size_words,
                tiles=tuple(
                    Tile(n, tuple(int(e[0]) for e in t.extents), int(t.words[0]), reserved.get(n, int(t.words[0])))
                    for n, t in tiles
                ),
                loops=tuple(loop_text(nest.loops[j], mapping.bounds[j], rests[j]) for j in here),
                used=(_lanes(point, index, "x"), _lanes(point, index, "y")),
                fanout=arch.fanouts[index],
            )
        )
    return tuple(found)


def loop_text(loop: Loop, bound: int, last: int) -> str:
    """A loop in words; `last` is the bound in the last iteration of the loops over its dimension outside it.

    >>> loop_text(Loop(0, "K", "temporal"), 8, 8), loop_text(Loop(1, "M", "y"), 4, 3)
    ('for K in 0:8', 'across y: M in 0:4 (last 0:3)')
    """
    head = "for" if loop.kind == "temporal" else f"across {loop.kind}:"
    return f"{head} {loop.dim} in 0:{bound}{f' (last 0:{last})' if last != bound else ''}"


def _lanes(point: DesignPoint, index: int, kind: str) -> int:
    lanes = 1
    for loop, bound in zip(point.mapping.nest.loops, point.mapping.bounds, strict=True):
        lanes *= bound if loop.level == index and loop.kind == kind else 1
    return lanes
