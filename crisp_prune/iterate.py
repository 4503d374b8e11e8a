"""One pruning iteration as a pure function: scores and masks in, masks out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from crisp_hw.errors import InputError, Where
from crisp_prune.blocks import Grid, RankColumns, block_scores, expand, live_blocks, rank_columns
from crisp_prune.budget import Budget, highest_of, select
from crisp_prune.choices import BALANCED
from crisp_prune.config import CrispConfig
from crisp_prune.nm import nm_mask
from crisp_prune.units import live_units


@dataclass(frozen=True)
class MatrixMasks:
    """The masks of one layer in the matrix view: `nm` bool[S, K] and the live `blocks` bool[block rows, columns].

    >>> MatrixMasks(torch.tensor([[True, False]]), torch.tensor([[True]]), Grid(1, 2, 2)).keep.tolist()
    [[True, False]]
    """

    nm: Tensor
    blocks: Tensor
    grid: Grid

    @property
    def keep(self) -> Tensor:
        """bool[S, K]: weights that N:M keeps inside live blocks."""
        return self.nm & self.live

    @property
    def live(self) -> Tensor:
        """bool[S, K]: weights inside live blocks."""
        return expand(self.blocks, self.grid)


@dataclass(frozen=True)
class Iteration:
    """What one pruning iteration did: target and sparsity (N:M counted), and live blocks of a row or live units."""

    index: int
    target: float
    sparsity: float
    live_blocks: Mapping[str, int] = field(default_factory=dict)


def dense_masks(grid: Grid) -> MatrixMasks:
    """Masks that keep everything.

    >>> bool(dense_masks(Grid(4, 4, 4)).keep.all())
    True
    """
    everything = torch.ones(grid.rows, grid.columns, dtype=torch.bool)
    return MatrixMasks(everything, torch.ones(grid.shape, dtype=torch.bool), grid)


def sparsity_of(masks: Mapping[str, MatrixMasks]) -> float:
    """1 - kept / all over the layers given (0.0 for none).

    >>> sparsity_of({"a": dense_masks(Grid(4, 4, 4))})
    0.0
    """
    total = sum(layer.nm.numel() for layer in masks.values())
    return 1 - sum(int(layer.keep.sum()) for layer in masks.values()) / total if total else 0.0


def nm_masks(scores: Mapping[str, Tensor], masks: Mapping[str, MatrixMasks], n: int, m: int) -> dict[str, MatrixMasks]:
    """New N:M masks from the scores [S, K] of the dense weights; the blocks stay. InputError for NaN or infinity.

    >>> masks = nm_masks({"a": torch.tensor([[1.0, 2.0]])}, {"a": dense_masks(Grid(1, 2, 2))}, 1, 2)
    >>> masks["a"].keep.int().tolist()
    [[0, 1]]
    """
    for name, score in scores.items():
        if not bool(torch.isfinite(score).all()):
            raise InputError("the saliency is not finite", Where(key=name), "lower the learning rate or check the data")
    return {
        name: MatrixMasks(nm_mask(scores[name], n, m).cpu(), layer.blocks, layer.grid) for name, layer in masks.items()
    }


def next_masks(
    scores: Mapping[str, Tensor],
    masks: Mapping[str, MatrixMasks],
    config: CrispConfig,
    budget: Budget,
    target: float | None,
) -> dict[str, MatrixMasks]:
    """The masks after one iteration: N:M anew, then rank columns pruned until `target` (None: N:M alone).

    `scores` are [S, K] per layer. Layers named in `budget.hybrid` may lose blocks; pruned blocks stay pruned.

    >>> config = CrispConfig(sparsity=0.75, n=1, m=2, block=2)
    >>> budget = Budget(total=8, fixed=0, highest={}, hybrid=("a",))
    >>> scores = {"a": torch.tensor([[4.0, 3.0, 2.0, 1.0], [8.0, 7.0, 6.0, 5.0]])}
    >>> next_masks(scores, {"a": dense_masks(Grid(2, 4, 2))}, config, budget, 0.75)["a"].keep.int().tolist()
    [[1, 0, 0, 0], [1, 0, 0, 0]]
    """
    after = nm_masks(scores, masks, config.n, config.m)
    if target is None:
        return after
    units = {
        name: block_scores(scores[name].cpu(), after[name].nm, after[name].blocks, after[name].grid)
        for name in budget.hybrid
    }
    grids = {name: after[name].grid for name in units}
    if config.pattern in BALANCED:
        ranks = {name: rank_columns(units[name], grids[name], (config.n, config.m)) for name in units}
        live = {name: live_blocks(ranks[name], count) for name, count in _counts(ranks, config, budget, target).items()}
    else:
        live = live_units(units, grids, budget, target, config)
    return after | {name: MatrixMasks(after[name].nm, blocks, grids[name]) for name, blocks in live.items()}


def _counts(ranks: Mapping[str, RankColumns], config: CrispConfig, budget: Budget, target: float) -> Mapping[str, int]:
    """Rank columns to prune by layer: chosen over all layers, or in each for itself."""
    if config.scope == "global":
        return select(ranks, budget, target, config.normalize)
    counts: dict[str, int] = {}
    for name, own in ranks.items():
        one = Budget(sum(own.weights), 0, budget.highest, (name,))
        counts |= select({name: own}, one, min(target, highest_of(own, one)), config.normalize)
    return counts
