"""Iterations, their sparsity targets and the steps at which they fall; the learning rate of every step."""

from collections.abc import Sequence
from math import ceil, cos, pi
from typing import Literal, assert_never

Ramp = Literal["linear", "cubic"]


def nm_sparsity(n: int, m: int) -> float:
    """Sparsity that N:M alone gives: 1 - n/m.

    >>> nm_sparsity(2, 4)
    0.5
    """
    return 1 - n / m


def block_iterations(sparsity: float, n: int, m: int, increment: float = 0.1) -> int:
    """Iterations after the first that a target needs when each prunes at most `increment` of all blocks.

    The blocks to prune are 1 - (1 - sparsity) * m/n of all (definition of K'/K, arXiv 2311.14272).

    >>> block_iterations(0.9, 2, 4), block_iterations(0.5, 2, 4)
    (8, 0)
    """
    blocks = 1 - (1 - sparsity) * m / n
    return max(0, ceil(round(blocks / increment, 9)))


def targets(sparsity: float, n: int, m: int, iterations: int, ramp: Ramp = "linear") -> tuple[float, ...]:
    """Sparsity after each iteration p = 0 .. `iterations`: N:M alone, then a ramp to the target.

    >>> [round(t, 3) for t in targets(0.9, 2, 4, 4)]
    [0.5, 0.6, 0.7, 0.8, 0.9]
    """
    start = nm_sparsity(n, m)
    return tuple(start + (sparsity - start) * _progress(p, iterations, ramp) for p in range(iterations + 1))


def _progress(p: int, iterations: int, ramp: Ramp) -> float:
    """Fraction of the way from N:M alone to the target after iteration p."""
    if p == 0:
        return 0.0
    match ramp:
        case "linear":
            return p / iterations
        case "cubic":
            return 1 - (1 - p / iterations) ** 3
    assert_never(ramp)


def pruning_steps(total_steps: int, prune_until: float) -> int:
    """Optimizer steps in which all pruning falls: the share `prune_until` of all.

    >>> pruning_steps(101, 0.5)
    50
    """
    return int(total_steps * prune_until)


def boundary(p: int, iterations: int, steps: int) -> int:
    """Optimizer step before which iteration `p` of 0 .. `iterations` prunes, `steps` being those of `pruning_steps`.

    The phases between two iterations, and that between the last one and the end of `steps`, are equally long.

    >>> [boundary(p, 4, 100) for p in range(5)]
    [0, 20, 40, 60, 80]
    """
    return p * steps // (iterations + 1)


def rate_factor(step: int, total_steps: int, warmup_steps: int, falls_from: int = 0) -> float:
    """Factor on the peak learning rate at `step` (0-based): linear warm-up, the peak, and a cosine to 0.

    The cosine begins at step `falls_from`, or after the warm-up when that ends later. While blocks are still being
    pruned the rate stays at its peak, so that the sparsest state, which has most to recover, is trained with it too.

    >>> [round(rate_factor(s, 10, 2), 3) for s in (0, 1, 2, 6, 10)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    >>> [round(rate_factor(s, 10, 2, falls_from=6), 3) for s in (0, 2, 6, 8, 10)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    start = max(warmup_steps, falls_from)
    if step < start:
        return 1.0
    return 0.5 * (1 + cos(pi * (step - start) / max(1, total_steps - start)))


def rewound_factor(step: int, edges: Sequence[int], warmup_steps: int) -> float:
    """Factor on the peak learning rate at `step` when every phase between two `edges` has a fall of its own.

    That is learning-rate rewinding (Renda et al., arXiv 2003.02389): what is left after each iteration is trained at
    the peak first and then at ever lower rates. The edges begin with 0 and end with the number of all steps.

    >>> [round(rewound_factor(step, (0, 4, 10), 1), 3) for step in (0, 1, 3, 4, 7)]
    [1.0, 1.0, 0.25, 1.0, 0.5]
    """
    start = max(edge for edge in edges if edge <= step)
    end = min((edge for edge in edges if edge > step), default=edges[-1])
    return rate_factor(step - start, end - start, 0 if start else min(warmup_steps, end))
