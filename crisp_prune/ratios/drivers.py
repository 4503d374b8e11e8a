"""Who decides how much of each layer stays: rules and searches with one signature, from a problem to kept blocks."""

from collections.abc import Callable
from itertools import pairwise

from crisp_hw.errors import InputError
from crisp_prune.budget import candidates
from crisp_prune.ratios.amc import amc
from crisp_prune.ratios.problem import Problem

LEVELS = (0.75, 0.5, 0.25, 0.125)
"""Shares of a layer's blocks at which sensitivity is measured: not given; assumed because halving shows the bend."""
FIRST, FALL = 0.025, 0.96
"""NetAdapt's first step as a share of the cost, and the factor from step to step: Yang et al., arXiv 1804.03230."""
LOWEST = 0.05
"""The lowest share that TPE tries: not given; assumed because a block a row is left anyway."""


def uniform(problem: Problem) -> dict[str, int]:
    """The same share of the blocks of every layer."""
    return problem.fit(dict.fromkeys(problem.layers, 1.0))


def global_rank(problem: Problem) -> dict[str, int]:
    """Worst rank column first over all layers, as `Crisp` does it without a budget."""
    kept, config = problem.most, problem.config
    queue = [
        column
        for name, ranks in problem.ranks.items()
        for column in candidates(name, ranks, len(ranks.weights) - 1, config.normalize)
    ]
    for column in sorted(queue, key=lambda each: each.key):
        if problem.allowed(kept):
            break
        kept[column.layer] -= 1
    return _used_up(problem, kept)


def _used_up(problem: Problem, kept: dict[str, int]) -> dict[str, int]:
    """Blocks that still fit under the limit, to the layers with the fewest of theirs."""
    most = problem.most
    while more := [n for n in kept if kept[n] < most[n] and problem.allowed({**kept, n: kept[n] + 1})]:
        kept[min(more, key=lambda name: kept[name] / most[name])] += 1
    return kept


def sensitivity(problem: Problem) -> dict[str, int]:
    """Each layer is pruned alone to see what it bears; then always the step that loses least for what it saves."""
    most = problem.most
    whole = problem.score(most)
    curves: dict[str, list[tuple[int, float]]] = {}
    for name in problem.layers:
        counts = sorted({max(1, round(most[name] * level)) for level in LEVELS} - {most[name]}, reverse=True)
        curves[name] = [(most[name], whole), *((c, problem.score({**most, name: c})) for c in counts)]
    kept = problem.most
    while not problem.allowed(kept):
        steps = [name for name in problem.layers if kept[name] > 1]
        kept[min(steps, key=lambda name: _loss(problem, curves[name], name, kept[name]))] -= 1
    return _used_up(problem, kept)


def _loss(problem: Problem, curve: list[tuple[int, float]], name: str, count: int) -> float:
    """Accuracy lost for each unit of cost saved by one block less."""
    costs = problem.table[name]
    saved = costs[count - 1] - costs[count - 2]
    return (_read(curve, count) - _read(curve, count - 1)) / saved if saved > 0 else float("inf")


def _read(curve: list[tuple[int, float]], count: int) -> float:
    """A curve between its points, from the most blocks to the fewest; beyond the last it stays.

    >>> _read([(8, 1.0), (4, 0.5)], 6)
    0.75
    """
    for (upper, high), (lower, low) in pairwise(curve):
        if lower <= count <= upper:
            return low + (high - low) * (count - lower) / (upper - lower)
    return curve[-1][1]


def netadapt(problem: Problem) -> dict[str, int]:
    """NetAdapt: step by step cheaper, each step by the one layer whose pruning to that cost leaves the most accuracy.

    Steps are those of the paper, 2.5 % x 0.96^i, which end at 37.5 % of the dense cost; where that is not low enough,
    or not within the evaluations that are allowed, all steps are larger by one factor.
    """
    kept = problem.most
    start = problem.cost(kept)
    wanted = 1 - problem.limit / start
    most_steps = max(1, problem.judge.evaluations // len(problem.layers))
    first = max(FIRST, wanted * (1 - FALL) / (1 - FALL**most_steps))
    for step in range(most_steps * 2):
        if problem.allowed(kept):
            break
        goal = max(problem.limit, problem.cost(kept) - start * first * FALL**step)
        choices = [found for name in problem.layers if (found := _cheaper(problem, kept, name, goal)) is not None]
        if not choices:
            kept = problem.fit({name: kept[name] / count for name, count in problem.most.items()})
            break
        kept = max(choices, key=problem.score)
    return _used_up(problem, dict(kept))


def _cheaper(problem: Problem, kept: dict[str, int], name: str, goal: float) -> dict[str, int] | None:
    """The most blocks of one layer with which the network costs no more than `goal`; None where it cannot."""
    for count in range(kept[name] - 1, 0, -1):
        found = {**kept, name: count}
        if problem.cost(found) <= goal * (1 + 1e-9):
            return found
    return None


def tpe(problem: Problem) -> dict[str, int]:
    """Tree-structured Parzen estimators, by Optuna: shares of the layers, scaled to the budget, by their accuracy."""
    try:
        import optuna
    except ModuleNotFoundError:
        raise InputError("the driver tpe needs Optuna", hint="pip install optuna") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=problem.judge.seed))
    study.enqueue_trial(dict.fromkeys(problem.layers, 1.0))

    def kept_of(shares: dict[str, float]) -> dict[str, int]:
        return problem.fit(shares)

    def objective(trial: "optuna.Trial") -> float:
        return problem.score(kept_of({name: trial.suggest_float(name, LOWEST, 1.0) for name in problem.layers}))

    study.optimize(objective, n_trials=problem.judge.evaluations)
    return kept_of(study.best_params)


DRIVERS: dict[str, Callable[[Problem], dict[str, int]]] = {
    "uniform": uniform,
    "global": global_rank,
    "sensitivity": sensitivity,
    "netadapt": netadapt,
    "amc": lambda problem: amc(problem).best,
    "tpe": tpe,
}
"""The drivers by name."""


def choose(problem: Problem, driver: str) -> dict[str, int]:
    """The blocks that stay by one of the drivers; InputError names them all."""
    if driver not in DRIVERS:
        raise InputError(f"unknown driver {driver!r}", hint=f"there are {', '.join(DRIVERS)}")
    return DRIVERS[driver](problem)
