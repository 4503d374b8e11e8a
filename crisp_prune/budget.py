"""All layers' rank columns -> how many of each layer to prune for a sparsity target, never the last one."""

from collections.abc import Mapping
from dataclasses import dataclass

from crisp_hw.errors import InputError
from crisp_prune.blocks import RankColumns
from crisp_prune.choices import Normalize

TOLERANCE = 1e-9
"""Slack of comparisons between sparsities: far below one weight in 10^8, far above fp64 rounding."""


@dataclass(frozen=True)
class Candidate:
    """A rank column that may be pruned next, with the weights it would free."""

    key: float
    layer: str
    freed: int


@dataclass(frozen=True)
class Budget:
    """What the whole model weighs: all prunable weights, those N:M keeps where no block can go, layer ceilings.

    `total` counts hybrid and N:M-only layers; `fixed` are the kept weights of the N:M-only layers;
    `hybrid` names the layers that may lose blocks; `highest[layer]` is the largest sparsity allowed in a layer (none
    given: only the floor of one rank column holds).
    """

    total: int
    fixed: int
    highest: Mapping[str, float]
    hybrid: tuple[str, ...] = ()


def prunable(ranks: RankColumns, highest: float = 1.0) -> int:
    """Rank columns of one layer that may be pruned: all but one, and no more than the ceiling `highest` allows.

    >>> import torch
    >>> ranks = RankColumns(torch.zeros(1, 4), (1.0,) * 4, (8,) * 4, (4,) * 4, dead=0)
    >>> prunable(ranks), prunable(ranks, highest=0.75)  # one live column of four is 0.875 sparse, two are 0.75
    (3, 2)
    """
    total, kept, count = sum(ranks.weights), sum(ranks.kept), 0
    for freed in ranks.kept[:-1]:
        kept -= freed
        if 1 - kept / total > highest + TOLERANCE:
            break
        count += 1
    return max(count, ranks.dead)


def highest_of(ranks: RankColumns, budget: Budget) -> float:
    """The highest sparsity that one layer can reach, with its ceiling in `budget.highest` where it has one.

    >>> import torch
    >>> ranks = RankColumns(torch.zeros(1, 4), (1.0,) * 4, (8,) * 4, (4,) * 4, dead=0)
    >>> highest_of(ranks, Budget(32, 0, {}, ("a",)))
    0.875
    """
    gone = prunable(ranks, budget.highest.get(budget.hybrid[0], 1.0))
    return 1 - sum(ranks.kept[gone:]) / sum(ranks.weights)


def candidates(name: str, ranks: RankColumns, limit: int, normalize: Normalize) -> list[Candidate]:
    """The live rank columns below `limit`, keyed so that a layer's worse column never comes after a better one.

    The key is the score per real weight ("weight") or the raw sum ("sum", the paper); partial blocks can make the
    former fall along the ranks, so each key is at least the one before it.

    >>> import torch
    >>> ranks = RankColumns(torch.zeros(1, 3), (4.0, 2.0, 9.0), (8, 8, 8), (4, 4, 4), dead=0)
    >>> [c.key for c in candidates("a", ranks, 2, "weight")]
    [0.5, 0.5]
    """
    found: list[Candidate] = []
    for q in range(ranks.dead, limit):
        key = ranks.scores[q] / ranks.weights[q] if normalize == "weight" else ranks.scores[q]
        found.append(Candidate(max(key, found[-1].key) if found else key, name, ranks.kept[q]))
    return found


def select(layers: Mapping[str, RankColumns], budget: Budget, target: float, normalize: Normalize) -> dict[str, int]:
    """Rank columns to prune in each layer, those pruned already included, so that the sparsity lands on `target`.

    Sparsity is 1 - kept / total with N:M counted. Rank columns go worst first over all layers (ties: the layer that
    comes first, then the lower rank) and the last one only if that lands nearer to the target. Raises InputError when
    even the last allowed rank column leaves the sparsity below the target.

    >>> import torch
    >>> ranks = RankColumns(torch.zeros(1, 4), (1.0, 2.0, 3.0, 4.0), (8,) * 4, (4,) * 4, dead=0)
    >>> select({"a": ranks}, Budget(total=32, fixed=0, highest={}), 0.75, "weight")
    {'a': 2}
    """
    pruned = {name: ranks.dead for name, ranks in layers.items()}
    kept = budget.fixed + sum(sum(ranks.kept[ranks.dead :]) for ranks in layers.values())
    queue: list[Candidate] = []
    for name, ranks in layers.items():
        queue += candidates(name, ranks, prunable(ranks, budget.highest.get(name, 1.0)), normalize)
    for column in sorted(queue, key=lambda candidate: candidate.key):
        before, after = (1 - kept / budget.total), (1 - (kept - column.freed) / budget.total)
        if before >= target - TOLERANCE or after - target > target - before + TOLERANCE:
            return pruned
        pruned[column.layer] += 1
        kept -= column.freed
    reached = 1 - kept / budget.total
    if reached < target - TOLERANCE:
        raise InputError(
            f"a sparsity of {target:.4f} is out of reach: with one rank column left in every layer it is {reached:.4f}"
        )
    return pruned
