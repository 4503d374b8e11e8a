"""From a model and a budget to the config that prunes it to that budget."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from crisp_prune.choices import WITHOUT_GRADIENTS
from crisp_prune.config import CrispConfig
from crisp_prune.hardware import Budget, Target
from crisp_prune.prune import Crisp
from crisp_prune.ratios.drivers import choose
from crisp_prune.ratios.problem import Judge, Problem
from crisp_prune.schedule import nm_sparsity

JUDGED = 4
"""One of so many training batches is held back to judge by: not given; assumed because the rest must still train."""


@dataclass(frozen=True)
class Settled:
    """A config with its cost, that of the dense network, and the share of blocks that each layer keeps."""

    config: CrispConfig
    cost: float
    dense: float
    shares: dict[str, float]


def problem_of(
    model: nn.Module, config: CrispConfig, batches: Sequence[Any], budget: Budget, target: Target
) -> Problem:
    """The problem of a model, which is copied; every fourth training batch judges, the others train."""
    lowest = nm_sparsity(config.n, config.m)
    pruner = Crisp(copy.deepcopy(model), replace(config, sparsity=lowest))
    pruner.record(batches[0])
    if config.criterion not in WITHOUT_GRADIENTS:
        pruner.measure(batches)
    judging = batches[::JUDGED]
    training = [batch for place, batch in enumerate(batches) if place % JUDGED] or list(judging)
    return Problem(pruner, Judge(training, judging, seed=config.seed), budget, target)


def settle(problem: Problem, driver: str) -> Settled:
    """What a driver chooses, as a config for `Crisp`."""
    kept = choose(problem, driver)
    shares = {name: kept[name] / most for name, most in problem.most.items()}
    return Settled(problem.settled(kept), problem.cost(kept), problem.dense, shares)
