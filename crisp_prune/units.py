"""Units that are pruned one by one (vectors, kernels, channels, weights) -> which of them live on at a target."""

from collections.abc import Mapping

import torch
from torch import Tensor

from crisp_hw.errors import InputError
from crisp_prune.blocks import PRUNED, Grid
from crisp_prune.budget import TOLERANCE, Budget
from crisp_prune.choices import Normalize
from crisp_prune.config import CrispConfig


def unit_sizes(grid: Grid) -> Tensor:
    """Weights of every unit: long[unit rows, unit columns].

    >>> unit_sizes(Grid(3, 4, 2)).tolist()
    [[4, 4], [2, 2]]
    """
    return torch.tensor(grid.row_sizes).unsqueeze(1) * torch.tensor(grid.column_sizes)


def live_units(
    scores: Mapping[str, Tensor], grids: Mapping[str, Grid], budget: Budget, target: float, config: CrispConfig
) -> dict[str, Tensor]:
    """The units that stay, by layer, bool as `scores` are: the worst go first until the sparsity lands on `target`.

    `scores` are `blocks.block_scores`. Units compete over all layers, in each layer or in each row (`config.scope`);
    the best unit of a layer stays, and no layer becomes sparser than its ceiling. Of equal units the first goes first.
    Raises InputError when all that may go leave the sparsity below the target.

    >>> config = CrispConfig(sparsity=0.5, pattern="unstructured")
    >>> scores, budget = {"a": torch.tensor([[4.0, 1.0], [2.0, 3.0]])}, Budget(4, 0, {}, ("a",))
    >>> live_units(scores, {"a": Grid(2, 2, 1)}, budget, 0.5, config)["a"].tolist()
    [[True, False], [False, True]]
    """
    if config.scope == "row":
        return {name: _best_of_rows(score, target) for name, score in scores.items()}
    names = list(scores)
    if config.scope == "layer":
        found: dict[str, Tensor] = {}
        for name in names:
            found |= _chosen({name: scores[name]}, grids, budget, target, config.normalize)
        return found
    live = _chosen(scores, grids, budget, target, config.normalize)
    total = sum(grids[name].rows * grids[name].columns for name in names)
    kept = sum(int(unit_sizes(grids[name])[live[name]].sum()) for name in names)
    largest = max(grids[name].block * grids[name].across for name in names)
    if 1 - kept / total < target - max(largest / total, TOLERANCE):
        reached = 1 - kept / total
        raise InputError(f"a sparsity of {target:.4f} is out of reach: with what must stay it is {reached:.4f}")
    return live


def _chosen(
    scores: Mapping[str, Tensor], grids: Mapping[str, Grid], budget: Budget, target: float, normalize: Normalize
) -> dict[str, Tensor]:
    """The best units of the layers given, together."""
    keys, sizes = [], []
    for name, score in scores.items():
        size = unit_sizes(grids[name])
        key = torch.where(score == PRUNED, PRUNED, score / size if normalize == "weight" else score)
        keys.append(_protected(key.flatten(), size.flatten(), budget.highest.get(name, 1.0)))
        sizes.append(size.flatten())
    key, size = torch.cat(keys), torch.cat(sizes)
    order = key.argsort(stable=True)
    gone = size[order].cumsum(0).double() / float(size.sum())
    may_go = int(torch.isfinite(key).sum())
    must_go = int((key == PRUNED).sum())
    count = _nearest(gone[:may_go], target)
    live = torch.ones(len(key), dtype=torch.bool)
    live[order[: max(count, must_go)]] = False
    parts = torch.split(live, [len(one) for one in keys])
    return {name: part.reshape(scores[name].shape) for name, part in zip(scores, parts, strict=True)}


def _nearest(gone: Tensor, target: float) -> int:
    """How many units to prune when `gone` is the share of weights gone after each: the last only if that is nearer."""
    count = int(torch.searchsorted(gone, target - TOLERANCE))
    if count == len(gone):
        return count
    before = float(gone[count - 1]) if count else 0.0
    return count if target <= before or float(gone[count]) - target > target - before + TOLERANCE else count + 1


def _protected(key: Tensor, size: Tensor, ceiling: float) -> Tensor:
    """The keys with infinity for units that must stay: the best one, and those beyond the layer's ceiling."""
    order = key.argsort(stable=True)
    gone = size[order].cumsum(0).double() / float(size.sum())
    stays = gone > ceiling + TOLERANCE
    stays[-1] = True
    found = key.clone()
    found[order[stays]] = torch.inf
    return torch.where(key == PRUNED, key, found)


def _best_of_rows(score: Tensor, target: float) -> Tensor:
    """The best weights of every row, the same number in each, at least one."""
    keep = max(1, round(score.shape[1] * (1 - target)))
    best = score.argsort(dim=1, descending=True, stable=True)[:, :keep]
    return torch.zeros_like(score, dtype=torch.bool).scatter_(1, best, True) & (score != PRUNED)
