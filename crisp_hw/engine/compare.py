"""One mapping under two density models: what the tiles of a tensor hold by each."""

import numpy as np

from crisp_hw.engine.content import expected_occupancy, largest_occupancy, prob_empty
from crisp_hw.engine.tiling import Tile, Tiling
from crisp_hw.spec.design import DesignPoint
from crisp_hw.spec.evaluation import TileCheck, TileContent
from crisp_hw.spec.patterns import Density


def compare_tiles(point: DesignPoint, tensor: str, model: Density) -> tuple[TileCheck, ...]:
    """Content of a tensor's tiles in every level that keeps it, by the point's own density and by another one."""
    design, mapping = point.design, point.mapping
    tiling = Tiling(design.problem, design.architecture, mapping.nest, np.array([mapping.bounds], dtype=np.int64).T)
    found, size = design.problem.tensor(tensor), tiling.size(design.problem.tensor(tensor))
    checks = []
    for index, level in enumerate(design.architecture.levels):
        if tensor in mapping.nest.keeps[index]:
            tile = tiling.tile_below(tiling.ends[index], found)
            own, other = (_content(density, size, tile) for density in (found.density, model))
            checks.append(TileCheck(level.name, tile.columns()[0], own, other))
    return tuple(checks)


def _content(density: Density, size: int, tile: Tile) -> TileContent:
    mean, empty = expected_occupancy(density, size, tile), prob_empty(density, size, tile)
    return TileContent(float(mean[0]), int(largest_occupancy(density, size, tile)[0]), float(empty[0]))
