"""How sparse one layer can get: its role, the grid of its units, and the fewest weights that it must keep."""

from dataclasses import dataclass
from math import ceil
from typing import assert_never

from torch import Tensor, nn

from crisp_hw.errors import InputError
from crisp_hw.spec.descriptors import Role
from crisp_prune.blocks import Grid
from crisp_prune.budget import TOLERANCE
from crisp_prune.choices import BALANCED, WITH_NM, Layout
from crisp_prune.config import CrispConfig, match_glob
from crisp_prune.matrix import to_matrix
from crisp_prune.nm import kept_columns
from crisp_prune.sites import Site, weight_of


@dataclass(frozen=True)
class LayerPlan:
    """One layer's role, the reason for it, its block grid, and the fewest weights that it must keep.

    `nm_kept` are the weights that N:M alone keeps; `lowest_kept` those of the sparsest state that is always
    reachable, whichever blocks turn out to be the worst (a partial block counts as pruned first).
    """

    name: str
    role: Role
    reason: str
    grid: Grid
    nm_kept: int
    lowest_kept: int

    @property
    def weights(self) -> int:
        """All weights of the layer."""
        return self.grid.rows * self.grid.columns


def plan_layer(model: nn.Module, config: CrispConfig, site: Site, automatic: tuple[Role, str]) -> LayerPlan:
    """Role with the user's overrides, and the arithmetic of the layer; `automatic` is what it has without them.

    >>> from crisp_prune.sites import find_sites
    >>> model = nn.Sequential(nn.Linear(16, 8))
    >>> plan_layer(model, CrispConfig(block=8), find_sites(model)[0], ("hybrid", "linear")).lowest_kept
    32
    """
    role, reason = automatic
    wanted = match_glob(config.roles, site.name)
    if wanted is not None and wanted != role:
        if site.obstacle and wanted != "dense":
            raise InputError(f"{site.name} cannot be {wanted}: {site.obstacle}", hint="take it out of roles")
        if (wanted == "hybrid" and config.pattern == "nm") or (wanted == "nm" and config.pattern not in WITH_NM):
            said = f"{site.name} cannot be {wanted}: the pattern {config.pattern} has no such layers"
            raise InputError(said, hint="choose another pattern or role")
        role, reason = wanted, f"set by the user (else {role}: {reason})"
    grid = _grid(weight_of(model, site.uses[0]).detach(), site.layout, config)
    rows, columns = grid.rows, grid.columns
    nm_kept = rows * kept_columns(columns, config.n, config.m) if role != "dense" else rows * columns
    lowest = nm_kept
    if role == "hybrid":
        lowest = _lowest_kept(grid, config, match_glob(config.max_sparsity, site.name))
        if lowest == nm_kept:
            reason += f"; no {'block' if config.pattern in BALANCED else 'unit'} can go"
    return LayerPlan(site.name, role, reason, grid, nm_kept, lowest)


def _grid(weight: Tensor, layout: Layout, config: CrispConfig) -> Grid:
    """The units of a weight under the pattern."""
    rows, columns = to_matrix(weight, layout).shape
    kernel = 1 if layout == "stacked" else weight.shape[2:].numel()
    high, taps = (kernel, 1) if layout == "turned" else (1, kernel)  # of a kernel: its rows and its columns
    side = config.block
    match config.pattern:
        case "hybrid" | "block" | "nm":
            return Grid(rows, columns, side)
        case "vector":
            return Grid(rows, columns, 1, side)
        case "column":
            return Grid(rows, columns, side, 1)
        case "kernel":
            return Grid(rows, columns, high, taps, taps)
        case "channel":
            return Grid(rows, columns, rows, taps, taps)
        case "filter":
            return Grid(rows, columns, high, columns)
        case "unstructured":
            return Grid(rows, columns, 1, 1)
    assert_never(config.pattern)


def _lowest_kept(grid: Grid, config: CrispConfig, ceiling: float | None) -> int:
    """Kept weights with as much pruned as floor and ceiling allow, what is partial pruned first."""
    if config.pattern not in BALANCED:
        unit, weights = grid.block * grid.across, grid.rows * grid.columns
        least = grid.rows if config.scope == "row" else min(unit, weights)
        allowed = 0 if ceiling is None else ceil(weights * (1 - ceiling) / least - TOLERANCE) * least
        return min(max(least, allowed), weights)
    per_block = [kept_columns(width, config.n, config.m) for width in grid.column_sizes]
    all_kept, full, partial = sum(per_block), per_block[0], per_block[-1]
    count = len(per_block) - 1
    if ceiling is not None:
        while count and 1 - (all_kept - count * full) / grid.columns > ceiling + TOLERANCE:
            count -= 1
    return grid.rows * (all_kept - (partial + (count - 1) * full if count else 0))
